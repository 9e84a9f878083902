//! Recovering pages whose owners were forgotten, when nobody else uses the pool.
//!
//! Invariant: with one handle and no owner left, a page is in the zone, offline, withheld, or forgotten
//! (lost to a forked child, for one).
//! Whatever a forgotten page's word said, the page then rests in the zone like any other, and no
//! page counts as out or lent.

#[cfg(test)]
mod tests;

use super::Core;
use crate::history::Event;
use crate::mode::{Mode, Policy};
use crate::page::{Fault, PageId, ZONE};
use crate::sync::Ordering;

impl<M: Mode> Core<M> {
    /// Whether a page is neither free nor offline nor withheld; one that waits for a ticket is not free. Where the
    /// mode does not check, pages in caches count as missing: drain them first.
    pub(crate) fn is_missing(&self, id: PageId) -> bool {
        let is_free = || M::CHECKS && self.check_out(id) == Err(Fault::AlreadyFree);
        self.is_in_no_zone(id) && (!is_free() || self.is_fenced(id))
    }

    fn is_in_no_zone(&self, id: PageId) -> bool {
        !self.rests_in_zone(id) && self.withheld(id).is_none()
    }

    /// Puts every missing page back into the zone, and returns how many there were. Magazines that a
    /// fault has lost come back too, and pages that lie there are not missing. `None` when a slot is
    /// locked: a thread ended inside a call, and what it had cannot be known.
    ///
    /// # Safety
    /// The caller has the only handle. Every drop or free of a page of this pool that has begun has
    /// returned, and happens before this call. No owner of a missing page (in Rust, by id, or a
    /// device) uses or frees it any more, and all its bytes are initialised.
    pub(crate) unsafe fn recover_forgotten(&self) -> Option<usize> {
        for slot in self.slots.iter() {
            self.empty_slot(slot.try_lock()?.as_mut());
        }
        // Whoever used them still is done with them; in checking modes they are taken back from where they lie.
        let fenced = self.fenced.forget_notes() as usize;
        // SAFETY: the caller is alone, by its promise, and nobody has a slot. That there was no fork
        // makes no difference.
        unsafe { self.after_fork() }.reopen();
        let missing = (0..self.pages).map(PageId::new).filter(|&id| self.is_in_no_zone(id));
        let mut recovered = if M::CHECKS { fenced } else { 0 };
        for id in missing {
            if M::POISONS {
                self.poison(id);
            }
            self.forbid([id]);
            self.zone.note_written(id);
            self.rest(id, ZONE);
            self.tracker.end(id, Event::Recovered);
            if let Some(count) = self.counts.get(id.index() as usize) {
                count.reset();
            }
            recovered += self.zone.put(&[id], |id| self.taint(id));
        }
        // A page whose bit says wrongly that it is offline has no owner by now: it is in the zone, or withheld, or
        // stays offline.
        for id in (0..self.pages).map(PageId::new).filter(|&id| self.offline.has(id)) {
            if self.zone.holds(id) || self.withheld(id).is_some() {
                let _ = self.offline.remove(id, 1);
            } else {
                self.rest(id, ZONE);
            }
        }
        self.offline.recount(self.pages as usize);
        // Relaxed: the caller is alone, here and below. What is out goes past the caches, whatever a
        // fault has made of the figure.
        self.counters.uncached_balance.fetch_sub(self.out(), Ordering::Relaxed);
        self.recount_given();
        self.counters.lent.store(0, Ordering::Relaxed);
        self.counters.lost.store(0, Ordering::Relaxed);
        self.line.forget_promises();
        self.recount_bad();
        Some(recovered)
    }

    /// Counts as bad the pages that are withheld, and no others: of what was counted when no word
    /// could be named, each page is somewhere else, or missing. A word that became that of a
    /// withheld page by a fault is written as it should be. The caller is alone.
    pub(super) fn recount_bad(&self) {
        if M::COMPACT {
            let bad = self.count_marked_bad();
            // Relaxed: the caller is alone.
            return self.counters.bad.store(bad, Ordering::Relaxed);
        }
        let mut bad = 0;
        for (id, word) in (0..self.pages).map(PageId::new).zip(self.words.iter()) {
            if let (Some(why), false) = (word.withheld(), self.zone.holds(id)) {
                word.withhold(why);
                bad += 1;
            }
        }
        // Relaxed: the caller is alone.
        self.counters.bad.store(bad, Ordering::Relaxed);
    }
}
