//! What a page is called; the word that says what state it is in (`state`), or the byte (`mark`), and
//! how many references it has (`count`).

mod convert;
mod count;
#[cfg(test)]
pub(crate) mod facts;
mod fault;
mod given_up;
mod mark;
mod names;
mod size;
mod state;

use core::fmt;
use core::mem::MaybeUninit;

pub use convert::IdError;
pub(crate) use count::{AtomicCount, References, Released};
pub use fault::Fault;
pub use given_up::FromDevice;
pub(crate) use given_up::{GivenUp, LENT_TOGETHER, PartlyFreed, Returned};
pub(crate) use mark::{AtomicMark, Mark};
pub use names::NamesPage;
pub use size::PageSize;
pub(crate) use state::{AtomicPageState, Kind, LOCATIONS, Location, PageState, ZONE};

/// The number of a page in its pool.
///
/// It is a number and nothing more: whoever has it owns nothing, and it may be of any pool.
///
/// ```
/// use pagesheaf::PageId;
///
/// let id = PageId::new(7);
/// assert_eq!((id.index(), u32::from(id), PageId::from(7)), (7, 7, id));
/// assert_eq!(id.to_string(), "page 7");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PageId(u32);

impl PageId {
    /// The page with this number.
    #[must_use]
    #[inline(always)]
    pub const fn new(index: u32) -> Self {
        PageId(index)
    }

    /// The number.
    #[must_use]
    #[inline(always)]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl From<u32> for PageId {
    fn from(index: u32) -> Self {
        PageId(index)
    }
}

impl From<PageId> for u32 {
    fn from(id: PageId) -> Self {
        id.0
    }
}

/// Ids of which every one has been written. (`assume_init_ref` for slices, which is younger than
/// this crate's MSRV.)
///
/// # Safety
/// Every one has.
#[inline(always)]
pub(crate) unsafe fn written(ids: &[MaybeUninit<PageId>]) -> &[PageId] {
    // SAFETY: same layout, and initialised by the caller's promise.
    unsafe { &*(core::ptr::from_ref(ids) as *const [PageId]) }
}

/// Room for ids, as numbers.
#[inline(always)]
pub(crate) fn as_words(ids: &mut [MaybeUninit<PageId>]) -> &mut [MaybeUninit<u32>] {
    // SAFETY: an id is a transparent `u32`, and any `u32` is one.
    unsafe { &mut *(core::ptr::from_mut(ids) as *mut [MaybeUninit<u32>]) }
}

/// As [`written`], to write.
///
/// # Safety
/// Every one has.
#[inline(always)]
pub(crate) unsafe fn written_mut(ids: &mut [MaybeUninit<PageId>]) -> &mut [PageId] {
    // SAFETY: same layout, and initialised by the caller's promise.
    unsafe { &mut *(core::ptr::from_mut(ids) as *mut [PageId]) }
}

// SAFETY: a transparent `u32` has no padding and no uninitialised bytes.
unsafe impl bytemuck::NoUninit for PageId {}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageId({})", self.0)
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {}", self.0)
    }
}

/// log2 of the pages in a contiguous block: 0 to 10.
///
/// ```
/// use pagesheaf::Order;
///
/// let order = Order::try_from(3)?;
/// assert_eq!((order.get(), order.pages()), (3, 8));
/// assert_eq!((Order::new(11), Order::MAX.pages()), (None, 1024));
/// let error = Order::try_from(11).expect_err("too large");
/// assert_eq!(error.to_string(), "an order of 11 is not in 0..=10: use a smaller one");
/// # Ok::<(), pagesheaf::OrderError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

impl Order {
    /// The largest order: 1,024 pages.
    pub const MAX: Order = Order(10);

    /// A block of one page.
    pub(crate) const ZERO: Order = Order(0);

    /// The order, or `None` above [`Order::MAX`].
    #[must_use]
    pub const fn new(order: u8) -> Option<Self> {
        if order <= Self::MAX.0 { Some(Order(order)) } else { None }
    }

    /// The smallest order whose blocks have room for so many bytes, in pages of this size, or `None` if none is large
    /// enough, or pages have no bytes.
    ///
    /// ```
    /// use pagesheaf::Order;
    ///
    /// let orders = [0, 2048, 2049, 60_000, 2 << 20].map(|bytes| Order::for_bytes(bytes, 2048).map(Order::get));
    /// assert_eq!(orders, [Some(0), Some(0), Some(1), Some(5), Some(10)]);
    /// assert_eq!(Order::for_bytes((2 << 20) + 1, 2048), None);
    /// ```
    #[must_use]
    pub const fn for_bytes(bytes: usize, page_size: usize) -> Option<Self> {
        if page_size == 0 {
            return None;
        }
        match bytes.div_ceil(page_size).checked_next_power_of_two() {
            Some(pages) => Self::new(pages.trailing_zeros() as u8),
            None => None,
        }
    }

    /// The logarithm.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// How many pages a block of this order has.
    #[must_use]
    pub const fn pages(self) -> usize {
        1 << self.0
    }
}

/// What a page is that was part of a block, when the block has been split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A single page.
    Page,
    /// The first page of a block of this order.
    Head(Order),
    /// Another page of such a block.
    Tail(Order),
}

impl Piece {
    /// What the page `at` of a block is in blocks of the order `into`, or by itself.
    pub(crate) const fn of(at: usize, into: Option<Order>) -> Self {
        match into {
            None => Piece::Page,
            Some(order) if at.is_multiple_of(order.pages()) => Piece::Head(order),
            Some(order) => Piece::Tail(order),
        }
    }
}

impl TryFrom<u8> for Order {
    type Error = OrderError;

    fn try_from(order: u8) -> Result<Self, OrderError> {
        Order::new(order).ok_or(OrderError { order })
    }
}

impl From<Order> for u8 {
    fn from(order: Order) -> Self {
        order.0
    }
}

/// A number that is no [`Order`]: it is above [`Order::MAX`].
///
/// ```
/// # use pagesheaf::Order;
/// let error = Order::try_from(200).expect_err("no block has so many pages");
/// assert_eq!(error.order, 200);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderError {
    /// The number.
    pub order: u8,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an order of {} is not in 0..={}: use a smaller one", self.order, Order::MAX.0)
    }
}

impl fmt::Debug for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderError({self})")
    }
}

impl core::error::Error for OrderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_so_many_pages_is_the_head_of_a_piece() {
        let order = Order::new(2).expect("legal");
        for at in 0..16 {
            let piece = if at % 4 == 0 { Piece::Head(order) } else { Piece::Tail(order) };
            assert_eq!((Piece::of(at, Some(order)), Piece::of(at, None)), (piece, Piece::Page));
        }
    }
}
