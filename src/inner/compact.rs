//! What is verified where pages have a byte in place of a word: the mode `Compact`.
//!
//! Invariant: a page's byte is `Free` before a magazine or the zone has the page, and until after
//! it has left. A free looks at the byte and at nothing else: in no mode does it touch less memory
//! of pages that come back in no order. What a byte cannot say is where its page lies: whoever must
//! know that looks for the page, and nobody does on a fast path.

use super::{Core, Tables};
use crate::magazine::Room;
use crate::mode::{Checked, Mode};
use crate::page::{AtomicMark, Fault, Location, Mark, PageId};
use crate::sync::Ordering;

/// How often a page must look wrong, in the same way, to be counted. A page that comes and goes
/// has each of two bytes at each moment, so that a few looks may see the wrong one by chance.
const LOOKS: usize = 32;

impl Tables {
    /// The byte of a page, if it is in range. Call it in the mode that has bytes only.
    #[inline(always)]
    pub(super) fn mark(&self, id: PageId) -> Result<&AtomicMark, Fault> {
        self.marks.get(id.index() as usize).ok_or(Fault::OutOfRange)
    }

    pub(super) fn is_marked(&self, id: PageId, mark: Mark) -> bool {
        self.mark(id).is_ok_and(|byte| byte.is(mark))
    }

    /// Marks a page, which the caller has for itself.
    pub(super) fn set_mark(&self, id: PageId, mark: Mark) {
        if let Ok(byte) = self.mark(id) {
            byte.set(mark);
        }
    }

    /// Marks pages that have just left for their owners.
    #[inline(always)]
    pub(super) fn mark_out(&self, ids: &[PageId]) {
        // At hand: the stores would have it loaded again for each page.
        let marks = &*self.marks;
        for byte in ids.iter().filter_map(|id| marks.get(id.index() as usize)) {
            byte.set(Mark::Out);
        }
    }

    /// Puts pages into a magazine while their bytes say that they are out. Returns how many were,
    /// and what was wrong with the next. There is room for all ids.
    #[inline(always)]
    pub(super) fn push_marked(&self, mut room: Room<'_>, ids: &[PageId]) -> (usize, Option<Fault>) {
        let entries = room.entries();
        // At hand, as in `mark_out`.
        let marks = &*self.marks;
        let mut fault = None;
        let mut pushed = 0;
        for (&id, entry) in ids.iter().zip(entries) {
            let byte = marks.get(id.index() as usize).ok_or(Fault::OutOfRange);
            if let Err(found) = byte.and_then(AtomicMark::try_free) {
                fault = Some(found);
                break;
            }
            // Relaxed: `commit` publishes it.
            entry.store(id.index(), Ordering::Relaxed);
            pushed += 1;
        }
        // SAFETY: as many entries have been written, and their pages were out.
        unsafe { room.commit::<Checked>(pushed) };
        (pushed, fault)
    }

    /// As `check_out`.
    pub(super) fn check_out_marked(&self, id: PageId) -> Result<(), Fault> {
        let byte = self.mark(id)?;
        if byte.is(Mark::Out) { Ok(()) } else { Err(byte.fault()) }
    }

    /// Why a page is withheld, if it is.
    pub(super) fn withheld_marked(&self, id: PageId) -> Option<Fault> {
        self.is_marked(id, Mark::Bad).then_some(Fault::Corrupt)
    }

    /// How many pages are withheld, of those that are not free all the same.
    pub(super) fn count_marked_bad(&self) -> u64 {
        let pages = (0..self.pages).map(PageId::new);
        pages.filter(|&id| self.is_marked(id, Mark::Bad) && !self.zone.holds(id)).count() as u64
    }

    /// Whether a page's byte makes no sense, however often it is looked at.
    pub(super) fn is_mark_corrupt(&self, id: PageId) -> bool {
        let bits = || self.mark(id).ok().map(AtomicMark::bits);
        let first = bits();
        let wrong = || match first.map(Mark::of) {
            Some(None) => true,
            // The page behind the first of a block comes with it.
            Some(Some(Mark::Tail(order))) => {
                let head = id.index() >> order.get() << order.get();
                !self.is_marked(PageId::new(head), Mark::Block(order))
            }
            _ => false,
        };
        (0..LOOKS).all(|_| wrong() && bits() == first)
    }

    /// Whether a page that was just seen at a location stays there while its byte does not say that
    /// it is free.
    pub(super) fn lies_marked(&self, id: PageId, location: Location) -> bool {
        let bits = || self.mark(id).ok().map(AtomicMark::bits);
        let first = bits();
        first != Some(Mark::Free.bits())
            && (0..LOOKS).all(|look| {
                // Not in step with whoever takes the page and puts it back.
                (0..look).for_each(|_| core::hint::spin_loop());
                bits() == first && self.is_member(location, id)
            })
    }
}

impl<M: Mode> Core<M> {
    /// As `verify_move`: a page that moves to or from the zone is free, or it is withheld.
    #[inline]
    pub(super) fn verify_mark(&self, id: PageId) -> bool {
        let is_free = self.is_marked(id, Mark::Free);
        if !is_free {
            self.withhold_corrupt(id);
        }
        is_free
    }

    /// Marks as out every page that is nowhere, and whose byte says that it is free.
    pub(super) fn mark_missing(&self) {
        for id in (0..self.pages).map(PageId::new) {
            if self.is_marked(id, Mark::Free) && !self.lies_anywhere(id) {
                self.set_mark(id, Mark::Out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
