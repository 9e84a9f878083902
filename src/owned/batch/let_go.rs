//! A batch that lets go of its pages, some at a time, and owns again what nobody took.
//!
//! Invariant: the numbers of all pages stay in the batch's array. The batch owns those below its length, somebody took
//! those from there to `gone.start`, nobody has those in `gone`, and those from `next` to `pages` it lets go of later.

use core::ops::Range;
use core::ptr::NonNull;

use super::PageBatch;
use crate::inner::Core;
use crate::mode::Mode;
use crate::page::PageId;

/// If it is leaked, the batch keeps the pages below its length, and loses all others.
pub(crate) struct LetGo<'b, M: Mode, const N: usize> {
    batch: &'b mut PageBatch<M, N>,
    gone: Range<usize>,
    next: usize,
    pages: usize,
}

impl<'b, M: Mode, const N: usize> LetGo<'b, M, N> {
    /// Of all pages of a batch, if they are of this core; else of none.
    #[inline(always)]
    pub(crate) fn of(batch: &'b mut PageBatch<M, N>, core: NonNull<Core<M>>) -> Self {
        let is_home = batch.named_core() == Some(core);
        let pages = if is_home { core::mem::take(&mut batch.len) } else { 0 };
        LetGo { batch, gone: 0..0, next: 0, pages }
    }

    /// Whether there are pages that it has not let go of.
    #[inline(always)]
    pub(crate) fn has_more(&self) -> bool {
        self.next < self.pages
    }

    /// Whether there was none at first.
    #[inline(always)]
    pub(crate) fn had_none(&self) -> bool {
        self.pages == 0
    }

    /// How many pages it has let go of, and nobody took.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.gone.end - self.gone.start
    }

    /// Lets go of at most so many more, when all before were taken. Those of which `goes` says no, by their position
    /// and number, are the batch's again.
    #[inline(always)]
    pub(crate) fn some(&mut self, most: usize, mut goes: impl FnMut(usize, PageId) -> bool) {
        debug_assert!(self.len() == 0);
        let end = self.pages.min(self.next + most);
        self.gone = self.next..end;
        for at in self.next..end {
            if !goes(at, self.id(at)) {
                self.own(at);
            }
        }
        self.next = end;
    }

    /// The next one is somebody's.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<PageId> {
        if self.gone.start == self.gone.end {
            return None;
        }
        let id = self.id(self.gone.start);
        self.gone.start += 1;
        Some(id)
    }

    /// All that nobody took is the batch's again, but those that it has let go of and of which `comes` says no.
    #[cold]
    #[inline(never)]
    pub(crate) fn end(&mut self, mut comes: impl FnMut(usize, PageId) -> bool) {
        while let Some(id) = self.take() {
            let at = self.gone.start - 1;
            if comes(at, id) {
                self.gone.start = at;
                self.own(at);
            }
        }
        let rest = self.next..self.pages;
        self.next = self.pages;
        let n = rest.len();
        self.batch.ids.copy_within(rest, self.batch.len);
        self.batch.len += n;
    }

    #[inline(always)]
    fn id(&self, at: usize) -> PageId {
        debug_assert!((self.gone.start..self.pages).contains(&at));
        // SAFETY: it is a position below the length that the batch had, so that it is in the array, and written.
        unsafe { self.batch.ids.get_unchecked(at).assume_init() }
    }

    /// The page at this position, which nobody has, is the batch's again. Those of `gone` before it move one up: only
    /// pages that are bad come here while others go, so nobody minds how long that takes.
    #[cold]
    #[inline(never)]
    fn own(&mut self, at: usize) {
        let (PageBatch { ids, len, .. }, first) = (&mut *self.batch, self.gone.start);
        ids[first..=at].rotate_right(1);
        ids[*len] = ids[first];
        *len += 1;
        self.gone.start += 1;
    }
}
