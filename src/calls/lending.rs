//! Pages are lent to a device as an iterator is asked for them.
//!
//! Invariant: a few pages are lent, and counted, ahead of those that have been taken. Nobody else has their numbers, so
//! that they can go back. Each page is in the lender, in the chunk, or the device's, whenever the user's code runs.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::MaybeUninit;

use super::Frontend;
use super::raw::alloc_ids;
use super::reclaim::{Back, free_unused, take_in};
use crate::error::{Call, ShortReason};
use crate::handle::Handle;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode};
use crate::owned::PageBatch;
use crate::page::{FromDevice, LENT_TOGETHER, PageId, PageSize, written};
use crate::plan::CallKinds;
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
/// most 63 pages that were lent ahead stay lent: in modes that check, [`Pool::lent`](crate::Pool::lent) names them. The
/// other pages of a batch stay in it.
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
    chunk: Chunk,
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
    /// Bytes of a page.
    #[doc(hidden)]
    fn size_of_pages(&self) -> PageSize;

    /// Lends pages into a chunk that is empty, as many as it wants.
    #[doc(hidden)]
    fn refill(&mut self, chunk: &mut Chunk) -> Refilled;

    /// Takes back pages that no device was told of.
    #[doc(hidden)]
    fn take_back<I: Iterator<Item = PageId>>(&mut self, pages: FromDevice<I>);
}

/// Why a chunk got no more pages.
pub enum Refilled {
    /// It is full, or has the last ones.
    All,
    /// There are no more.
    Short(ShortReason),
    /// There were no more, but some have come free meanwhile.
    Again,
}

/// Pages that are lent, and whose numbers nobody else has: those between `at` and `end`. All before `end` are written.
pub struct Chunk {
    ids: [MaybeUninit<PageId>; LENT_TOGETHER],
    at: usize,
    end: usize,
    /// So many have been taken, or are in it.
    lent: usize,
    /// So many pages the call is for, which was made there.
    whole: usize,
    caller: Caller,
}

impl<L: Lender> Lending<L> {
    /// At most so many pages.
    #[inline]
    pub(crate) fn new(lender: L, pages: usize, caller: Caller) -> Self {
        let ids = [const { MaybeUninit::uninit() }; LENT_TOGETHER];
        Lending {
            page_size: lender.size_of_pages(),
            lender,
            chunk: Chunk { ids, at: 0, end: 0, lent: 0, whole: pages, caller },
            reason: None,
        }
    }

    /// How many pages have been taken: they are the device's.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.chunk.lent - self.chunk.len()
    }

    /// Why there are no more pages, if the iterator has ended early; `None` before it has ended, and when it had as
    /// many as were wanted. A batch of another pool is [`OtherPool`](ShortReason::OtherPool).
    #[must_use]
    pub fn reason(&self) -> Option<ShortReason> {
        self.reason.filter(|_| self.chunk.len() == 0)
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

    #[inline(always)]
    fn next_id(&mut self) -> Option<PageId> {
        self.chunk.next().or_else(|| self.refill())
    }

    /// Lends more, and takes the first of these.
    #[inline(never)]
    fn refill(&mut self) -> Option<PageId> {
        if self.chunk.left() == 0 || self.reason.is_some() {
            return None;
        }
        loop {
            let refilled = self.lender.refill(&mut self.chunk);
            if let Refilled::Short(reason) = refilled {
                self.reason = Some(reason);
            }
            if !matches!(refilled, Refilled::Again) || self.chunk.len() > 0 {
                break;
            }
        }
        self.chunk.next()
    }
}

impl Chunk {
    /// How many pages it has.
    #[inline(always)]
    fn len(&self) -> usize {
        self.end - self.at
    }

    /// How many pages the call has not lent.
    #[inline(always)]
    fn left(&self) -> usize {
        self.whole - self.lent
    }

    /// The pages that it has.
    fn rest(&self) -> &[PageId] {
        // SAFETY: they are before the end.
        unsafe { written(self.ids.get(self.at..self.end).unwrap_or_default()) }
    }

    #[inline(always)]
    fn next(&mut self) -> Option<PageId> {
        if self.at == self.end {
            return None;
        }
        // It is below the end: the remainder is itself, and needs no look at the bounds.
        let next = &self.ids[self.at % LENT_TOGETHER];
        self.at += 1;
        // SAFETY: it was before the end.
        Some(unsafe { next.assume_init() })
    }

    /// So many pages are written at the start, of a chunk that was empty.
    #[inline(always)]
    fn filled(&mut self, len: usize) {
        (self.at, self.end) = (0, len);
        self.lent += len;
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
        let ahead = self.chunk.len();
        let more = if self.reason.is_some() { 0 } else { self.chunk.left() };
        (ahead, ahead.checked_add(more))
    }
}

impl<L: Lender> FusedIterator for Lending<L> {}

impl<L: Lender> Drop for Lending<L> {
    fn drop(&mut self) {
        if self.chunk.len() > 0 {
            let rest = self.chunk.rest();
            // SAFETY: the lender has lent these pages, by its trait's promise; nobody has got their numbers, so no
            // device has them, and nobody has written them.
            self.lender.take_back(unsafe { FromDevice::new(rest.iter().copied()) });
        }
    }
}

impl<L: Lender> fmt::Debug for Lending<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lending");
        debug.field("taken", &self.taken()).field("reason", &self.reason()).finish_non_exhaustive()
    }
}

/// Allocates pages and lends them: as [`Lender::refill`].
#[inline]
pub(crate) fn lend_new<M: Mode>(mut front: impl Frontend<M>, chunk: &mut Chunk) -> Refilled {
    let core = front.shared();
    let wanted = chunk.left().min(LENT_TOGETHER);
    let (out, had) = (&mut chunk.ids[..wanted], chunk.lent);
    let (new, reason) = alloc_ids(&mut front, out, CallKinds::BULK, (chunk.whole, had));
    core.tracker.moved(|| new.iter().copied(), chunk.caller);
    let lent = match new.iter().position(|&id| core.lend_new(id).is_err()) {
        None => new.len(),
        Some(first) => without_corrupt(core, new, first),
    };
    core.count_lent(lent);
    // Before a fence is asked, which may panic.
    chunk.filled(lent);
    match reason {
        None if lent == 0 => Refilled::Again,
        None => Refilled::All,
        Some(ShortReason::Fenced) if core.reap_fences_when_dry() > 0 => Refilled::Again,
        Some(reason) => Refilled::Short(reason),
    }
}

/// The rest of [`lend_new`], of pages that have just left, and of which one cannot be lent: its word is corrupt.
/// Returns how many are lent; they come first.
#[cold]
fn without_corrupt<M: Mode>(core: &Core<M>, ids: &mut [PageId], first: usize) -> usize {
    core.veto(None, ids[first]);
    let mut lent = first;
    for at in first + 1..ids.len() {
        match core.lend_new(ids[at]) {
            Ok(()) => {
                ids[lent] = ids[at];
                lent += 1;
            }
            Err(_) => core.veto(None, ids[at]),
        }
    }
    lent
}

/// Gives back pages of [`lend_new`], in a drop.
pub(crate) fn unlend<M: Mode, I: Iterator<Item = PageId>>(
    front: impl Frontend<M>,
    pages: FromDevice<I>,
) {
    free_unused(front, pages, Call::LendNew);
}

/// A batch whose pages are lent: see [`Lending`].
///
/// ```
/// # use pagesheaf::{DefaultMode, FromBatch, Lending, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// fn send(ring: &mut Vec<u64>, packets: Lending<FromBatch<'_, DefaultMode>>) {
///     ring.extend(packets);
/// }
///
/// let (pool, mut ring) = (Pool::builder(100).build()?, Vec::new());
/// let mut packets = PageBatch::new();
/// pool.alloc_bulk_exact(&mut packets, 4)?;
/// send(&mut ring, pool.lend(&mut packets));
/// assert_eq!((ring.len(), packets.len()), (4, 0));
/// # // SAFETY: no device has the pages.
/// # unsafe { pool.free_lent(ring) }?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FromBatch<'a, M: Mode = DefaultMode, const N: usize = 256> {
    core: &'a Handle<M>,
    batch: &'a mut PageBatch<M, N>,
    /// So many pages at the batch's start could not be lent.
    refused: usize,
    /// So many have left it for good, or are in the chunk.
    gone: usize,
}

/// The pages of a batch, as an iterator that lends them.
#[inline]
pub(crate) fn lend<'a, M: Mode, const N: usize>(
    core: &'a Handle<M>,
    batch: &'a mut PageBatch<M, N>,
    caller: Caller,
) -> Lending<FromBatch<'a, M, N>> {
    let pages = batch.len();
    Lending::new(FromBatch { core, batch, refused: 0, gone: 0 }, pages, caller)
}

// SAFETY: the pages leave the batch as they are lent.
unsafe impl<M: Mode, const N: usize> Lender for FromBatch<'_, M, N> {
    fn size_of_pages(&self) -> PageSize {
        self.core.page_size
    }

    fn refill(&mut self, chunk: &mut Chunk) -> Refilled {
        let core = &**self.core;
        if self.batch.named_core() != Some(self.core.pointer()) {
            return Refilled::Short(ShortReason::OtherPool);
        }
        let (mut faults, mut lent) = (Faults::default(), 0);
        while lent == 0 && self.refused < self.batch.len() {
            let (start, gone) = (self.refused, self.gone);
            let end = self.batch.len().min(start + chunk.left().min(LENT_TOGETHER));
            self.batch.retain_in(start..end, |at, id| match core.lend(id) {
                Ok(()) => {
                    chunk.ids[lent].write(id);
                    lent += 1;
                    false
                }
                Err(fault) => {
                    faults.add(id, at + gone, fault);
                    self.refused += 1;
                    true
                }
            });
        }
        self.gone += lent;
        chunk.filled(lent);
        core.count_lent(lent);
        // What is taken is the caller's, who would lose it by a panic.
        if faults.count > 0 {
            core.record_for_later(&faults, lent, Call::Lend);
        }
        core.conclude_quietly(Call::Lend);
        Refilled::All
    }

    fn take_back<I: Iterator<Item = PageId>>(&mut self, pages: FromDevice<I>) {
        let mut back = Back::new(self.core, Call::Lend);
        take_in(self.core.pointer(), &mut back, pages, self.batch);
        self.batch.rotate_to(self.refused, back.done());
    }
}

#[cfg(test)]
mod tests;
