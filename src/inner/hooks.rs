//! The hooks that are told when pages come and go.
//!
//! Invariant: a hook is called while nothing is held. If it panics, the pages are where they would be otherwise. It may
//! write to the pages that come, whose bytes are not known to be anything until it has returned.

use super::Core;
use crate::mode::Mode;
use crate::page::PageId;
use crate::region::PageRange;

/// So many pages go offline between two calls of a hook, if one is to be told: they are noted as bits.
const TOLD_TOGETHER: usize = 64;

impl<M: Mode> Core<M> {
    /// These pages, and where they are.
    fn range(&self, first: usize, pages: usize) -> PageRange {
        let first = PageId::new(first as u32);
        let bytes = pages * self.page_size();
        PageRange { first, pages, start: self.address(first), bytes }
    }

    /// Calls a hook with each run of neighbours among the pages from `first` on that are `wanted`.
    fn tell_runs(
        &self,
        hook: impl Fn(&PageRange),
        first: usize,
        count: usize,
        wanted: impl Fn(PageId) -> bool,
    ) {
        let is_wanted = |at: usize| at < first + count && wanted(PageId::new(at as u32));
        let mut at = first;
        while at < first + count {
            let run = (at..).take_while(|&at| is_wanted(at)).count();
            if run > 0 {
                hook(&self.range(at, run));
            }
            at += run.max(1);
        }
    }

    /// Calls a hook with each run of pages that are online.
    pub(super) fn each_online(&self, hook: impl Fn(&PageRange)) {
        let all = self.pages as usize;
        if self.offline.is_kept() {
            self.tell_runs(hook, 0, all, |id| !self.offline.has(id));
        } else {
            hook(&self.range(0, all));
        }
    }

    /// The pool is built, and nobody has it yet.
    pub(crate) fn tell_built(&self) {
        self.allow_all();
        if let Some(hook) = self.hooks.region {
            hook(&self.range(0, self.pages as usize));
        }
        if let Some(hook) = self.hooks.init {
            self.each_online(hook);
        }
        if self.hooks.told_of_memory().is_some() {
            self.note_told();
        }
        self.forbid_all();
    }

    /// Pages of a new pool may have been written: none is known to be zero, and those that were poisoned are again.
    #[cold]
    fn note_told(&self) {
        self.zone.note_written_range(PageId::new(0), self.pages as usize);
        if self.region.info.poisoned_pages > 0 {
            let poisoned = |&id: &PageId| self.take_poison_mark(id);
            (0..self.pages).map(PageId::new).filter(poisoned).for_each(|id| self.poison(id));
        }
    }

    /// Nobody has the pool any more, and its memory is about to go.
    pub(super) fn tell_end(&self) {
        self.allow_all();
        if let Some(hook) = self.hooks.retire {
            self.each_online(hook);
        }
        if let Some(hook) = self.hooks.region_end {
            hook(&self.range(0, self.pages as usize));
        }
    }

    /// These pages come online, and nobody has them yet.
    pub(super) fn tell_init(&self, first: PageId, count: usize) {
        if let Some(hook) = self.hooks.init
            && count > 0
        {
            hook(&self.range(first.index() as usize, count));
        }
    }

    /// Takes pages offline by `take`, which says of each that went, and tells of them.
    pub(super) fn telling_of_retired(
        &self,
        first: PageId,
        count: usize,
        mut take: impl FnMut(PageId, usize, &mut dyn FnMut(PageId)),
    ) -> usize {
        let mut went = 0;
        let Some(hook) = self.hooks.retire else {
            take(first, count, &mut |_| went += 1);
            return went;
        };
        let (first, end) = (first.index() as usize, first.index() as usize + count);
        for start in (first..end).step_by(TOLD_TOGETHER) {
            let (pages, mut gone) = (TOLD_TOGETHER.min(end - start), 0_u64);
            take(PageId::new(start as u32), pages, &mut |id| {
                gone |= 1 << (id.index() as usize - start);
            });
            went += gone.count_ones() as usize;
            let has_gone = |id: PageId| gone >> (id.index() as usize - start) & 1 == 1;
            self.tell_runs(hook, start, pages, has_gone);
        }
        went
    }
}
