//! What names a page, to whoever gives it back.

use super::{PageId, PageSize};

/// What names a page that a device gives back: an offset from the region's start, anywhere in the page, as `u64`; or
/// the page's number, as [`PageId`]. Nothing else can implement it.
///
/// ```
/// # use pagesheaf::{PageId, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let mut lending = pool.lend_new(2);
/// let id = lending.ids().next().expect("a page");
/// let offset = lending.next().expect("another one");
/// # drop(lending);
/// // SAFETY: the device is done with both.
/// unsafe {
///     pool.free_lent([id])?;
///     pool.free_lent([offset + 17])?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait NamesPage {
    /// The page, in a pool of pages of this size.
    #[doc(hidden)]
    fn page(self, size: PageSize) -> PageId;
}

impl NamesPage for u64 {
    #[inline(always)]
    fn page(self, size: PageSize) -> PageId {
        size.page_at(self)
    }
}

impl NamesPage for PageId {
    #[inline(always)]
    fn page(self, _: PageSize) -> PageId {
        self
    }
}
