//! Taking from idle caches: what who runs dry does when all else is empty.
//!
//! Invariant: nothing moves when a cache goes idle or comes back. Whoever takes has the slot by a `StolenSlot`,
//! gives it back when it is done, and empties it if its owner has gone meanwhile.

#[cfg(test)]
mod tests;

use super::Core;
use crate::magazine::MagazineMut;
use crate::mode::{Mode, Policy};
use crate::slot::{Counters, Slot, SlotMut, StolenSlot};

impl<M: Mode> Core<M> {
    /// Exchanges the loaded magazine, which is empty, for one with pages of an idle cache. It gets what it needs by
    /// value: a pointer to all parts would keep those in memory for the whole of the caller.
    #[cold]
    #[inline(never)]
    pub(super) fn refill_from_idle(
        &self,
        mut loaded: MagazineMut<'_>,
        counters: &Counters,
    ) -> bool {
        let found = self.any_idle(
            |_| true,
            |theirs| {
                let mut theirs = theirs.parts();
                let [first, second] = if M::FREES_TO_PREVIOUS {
                    // What was freed last waits there.
                    [&mut theirs.loaded, &mut theirs.previous]
                } else {
                    [&mut theirs.previous, &mut theirs.loaded]
                };
                let found = if first.len() > 0 { first } else { second };
                loaded.swap(found);
                loaded.len() > 0
            },
        );
        if found {
            counters.count_event::<M>(&counters.idle_refills);
        }
        found
    }

    /// Puts into the zone what one idle cache holds. Says whether there was one that held any.
    pub(super) fn empty_idle(&self) -> bool {
        self.any_idle(
            |_| true,
            |slot| {
                self.empty_slot(slot);
                true
            },
        )
    }

    /// Puts into the zone what those idle caches hold that are `wanted`. Returns how many pages went there.
    pub(super) fn drain_idle(&self, wanted: impl Fn(&Slot) -> bool) -> usize {
        let mut pages = 0;
        self.any_idle(wanted, |slot| {
            pages += self.empty_slot(slot);
            false
        });
        pages
    }

    /// Calls `f` with those slots of idle caches that are `wanted` and hold pages, until it says that it has what it
    /// wants. Says whether it did.
    fn any_idle(
        &self,
        wanted: impl Fn(&Slot) -> bool,
        mut f: impl FnMut(SlotMut<'_>) -> bool,
    ) -> bool {
        self.slots[..self.owned_slots].iter().filter(|slot| wanted(slot)).any(|slot| {
            // The look first leaves alone who holds nothing.
            let stolen = if slot.cached() > 0 { slot.try_steal() } else { None };
            stolen.is_some_and(|mut stolen| {
                let done = f(stolen.as_mut());
                self.give_back(stolen);
                done
            })
        })
    }

    /// Gives a slot back to its owner, or to nobody, if that is gone.
    pub(super) fn give_back(&self, stolen: StolenSlot<'_>) {
        if let Some(mut left) = stolen.give_back() {
            self.empty_slot(left.as_mut());
        }
    }
}
