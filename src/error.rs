//! What can go wrong, in words: the page, what was wrong, and the mode.
//!
//! Invariant: `Debug` of an error has the sentence of its `Display`, because `main` and `unwrap`
//! print errors by `Debug`.

mod build;
mod cache;
mod fenced;
mod filled;
mod place;
mod pressure;
mod range;
mod system;
mod taint;
#[cfg(test)]
mod texts;
mod unbuilt;
mod wait;

use core::fmt;

pub use build::BuildError;
pub use cache::CacheError;
pub use fenced::FenceError;
pub use filled::Filled;
pub use place::{PlaceError, PlaceReason};
pub use pressure::{Pressure, Watermark};
pub use range::RangeError;
pub use system::MemoryLimit;
pub(crate) use system::Size;
pub(crate) use taint::Call;
pub use taint::{Taint, TaintReason};
pub use unbuilt::{InitError, NotBuilt};
pub use wait::{WaitError, WaitReason};

use crate::mode::ModeFlags;
use crate::page::{Fault, PageId};
use crate::trail::Trail;

/// A number of things, in words: "1 page", "2 pages".
pub(crate) struct Count<'a>(pub(crate) u64, pub(crate) &'a str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(number, thing) = self;
        write!(f, "{number} {thing}{}", if *number == 1 { "" } else { "s" })
    }
}

/// Implements `Debug` of errors: `Name(the sentence)`.
macro_rules! debug_by_display {
    ($($name:ident $(<$mode:ident>)?),+) => {$(
        impl$(<$mode: $crate::mode::Mode>)? core::fmt::Debug for $name$(<$mode>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )+};
}
pub(crate) use debug_by_display;

debug_by_display!(ShortReason, ExactError, BatchError, PageError, BadPage, BuildError, CacheError);
debug_by_display!(RangeError, WaitError, WaitReason);

/// What a call says that a plan made fail.
const INJECTED: &str = "the pool's FaultPlan makes this call fail: handle it, or change the plan";

/// Why a bulk call stopped before it had everything that was asked for.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(10).build()?;
/// let mut batch = PageBatch::new();
/// match pool.alloc_bulk(&mut batch, 100).reason {
///     None => unreachable!("the pool has ten pages"),
///     Some(ShortReason::Exhausted) => println!("free some, or build a larger pool"),
///     Some(ShortReason::Cached) => println!("try again: the caches have been asked for theirs"),
///     Some(ShortReason::Busy) => println!("try again: somebody else was first"),
///     Some(reason) => println!("{reason}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShortReason {
    /// No page was free anywhere, at a moment of this call: the pool has read all its counters
    /// twice, and they said the same. A page that another call has in the middle of its work counts
    /// as free.
    Exhausted,
    /// Pages are free, but in other threads' caches that are in use; they give them up at their
    /// next call. [`Pool::holders`](crate::Pool::holders) says whose caches these are. Whoever runs
    /// dry gets the pages of those that are in [`Cache::idle`](crate::Cache::idle), and
    /// [`Pool::steal_idle`](crate::Pool::steal_idle) those of stealable ones.
    ///
    /// In a pool that is [tainted](crate::Pool::is_tainted) it may stay so: where a stack of the
    /// depot was found to be corrupt and was cut off, what was on it is out of reach until
    /// [`recover_forgotten`](crate::CloseError::recover_forgotten).
    Cached,
    /// Pages are free, or about to be, but another caller is at them: one that found nothing is
    /// served first, an all-or-none request has its turn, or a call in progress has them in hand, or
    /// in the shared cache that it uses. Or pages came and went while the pool looked, so that nothing
    /// else is sure. Try again, after letting other threads run.
    Busy,
    /// The only free pages are promised to those who wait (`alloc_bulk_timeout`, `alloc_bulk_async`),
    /// and are in the hands of the first of them until it has all that it wants, or gives up. Wait,
    /// too: [`Pages::promised`](crate::Pages::promised) says how many there are.
    Promised,
    /// The only pages that are not out wait for their tickets
    /// ([`Pool::free_bulk_after`](crate::Pool::free_bulk_after)), and nobody has seen these pass.
    /// [`Pages::fenced`](crate::Pages::fenced) says how many there are. Wait for the fence, and try again; with
    /// [`defer_wakes`](crate::Builder::defer_wakes), call [`Pool::reap_fences`](crate::Pool::reap_fences) first.
    Fenced,
    /// Of a [`NodeSet`](crate::NodeSet) only: the nodes of the mask, or the one that the policy binds to,
    /// have no more pages. The other nodes were not asked.
    NodeMask,
    /// Pages are free, but stay for others: a bulk call stops at the pool's
    /// [`low`](crate::Builder::low) mark, a call for one page at the
    /// [`critical_reserve`](crate::Builder::critical_reserve). Ask for one page, wait, or let
    /// [`Pool::critical`](crate::Pool::critical) have them.
    Watermark,
    /// Of a block only: pages are free, but no block of this order is whole. If the call got
    /// nothing, what caches free next goes where it can complete one. In a pool that has fewer pages
    /// than such a block there never is one, and nobody is asked.
    Fragmented,
    /// Of an all-or-none request only: the pool has fewer pages than were asked for, whoever has them.
    TooMany,
    /// The batch, or the array, has no room for more.
    BatchFull,
    /// The batch holds pages of another pool.
    OtherPool,
    /// The pool has addresses only: use the raw calls.
    AddressOnly,
    /// Of a [`StaticPool`](crate::StaticPool) only: the pool is not built.
    NotBuilt,
    /// The pool's `FaultPlan` has it so, in a build with the feature `fault-injection`.
    Injected,
}

impl fmt::Display for ShortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ShortReason::Exhausted => "no page is free: free some, or build a larger pool",
            ShortReason::Cached => {
                "the free pages are in other threads' caches (Pool::holders names them): try again \
                 after their next call, or have those threads wait in Cache::idle"
            }
            ShortReason::Busy => {
                "the free pages are in calls in progress, or another caller is served first: let \
                 other threads run, and try again"
            }
            ShortReason::NodeMask => {
                "the nodes that may be used have no more pages: allow others, or free some there"
            }
            ShortReason::Promised => {
                "the free pages are promised to those who wait: wait, too, or try again later"
            }
            ShortReason::Fenced => {
                "the free pages wait for their tickets (free_bulk_after): try again when the fence has gone \
                 on"
            }
            ShortReason::Watermark => {
                "the free pages stay for others (Builder::low, Builder::critical_reserve): free some, \
                 wait, or have Pool::critical take them"
            }
            ShortReason::Fragmented => {
                "no block of this order is whole: free its neighbours, or ask for a smaller one"
            }
            ShortReason::TooMany => {
                "the pool has fewer pages in all: ask for fewer, or build a larger pool"
            }
            ShortReason::BatchFull => BatchError::Full.says(),
            ShortReason::OtherPool => BatchError::OtherPool.says(),
            ShortReason::AddressOnly => "the pool has addresses only: use the raw calls",
            ShortReason::NotBuilt => unbuilt::NOT_BUILT,
            ShortReason::Injected => INJECTED,
        })
    }
}

impl core::error::Error for ShortReason {}

/// What a bulk allocation did.
///
/// These two fields are all that it will ever have: take it apart, or make one to compare with.
///
/// ```
/// # use pagesheaf::{BulkAlloc, PageBatch, Pool, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::<_, 64>::empty();
/// let BulkAlloc { allocated, reason } = pool.alloc_bulk(&mut batch, 70);
/// assert_eq!((allocated, reason), (64, Some(ShortReason::BatchFull)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "bulk allocation may return fewer pages than asked"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkAlloc {
    /// How many pages this call added; of a call for blocks, how many blocks.
    pub allocated: usize,
    /// Why it stopped early; `None` when it added all that were wanted.
    pub reason: Option<ShortReason>,
}

/// An all-or-none allocation that got none.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(10).build()?;
/// let mut batch = PageBatch::new();
/// let error = pool.alloc_bulk_exact(&mut batch, 20).expect_err("there are ten");
/// assert_eq!((error.want, error.reason), (20, ShortReason::TooMany));
/// assert!(batch.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExactError {
    /// How many pages were asked for.
    pub want: usize,
    /// How many could be had; all of them are still free. Those in other caches are among them only
    /// if they would not be enough either, which is [`Exhausted`](ShortReason::Exhausted). 0 if the
    /// call did not look.
    pub had: usize,
    /// Why there were no more: [`Exhausted`](ShortReason::Exhausted) means no more than `had`.
    pub reason: ShortReason,
}

impl fmt::Display for ExactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: ", self.had, Count(self.want as u64, "page"))?;
        match self.reason {
            ShortReason::Exhausted if self.had > 0 => {
                f.write_str("no more are free: free some, or build a larger pool")
            }
            reason => write!(f, "{reason}"),
        }
    }
}

impl core::error::Error for ExactError {
    /// Why there were no more.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.reason)
    }
}

/// Why pages cannot go into a batch.
///
/// ```
/// # use pagesheaf::{BatchError, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(100).build()?;
/// let (mut many, mut few) = (PageBatch::<_, 64>::empty(), PageBatch::<_, 8>::empty());
/// pool.alloc_bulk_exact(&mut many, 9)?;
/// assert_eq!(few.append(&mut many), Err(BatchError::Full));
/// assert_eq!((few.len(), many.len()), (0, 9), "neither has changed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchError {
    /// The batch has too little room.
    Full,
    /// The batch holds pages of another pool.
    OtherPool,
}

impl BatchError {
    /// The sentence, which [`ShortReason`] has, too.
    const fn says(self) -> &'static str {
        match self {
            BatchError::Full => "the batch is full: free its pages, or use a larger one",
            BatchError::OtherPool => {
                "the batch holds pages of another pool: use one batch for each pool"
            }
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl core::error::Error for BatchError {}

impl From<BatchError> for ShortReason {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Full => ShortReason::BatchFull,
            BatchError::OtherPool => ShortReason::OtherPool,
        }
    }
}

/// Pages that could not be freed (or retained, released, reclaimed). The others of the call were.
///
/// ```
/// # use pagesheaf::{Checked, Fault, PageId, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let [one, two] = [pool.alloc()?.into_raw(), pool.alloc()?.into_raw()];
/// let ids = [one, PageId::new(100), two, PageId::new(200)];
/// // SAFETY: two pages are ours and were never written; those that do not exist are refused.
/// let error = unsafe { pool.free_bulk_raw(&ids) }.expect_err("two pages do not exist");
/// assert_eq!((error.page, error.position, error.fault), (ids[1], 1, Fault::OutOfRange));
/// assert_eq!((error.done, error.count), (2, 2));
/// assert!(error.positions().eq([1, 3]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageError {
    /// The first bad page.
    pub page: PageId,
    /// Its position in the call's pages.
    pub position: usize,
    /// What was wrong with it.
    pub fault: Fault,
    /// How many pages of the call were bad.
    pub count: usize,
    /// How many pages of the call went through.
    pub done: usize,
    /// The pool's mode.
    pub mode: ModeFlags,
    /// A bit for each bad position below 256.
    pub(crate) bad: [u64; 4],
    /// The first bad page's last events, where they are kept.
    pub(crate) trail: Trail,
}

impl PageError {
    /// The positions of all bad pages among the first 256 of the call, ascending. To learn of all
    /// bad pages of a longer call, make it in chunks of 256.
    pub fn positions(&self) -> impl Iterator<Item = usize> + use<> {
        let bad = self.bad;
        (0..64 * bad.len()).filter(move |at| bad[at / 64] >> (at % 64) & 1 == 1)
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {} {}", self.page, self.position, self.fault.fact(&self.trail))?;
        if self.count > 1 {
            write!(f, ", and {}", Count(self.count as u64 - 1, "more bad page"))?;
        }
        write!(f, ": {} [{}]", self.fault.advice(), self.mode)
    }
}

impl core::error::Error for PageError {}

/// A page that is withheld for good: it was found bad while it was free.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// for bad in pool.bad_pages() {
///     eprintln!("page {} is lost: {bad}", bad.page.index());
/// }
/// # assert_eq!(pool.bad_pages().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadPage {
    /// The page.
    pub page: PageId,
    /// What was wrong with it.
    pub fault: Fault,
    /// The pool's mode.
    pub mode: ModeFlags,
    /// The page's last events, where they are kept.
    pub(crate) trail: Trail,
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fact, advice) = (self.fault.fact(&self.trail), self.fault.advice());
        write!(f, "{} {fact}: {advice} [{}]", self.page, self.mode)
    }
}

impl core::error::Error for BadPage {}
