//! Owned pages held together.

use core::fmt;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ops::{Index, IndexMut};
use core::ptr::NonNull;

use super::Page;
use crate::error::BatchError;
use crate::inner::Core;
use crate::mode::{DefaultMode, Mode};
use crate::page::{GivenUp, PageId, written};
use crate::sync::fetch_ahead;

/// Up to `N` owned pages of one pool, in the order in which they were allocated or pushed.
///
/// Its first page says which pool; pages of another are refused until it is empty again. Dropping it frees its pages
/// in one go.
// Aligned, and the ids first: they are copied by the line.
#[repr(C, align(64))]
pub struct PageBatch<M: Mode = DefaultMode, const N: usize = 256> {
    ids: [MaybeUninit<PageId>; N],
    /// The pages' core; means nothing while the batch is empty.
    core: Option<NonNull<Core<M>>>,
    len: usize,
}

// SAFETY: a batch is ids and a pointer to a core, which is shared between threads.
unsafe impl<M: Mode, const N: usize> Send for PageBatch<M, N> {}
// SAFETY: sharing it shares the pages' bytes, read-only.
unsafe impl<M: Mode, const N: usize> Sync for PageBatch<M, N> {}

impl<M: Mode> PageBatch<M, 256> {
    /// An empty batch with room for 256 pages.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// An empty batch with room for `N` pages.
    #[must_use]
    #[inline]
    pub const fn empty() -> Self {
        PageBatch { core: None, len: 0, ids: [const { MaybeUninit::uninit() }; N] }
    }

    /// Whether pages of this core may go into the batch.
    pub(crate) fn may_join(&self, core: NonNull<Core<M>>) -> bool {
        self.len == 0 || self.core == Some(core)
    }

    /// Whether the pages, if there are any, are of this core. An empty batch may say either.
    #[inline(always)]
    pub(crate) fn is_of(&self, core: NonNull<Core<M>>) -> bool {
        self.core == Some(core)
    }

    /// Asks for the first ids ahead of the length behind them: whoever goes through many batches then goes through memory
    /// in one direction, and the processor fetches what follows.
    #[inline(always)]
    pub(crate) fn fetch_ahead(&self) {
        fetch_ahead(&self.ids);
    }

    /// The room that is left.
    #[inline(always)]
    pub(crate) fn vacant(&mut self) -> &mut [MaybeUninit<PageId>] {
        // SAFETY: the length is at most the capacity.
        unsafe { self.ids.get_unchecked_mut(self.len..) }
    }

    /// Takes in the first `n` ids of the room that was left, and returns them.
    ///
    /// # Safety
    /// There is room for `n`. They are written before anybody looks at the batch, or have been, and are those of pages,
    /// of this core, that are now the batch's; so are all others.
    #[inline(always)]
    pub(crate) unsafe fn grow(
        &mut self,
        core: NonNull<Core<M>>,
        n: usize,
    ) -> &mut [MaybeUninit<PageId>] {
        let from = self.len;
        debug_assert!(n <= N - from);
        self.len = from + n;
        // Even if it seems to be the same: an empty batch may remember a core that is gone, and this one lives.
        self.core = Some(core);
        // SAFETY: there was room for `n` from `from` on.
        unsafe { self.ids.get_unchecked_mut(from..from + n) }
    }

    /// Gives up the pages from `at` on.
    #[inline(always)]
    pub(crate) fn give_up(&mut self, at: usize) -> GivenUp<'_> {
        // SAFETY: a batch is the sole owner of its pages, which are initialised and leave it here.
        unsafe { GivenUp::new(self.cut(at)) }
    }

    /// Takes the ids from `at` on out of the batch: the caller has to see to the pages.
    #[inline(always)]
    fn cut(&mut self, at: usize) -> &[PageId] {
        let len = core::mem::replace(&mut self.len, at);
        debug_assert!(at <= len);
        // SAFETY: the ids up to the former length are initialised.
        unsafe { written(self.ids.get_unchecked(at..len)) }
    }

    /// Of the first `n` pages, keeps those for which `keep` says so; the others are the caller's.
    pub(crate) fn retain_front(&mut self, n: usize, mut keep: impl FnMut(usize, PageId) -> bool) {
        let ids = &mut self.ids[..self.len];
        let mut kept = 0;
        for at in 0..self.len {
            // SAFETY: below the length.
            let id = unsafe { ids[at].assume_init() };
            if at >= n || keep(at, id) {
                ids[kept].write(id);
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// How many pages it holds.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many pages it can hold.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many more it can hold.
    #[must_use]
    #[inline]
    pub const fn remaining_capacity(&self) -> usize {
        N - self.len
    }

    /// The pages' numbers.
    #[must_use]
    #[inline]
    pub fn ids(&self) -> &[PageId] {
        // SAFETY: the ids below the length are initialised.
        unsafe { written(&self.ids[..self.len]) }
    }

    /// The core and an id below the length.
    fn at(&self, index: usize) -> Option<(&Core<M>, PageId)> {
        let id = *self.ids().get(index)?;
        // SAFETY: the batch's pages keep their core alive.
        Some((unsafe { self.core?.as_ref() }, id))
    }

    /// The bytes of a page.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let (core, id) = self.at(index)?;
        // SAFETY: the batch owns the page, which lies in the region and is initialised.
        Some(unsafe { core::slice::from_raw_parts(core.address(id), core.page_size()) })
    }

    /// The bytes of a page, to write.
    #[must_use]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let (core, id) = self.at(index)?;
        // SAFETY: as above, and the batch is borrowed alone.
        Some(unsafe { core::slice::from_raw_parts_mut(core.address(id), core.page_size()) })
    }

    /// Where the part of a page to use starts, in bytes: as `Page::headroom`.
    #[must_use]
    #[inline]
    pub fn headroom(&self, index: usize) -> Option<usize> {
        let (core, id) = self.at(index)?;
        Some(core.headroom(id))
    }

    /// The pages' bytes, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len).map(|index| &self[index])
    }

    /// The pages' bytes, in order, to write.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        let core = self.core;
        self.ids().iter().map(move |&id| {
            // SAFETY: a batch with pages has a core, which they keep alive.
            let core = unsafe { core.unwrap_unchecked().as_ref() };
            // SAFETY: the batch is borrowed alone, and its ids are distinct: each slice is given out once.
            unsafe { core::slice::from_raw_parts_mut(core.address(id), core.page_size()) }
        })
    }

    /// Appends a page.
    ///
    /// # Errors
    /// The page, when the batch is full or holds pages of another pool.
    pub fn push(&mut self, page: Page<M>) -> Result<(), PushError<M>> {
        if self.len == N {
            return Err(PushError { page, reason: BatchError::Full });
        }
        if !self.may_join(page.core()) {
            return Err(PushError { page, reason: BatchError::OtherPool });
        }
        let core = page.core();
        self.vacant()[0].write(page.into_raw());
        // SAFETY: the id was just written, and the page is now the batch's.
        unsafe { self.grow(core, 1) };
        Ok(())
    }

    /// Takes the last page.
    pub fn pop(&mut self) -> Option<Page<M>> {
        let last = self.len.checked_sub(1)?;
        let id = self.cut(last)[0];
        // SAFETY: the page leaves the batch, which had a core for it.
        Some(unsafe { Page::new(self.core?, id) })
    }

    /// Takes a page, and puts the last one in its place.
    ///
    /// # Panics
    /// When the batch has no page at `index`.
    pub fn swap_remove(&mut self, index: usize) -> Page<M> {
        let last = self.len - 1;
        self.ids[..=last].swap(index, last);
        self.pop().expect("the batch has a page at this index")
    }

    /// Takes the pages from `at` on into a batch of their own.
    ///
    /// # Panics
    /// When `at` is more than the length.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len, "split at {at} of {} pages", self.len);
        let mut other = Self::empty();
        other.core = self.core;
        let tail = self.cut(at);
        for (to, &id) in other.ids.iter_mut().zip(tail) {
            to.write(id);
        }
        other.len = tail.len();
        other
    }

    /// Takes the pages before `at` into a batch of their own; the others move to the front.
    ///
    /// # Panics
    /// When `at` is more than the length.
    #[must_use]
    pub fn split_to(&mut self, at: usize) -> Self {
        let rest = self.split_off(at);
        core::mem::replace(self, rest)
    }

    /// Moves all pages of another batch to the end of this one.
    ///
    /// # Errors
    /// When this batch has too little room, or pages of another pool; neither changes then.
    pub fn append<const K: usize>(
        &mut self,
        other: &mut PageBatch<M, K>,
    ) -> Result<(), BatchError> {
        let Some(core) = other.core.filter(|_| other.len > 0) else {
            return Ok(());
        };
        if other.len > self.remaining_capacity() {
            return Err(BatchError::Full);
        }
        if !self.may_join(core) {
            return Err(BatchError::OtherPool);
        }
        let moved = other.cut(0);
        for (to, &id) in self.vacant().iter_mut().zip(moved) {
            to.write(id);
        }
        let n = moved.len();
        // SAFETY: the ids were just written, and the pages left the other batch.
        unsafe { self.grow(core, n) };
        Ok(())
    }

    /// Frees all pages, without a cache.
    pub fn clear(&mut self) {
        if let Some(core) = self.core.filter(|_| self.len > 0) {
            // SAFETY: the pages leave the batch, which had this core for them.
            unsafe { Core::drop_pages(core, self.give_up(0)) };
        }
    }
}

impl<M: Mode, const N: usize> Default for PageBatch<M, N> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize> Drop for PageBatch<M, N> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<M: Mode, const N: usize> Index<usize> for PageBatch<M, N> {
    type Output = [u8];

    fn index(&self, index: usize) -> &[u8] {
        self.get(index).expect("the batch has a page at this index")
    }
}

impl<M: Mode, const N: usize> IndexMut<usize> for PageBatch<M, N> {
    fn index_mut(&mut self, index: usize) -> &mut [u8] {
        self.get_mut(index).expect("the batch has a page at this index")
    }
}

impl<M: Mode, const N: usize> fmt::Debug for PageBatch<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids().iter().map(|id| id.index())).finish()
    }
}

/// The pages of a batch, one by one, in order. Those not taken are freed.
pub struct IntoIter<M: Mode, const N: usize> {
    batch: ManuallyDrop<PageBatch<M, N>>,
    next: usize,
}

impl<M: Mode, const N: usize> IntoIterator for PageBatch<M, N> {
    type Item = Page<M>;
    type IntoIter = IntoIter<M, N>;

    fn into_iter(self) -> IntoIter<M, N> {
        IntoIter { batch: ManuallyDrop::new(self), next: 0 }
    }
}

impl<M: Mode, const N: usize> Iterator for IntoIter<M, N> {
    type Item = Page<M>;

    fn next(&mut self) -> Option<Page<M>> {
        let id = *self.batch.ids().get(self.next)?;
        self.next += 1;
        // SAFETY: the page leaves the batch for good: `next` has passed it.
        Some(unsafe { Page::new(self.batch.core?, id) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.next;
        (left, Some(left))
    }
}

impl<M: Mode, const N: usize> ExactSizeIterator for IntoIter<M, N> {}

impl<M: Mode, const N: usize> Drop for IntoIter<M, N> {
    fn drop(&mut self) {
        if let Some(core) = self.batch.core.filter(|_| self.next < self.batch.len()) {
            // SAFETY: the pages from `next` on are still the batch's, which is not used again.
            unsafe { Core::drop_pages(core, self.batch.give_up(self.next)) };
        }
    }
}

/// A page that a batch refused.
#[derive(Debug)]
pub struct PushError<M: Mode = DefaultMode> {
    /// The page.
    pub page: Page<M>,
    /// Why it was refused.
    pub reason: BatchError,
}

impl<M: Mode> fmt::Display for PushError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused: {}", self.page.id(), self.reason)
    }
}

impl<M: Mode> core::error::Error for PushError<M> {}
