//! Pages are lent to a device as an iterator is asked for them.
//!
//! Invariant: a few pages are lent, and counted, ahead of those that have been taken. Nobody else has their numbers, so
//! that they can go back. Each page is the lender's, in the chunk, or the device's, whenever the user's code runs. A
//! batch owns none of its pages meanwhile, but those that could not be lent: the others lie behind its end.

mod batch;
mod new;

use core::fmt;
use core::iter::FusedIterator;

pub use batch::FromBatch;
pub(crate) use batch::lend;
pub(crate) use new::{Chunk, lend_new, unlend};

use crate::error::ShortReason;
use crate::page::{PageId, PageSize};
use crate::tracker::Caller;

/// Pages that are lent to a device, or about to be: an iterator of their offsets, made by `lend_new` (of pages that are
/// allocated on the way) or `lend` (of a batch's). What a device's ring takes from it is the device's.
///
/// An item is where a page starts, in bytes from the region's start, as `offset` says; [`ids`](Self::ids) gives the
/// numbers instead. Nothing happens before the first is taken; then pages are lent 64 at a time. Those that are lent
/// and were not taken go back when the iterator is dropped: into the cache (free), or to their place in the batch.
///
/// A page that is taken and not used stays lent, so take no more than the ring has room for: `zip`, and a ring whose
/// `insert` uses it, takes one more before it finds the ring to be full. If the iterator is leaked (`mem::forget`), at
/// most 63 pages that were lent ahead stay lent: in modes that check, [`Pool::lent`](crate::Pool::lent) names them. A
/// batch then keeps only pages that could not be lent. Those that were still to be lent are lost to it: they stay out,
/// until [`recover_forgotten`](crate::CloseError::recover_forgotten) gets them back.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # struct Ring(Vec<u64>);
/// # impl Ring {
/// #     fn insert(&mut self, offsets: impl Iterator<Item = u64>) { self.0.extend(offsets) }
/// # }
/// # let mut ring = Ring(Vec::new());
/// let pool = Pool::builder(100).build()?;
/// let mut cache = pool.cache()?;
/// let mut pages = cache.lend_new(300);
/// ring.insert(pages.by_ref());
/// assert_eq!((pages.taken(), pages.reason()), (100, Some(pagesheaf::ShortReason::Exhausted)));
/// drop(pages);
/// // The device works, and completes all of them.
/// // SAFETY: it is done with these pages, which this pool lent, and all their bytes are initialised.
/// let freed = unsafe { cache.free_lent(ring.0.drain(..)) }?;
/// assert_eq!(freed, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "pages are lent as they are taken from it"]
pub struct Lending<L: Lender> {
    lender: L,
    chunk: L::Chunk,
    progress: Progress,
    page_size: PageSize,
    reason: Option<ShortReason>,
}

/// Where a [`Lending`] has its pages from: a cache, a pool or its [`Critical`](crate::Critical) calls, or a
/// [batch](FromBatch). Nothing else can implement it.
///
/// ```
/// # use pagesheaf::{Lender, Lending, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// Fills a device's ring, from a cache, a pool or a batch.
/// fn fill<L: Lender>(ring: &mut Vec<u64>, pages: Lending<L>) {
///     ring.extend(pages);
/// }
///
/// let (pool, mut ring) = (Pool::builder(100).build()?, Vec::new());
/// fill(&mut ring, pool.lend_new(4));
/// fill(&mut ring, pool.cache()?.lend_new(4));
/// # assert_eq!(ring.len(), 8);
/// # // SAFETY: no device has the pages.
/// # unsafe { pool.free_lent(ring) }?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Safety
/// What [`Lending`] takes from it are pages that it has lent, each once.
pub unsafe trait Lender {
    /// Pages that are lent ahead, if the lender does not keep them itself.
    #[doc(hidden)]
    type Chunk: Default;

    /// Bytes of a page.
    #[doc(hidden)]
    fn size_of_pages(&self) -> PageSize;

    /// Lends more pages of a call, where there are none ahead: at most 64.
    #[doc(hidden)]
    fn refill(&mut self, chunk: &mut Self::Chunk, progress: &mut Progress) -> Refilled;

    /// How many are lent ahead.
    #[doc(hidden)]
    fn ahead(&self, chunk: &Self::Chunk) -> usize;

    /// Takes one of those.
    #[doc(hidden)]
    fn take(&mut self, chunk: &mut Self::Chunk) -> Option<PageId>;

    /// Takes back those that are lent ahead, of which no device was told, and is done.
    #[doc(hidden)]
    fn end(&mut self, chunk: &mut Self::Chunk);
}

/// Why no more pages were lent ahead.
pub enum Refilled {
    /// There are 64, or the last ones.
    All,
    /// There are no more.
    Short(ShortReason),
    /// There were no more, but some have come free meanwhile.
    Again,
}

/// How far a call has come.
pub struct Progress {
    /// So many pages have been taken, or are lent ahead.
    lent: usize,
    /// So many pages the call is for, which was made there.
    whole: usize,
    caller: Caller,
}

impl Progress {
    /// How many pages the call has not lent.
    #[inline(always)]
    fn left(&self) -> usize {
        self.whole - self.lent
    }
}

impl<L: Lender> Lending<L> {
    /// At most so many pages.
    #[inline]
    pub(crate) fn new(lender: L, pages: usize, caller: Caller) -> Self {
        Lending {
            page_size: lender.size_of_pages(),
            lender,
            chunk: L::Chunk::default(),
            progress: Progress { lent: 0, whole: pages, caller },
            reason: None,
        }
    }

    /// How many pages have been taken: they are the device's.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.progress.lent - self.ahead()
    }

    /// Why there are no more pages, if the iterator has ended early; `None` before it has ended, and when it had as
    /// many as were wanted. A batch of another pool is [`OtherPool`](ShortReason::OtherPool).
    #[must_use]
    pub fn reason(&self) -> Option<ShortReason> {
        self.reason.filter(|_| self.ahead() == 0)
    }

    /// The numbers of the pages in place of their offsets: for tables that are indexed by page, and for buffer ids.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let mut pages = pool.lend_new(2);
    /// let id = pages.ids().next().expect("a page is free");
    /// let offset = pages.next().expect("another one");
    /// assert_ne!(pool.offset(id), Some(offset));
    /// # drop(pages);
    /// # // SAFETY: no device has them.
    /// # unsafe { pool.free_lent([offset, pool.offset(id).unwrap()]) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ids(&mut self) -> impl Iterator<Item = PageId> {
        core::iter::from_fn(|| self.next_id())
    }

    /// How many are lent ahead.
    #[inline(always)]
    fn ahead(&self) -> usize {
        self.lender.ahead(&self.chunk)
    }

    #[inline(always)]
    fn next_id(&mut self) -> Option<PageId> {
        if self.ahead() == 0 {
            self.refill();
        }
        self.lender.take(&mut self.chunk)
    }

    /// Lends more, if there are any.
    #[inline(never)]
    fn refill(&mut self) {
        while self.progress.left() > 0 && self.reason.is_none() && self.ahead() == 0 {
            match self.lender.refill(&mut self.chunk, &mut self.progress) {
                Refilled::All => break,
                Refilled::Short(reason) => self.reason = Some(reason),
                Refilled::Again => {}
            }
        }
    }
}

impl<L: Lender> Iterator for Lending<L> {
    type Item = u64;

    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        let id = self.next_id()?;
        Some(self.page_size.offset(id))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = self.ahead();
        let more = if self.reason.is_some() { 0 } else { self.progress.left() };
        (ahead, ahead.checked_add(more))
    }
}

impl<L: Lender> FusedIterator for Lending<L> {}

impl<L: Lender> Drop for Lending<L> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lender.end(&mut self.chunk);
    }
}

impl<L: Lender> fmt::Debug for Lending<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lending");
        debug.field("taken", &self.taken()).field("reason", &self.reason()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
