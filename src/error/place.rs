//! Why a page, or a block, cannot be had at its place.

use core::fmt;

use super::debug_by_display;
use crate::page::PageId;

debug_by_display!(PlaceError, PlaceReason);

/// Why a page cannot be allocated that was asked for by its number: by
/// [`Pool::alloc_at`](crate::Pool::alloc_at) or
/// [`Pool::alloc_block_at`](crate::Pool::alloc_block_at). Nothing was allocated.
///
/// ```
/// # use pagesheaf::{Checked, PlaceReason, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let page = pool.alloc_at(7.into())?;
/// let error = pool.alloc_at(7.into()).expect_err("it is out");
/// assert_eq!((error.page, error.reason), (page.id(), PlaceReason::Out));
/// assert_eq!(error.to_string(), "page 7 is out: wait until it is freed, or ask for another");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaceError {
    /// The page: of a block, the first one that cannot be had.
    pub page: PageId,
    /// Where it is.
    pub reason: PlaceReason,
}

/// Where a page is that cannot be had: see [`PlaceError::reason`]. While other threads are at work
/// it is of some moment, and a page that is on its way counts as out, or cached.
///
/// ```
/// # use pagesheaf::{Checked, PlaceReason, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let mut cache = pool.cache()?;
/// let page = cache.alloc()?;
/// let id = page.id();
/// cache.free(page);
/// let error = pool.alloc_at(id).expect_err("the cache has it");
/// assert_eq!(error.reason, PlaceReason::Cached);
/// cache.drain();
/// assert_eq!(pool.alloc_at(id)?.id(), id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlaceReason {
    /// The pool has no such page.
    OutOfRange,
    /// No block of this order starts at the page: its number is no multiple of the block's pages,
    /// or the block would go past the end of the pool.
    NotABlock {
        /// The order.
        order: u8,
    },
    /// Somebody has the page, by itself or in a block.
    Out,
    /// The page is lent to a device.
    Lent,
    /// The page is withheld after a fault.
    Withheld,
    /// The page is offline: [`Pool::online`](crate::Pool::online) brings it back.
    Offline,
    /// The page is free, but in another thread's cache that is in use; all caches were asked for
    /// what they hold, which they give up at their next call.
    Cached,
    /// Somebody has the page, or it is in another thread's cache: a mode without checks cannot
    /// tell, while caches hold pages. They were asked for what they hold.
    OutOrCached,
    /// The page waits for its ticket: see [`Pool::free_bulk_after`](crate::Pool::free_bulk_after).
    /// A mode without checks says that it is out.
    Fenced,
    /// The page is free, or about to be, but another caller is served first, or came before. Try
    /// again, after letting other threads run.
    Busy,
    /// The page is free, but stays for others: [`Builder::low`](crate::Builder::low) and
    /// [`Builder::critical_reserve`](crate::Builder::critical_reserve).
    Watermark,
    /// The pool has addresses only: use the raw calls.
    AddressOnly,
    /// The pool's `FaultPlan` has it so, in a build with the feature `fault-injection`.
    Injected,
}

impl fmt::Display for PlaceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PlaceReason::OutOfRange => "is outside the pool: use a number below Pool::capacity",
            PlaceReason::NotABlock { order } => {
                let pages = 1_u64.checked_shl((*order).into()).unwrap_or(u64::MAX);
                write!(f, "is not where a block of order {order} can start: use a multiple of ")?;
                return write!(f, "{pages} that leaves room for the block");
            }
            PlaceReason::Out => "is out: wait until it is freed, or ask for another",
            PlaceReason::Lent => "is lent to a device: reclaim it first, or ask for another",
            PlaceReason::Withheld => {
                "was withheld after an earlier fault (Pool::bad_pages has it): ask for another"
            }
            PlaceReason::Offline => "is offline: call Pool::online to bring it back",
            PlaceReason::Cached => {
                "is in another thread's cache (Pool::holders names them): try again after its next call"
            }
            PlaceReason::OutOrCached => {
                "is out, or in another thread's cache: drain the caches to learn which"
            }
            PlaceReason::Fenced => "waits for its ticket: try again when that has passed",
            PlaceReason::Watermark => {
                "stays for others (Builder::low, Builder::critical_reserve): free some pages first"
            }
            PlaceReason::Busy => "is in another call: let other threads run, and try again",
            PlaceReason::AddressOnly => {
                "cannot have an owner, for the pool has addresses only: use the raw calls"
            }
            PlaceReason::Injected => {
                "is not given, for the pool's FaultPlan makes this call fail: handle it, or change \
                 the plan"
            }
        })
    }
}

impl core::error::Error for PlaceReason {}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.page, self.reason)
    }
}

impl core::error::Error for PlaceError {
    /// Where the page is.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.reason)
    }
}
