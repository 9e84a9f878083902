//! Which pages may be touched: what AddressSanitizer and valgrind are told, with the feature `sanitizer-hooks`.
//!
//! Invariant: a free page is forbidden, from before others can have it until it is its owner's. Who may still have a
//! page by the pool's own rules may touch it: an owner, a device, who waits for a ticket, and whoever keeps an offline
//! page. The core lifts the mark while it looks at a free page itself.

use super::{Core, Tables};
use crate::mode::Mode;
use crate::page::PageId;
use crate::sanitizer::Sanitizer;

impl Tables {
    /// What marks of pages are made with: none where there is no tool, or no memory.
    #[inline(always)]
    fn sanitizer(&self) -> Option<&Sanitizer> {
        let marks = Sanitizer::IS_ON && self.sanitizer.is_at_work() && !self.addresses_only;
        marks.then_some(&self.sanitizer)
    }

    /// Marks pages. An id that is none of the pool's is passed over: in some modes nobody looked at it.
    #[inline(always)]
    fn mark_pages(
        &self,
        ids: impl IntoIterator<Item = PageId>,
        mark: fn(&Sanitizer, *mut u8, usize),
    ) {
        if let Some(sanitizer) = self.sanitizer() {
            let known = ids.into_iter().filter(|id| id.index() < self.pages);
            known.for_each(|id| mark(sanitizer, self.address(id), self.page_size()));
        }
    }

    /// Pages are free: nobody may touch them.
    #[inline(always)]
    pub(super) fn forbid(&self, ids: impl IntoIterator<Item = PageId>) {
        self.mark_pages(ids, Sanitizer::forbid);
    }

    /// Pages have an owner, in Rust or a device, whose bytes are whatever they were.
    #[inline(always)]
    pub(crate) fn allow(&self, ids: impl IntoIterator<Item = PageId>) {
        self.mark_pages(ids, Sanitizer::allow);
    }

    /// Pages are out by their ids alone. What is read there before it is written is known to nobody.
    #[inline(always)]
    pub(crate) fn allow_unwritten(&self, ids: impl IntoIterator<Item = PageId>) {
        self.mark_pages(ids, Sanitizer::allow_unwritten);
    }

    /// Whoever takes these pages into an owner vouches that all their bytes are initialised.
    #[inline(always)]
    pub(crate) fn vouch_written(&self, ids: impl IntoIterator<Item = PageId>) {
        self.mark_pages(ids, Sanitizer::vouch_written);
    }

    /// The core looks at a free page, or poisons it.
    pub(super) fn with_access<R>(&self, id: PageId, look: impl FnOnce() -> R) -> R {
        self.allow([id]);
        let seen = look();
        self.forbid([id]);
        seen
    }
}

impl<M: Mode> Core<M> {
    /// All pages that are online are free.
    pub(super) fn forbid_all(&self) {
        self.mark_all(Sanitizer::forbid);
    }

    /// All pages that are online are their giver's.
    pub(super) fn allow_all(&self) {
        self.mark_all(Sanitizer::allow);
    }

    fn mark_all(&self, mark: fn(&Sanitizer, *mut u8, usize)) {
        if let Some(sanitizer) = self.sanitizer() {
            self.each_online(|range| mark(sanitizer, range.start, range.bytes));
        }
    }
}
