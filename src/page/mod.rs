//! What a page is called, and (in `state`) the word that says what state it is in.

mod fault;
mod given_up;
mod state;

use core::fmt;
use core::mem::MaybeUninit;

pub use fault::Fault;
pub(crate) use given_up::GivenUp;
pub(crate) use state::{AtomicPageState, Location, PageState, Released, ZONE};

/// The number of a page in its pool.
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

/// Ids of which every one has been written. (`assume_init_ref` for slices, which is younger than this crate's MSRV.)
///
/// # Safety
/// Every one has.
#[inline(always)]
pub(crate) unsafe fn written(ids: &[MaybeUninit<PageId>]) -> &[PageId] {
    // SAFETY: same layout, and initialised by the caller's promise.
    unsafe { &*(core::ptr::from_ref(ids) as *const [PageId]) }
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

/// log2 of the pages in a contiguous block: 0 to 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

impl Order {
    /// The largest order: 64 pages.
    pub const MAX: Order = Order(6);

    /// The order, or `None` above [`Order::MAX`].
    #[must_use]
    pub const fn new(order: u8) -> Option<Self> {
        if order <= Self::MAX.0 { Some(Order(order)) } else { None }
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
