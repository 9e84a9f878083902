//! Pages go offline and come back: a pool grows and shrinks within its capacity.
//!
//! Invariant: a page goes offline from the zone, and comes back into it. Its word, or byte, says all
//! the while that it rests in the zone, which is what it said when it left. So a free of it is
//! refused as that of a free page would be, and neither way writes a word. Its bytes are not looked
//! at while it is offline: what the pool had written there was compared, and forgotten, before.

use super::Core;
use crate::error::RangeError;
use crate::mode::{Mode, Policy};
use crate::page::{Fault, PageId, ZONE};
use crate::sync::{defect, publish_fence};

/// Pages that are neither offline nor in the zone yet: there they go, also if a hook panics.
struct ComingOnline<'a, M: Mode> {
    core: &'a Core<M>,
    first: PageId,
    count: usize,
}

impl<M: Mode> Drop for ComingOnline<'_, M> {
    fn drop(&mut self) {
        self.core.put_written(self.first, self.count);
    }
}

impl<M: Mode> Core<M> {
    /// Takes those of `count` pages from `first` on offline that are free. They are drained from
    /// where they can be, if they are not all in the zone. Returns how many went.
    pub(crate) fn take_offline(&self, first: PageId, count: usize) -> usize {
        let mut went = self.take_offline_from_zone(first, count);
        if self.offline.first_online(first, count).is_some() {
            self.drain();
            went += self.take_offline_from_zone(first, count);
        }
        went
    }

    fn take_offline_from_zone(&self, first: PageId, count: usize) -> usize {
        let mut looked = 0;
        let went = self.telling_of_retired(first, count, |first, count, went| {
            self.zone.take_range(first, count, |id| {
                if self.verify_offline(id, &mut looked) {
                    self.allow([id]);
                    self.offline.insert(id);
                    went(id);
                }
            });
        });
        self.count_uncached_poison_checks(looked);
        self.note_crossings();
        went
    }

    /// Verifies a page that has just left the zone, to go offline, and is not claimed for an owner.
    /// It is withheld if it may not leave. A poisoned page whose bytes were compared is added to
    /// `looked`.
    fn verify_offline(&self, id: PageId, looked: &mut u64) -> bool {
        if M::CHECKS && !self.rests_at(id, ZONE) && !self.verify_doubted(id, ZONE, ZONE) {
            return false;
        }
        if M::POISONS && self.take_poison_mark(id) {
            *looked += 1;
            if let Some(offset) = self.changed_at(id) {
                self.withhold(id, Fault::Poison { offset });
                return false;
            }
        }
        true
    }

    /// Brings `count` pages from `first` on back, all of them or none. Their bytes are the pool's from
    /// now on.
    pub(crate) fn bring_online(&self, first: PageId, count: usize) -> Result<(), RangeError> {
        self.look_offline(first, count)?;
        if !defect!("online-late") {
            self.remove_offline(first, count)?;
        }
        let coming = ComingOnline { core: self, first, count };
        self.tell_init(first, count);
        if M::POISONS && !self.poison_lazily {
            let pages = first.index()..first.index() + count as u32;
            pages.map(PageId::new).for_each(|id| self.poison_without_slot(id));
        }
        drop(coming);
        if defect!("online-late") {
            self.remove_offline(first, count)?;
        }
        Ok(())
    }

    /// Whether the words of pages that are to come online agree that nobody has them: a bit that was
    /// overwritten must not give a page a second owner.
    fn look_offline(&self, first: PageId, count: usize) -> Result<(), RangeError> {
        let mut pages = (first.index()..first.index() + count as u32).map(PageId::new);
        let wrong = |&id: &PageId| !self.rests_at(id, ZONE) && self.offline.has(id);
        let mut wrong = if M::CHECKS { pages.find(wrong) } else { None };
        if M::COMPACT && wrong.is_none() {
            // A byte does not say where a free page lies.
            let in_range = |id: PageId| (id.index().wrapping_sub(first.index()) as usize) < count;
            let mut cached = self.magazines.locations().map(|at| self.magazines.get(at));
            wrong = cached.find(|&id| in_range(id) && self.offline.has(id));
        }
        wrong.map_or(Ok(()), |page| Err(RangeError::Corrupt { page }))
    }

    fn remove_offline(&self, first: PageId, count: usize) -> Result<(), RangeError> {
        let removed = self.offline.remove(first, count);
        removed.map_err(|page| RangeError::AlreadyOnline { page })
    }

    /// Pages of a core that is being built are online from the start: they are offline so far, and
    /// nothing is written to them.
    pub(super) fn begin_online(&self, first: PageId, count: usize) {
        if self.offline.remove(first, count).is_ok() {
            self.put_written(first, count);
        }
    }

    /// Puts pages into the zone whose words say already that they are there, and which hold what their owner has left.
    fn put_written(&self, first: PageId, count: usize) {
        let pages = first.index()..first.index() + count as u32;
        self.forbid(pages.map(PageId::new));
        self.zone.note_written_range(first, count);
        self.zone.put_range(first, count, |id| self.taint(id));
        publish_fence();
    }

    /// What is wrong with a page that is found to be free already: it may be offline.
    pub(super) fn explain(&self, page: PageId, fault: Fault) -> Fault {
        match fault {
            Fault::AlreadyFree | Fault::NotLent | Fault::NotABlock if self.offline.has(page) => {
                Fault::Offline
            }
            fault => fault,
        }
    }
}

#[cfg(test)]
mod tests;
