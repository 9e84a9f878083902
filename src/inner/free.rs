//! Freeing: into the loaded magazine, or into the previous one, where the mode lets freed pages wait; when
//! that is full, it goes to a depot, or else its pages to the zone.

use core::ptr::NonNull;

use super::reading::{Dropped, FreeAccount};
use super::{Core, Faults};
use crate::depot::Stack;
use crate::error::Call;
use crate::magazine::{MAGAZINE_MAX, MagazineMut};
use crate::mode::{Mode, Policy};
use crate::page::{Fault, GivenUp, PageId, PartlyFreed, ZONE};
use crate::sanitizer::Sanitizer;
use crate::slot::{FastSlot, Parts, SlotGuard, SlotMut};
use crate::sync::{defect, publish_fence};

impl<M: Mode> Core<M> {
    /// Frees pages into the loaded magazine, if that has room and can be used as it is: all of them, or those
    /// before a bad one, or none.
    #[inline(always)]
    pub(crate) fn free_fast<'i, A: FreeAccount>(
        &self,
        slot: FastSlot<'_>,
        ids: GivenUp<'i>,
    ) -> Result<(), PartlyFreed<'i>> {
        // Else what went would be looked up in vain, which takes instructions.
        if !Sanitizer::IS_ON {
            return self.push_fast::<A>(slot, ids);
        }
        let all = ids.ids();
        let done = self.push_fast::<A>(slot, ids);
        let freed = done.as_ref().err().map_or(all, PartlyFreed::freed);
        // Others cannot have them yet: the slot is still the caller's.
        self.forbid(freed.iter().copied());
        done
    }

    /// As [`Self::free_fast`]. Where nobody looks they are counted first: a store behind the copy would wait for it.
    #[inline(always)]
    fn push_fast<'i, A: FreeAccount>(
        &self,
        slot: FastSlot<'_>,
        ids: GivenUp<'i>,
    ) -> Result<(), PartlyFreed<'i>> {
        if !M::FREES_FAST {
            return Err(ids.partly_freed(0));
        }
        let counters = slot.counters();
        let Some(room) = slot.room(ids.len()) else { return Err(ids.partly_freed(0)) };
        if !M::CHECKS {
            A::count::<M>(counters, ids.len());
            room.push_unchecked(ids.ids());
            return Ok(());
        }
        if M::COMPACT {
            // What is wrong, if anything, is found again when the rest is freed.
            let (freed, _) = self.push_marked(room, ids.ids());
            A::count::<M>(counters, freed);
            return if freed == ids.len() { Ok(()) } else { Err(ids.partly_freed(freed)) };
        }
        match self.push_in_place(room, ids.ids()) {
            Ok(()) => {
                A::count::<M>(counters, ids.len());
                Ok(())
            }
            Err((magazine, in_place)) => {
                // What is wrong, if anything, is found again when the rest is freed.
                if let &[id] = ids.ids() {
                    if !self.push_alone(magazine, id) {
                        return Err(ids.partly_freed(0));
                    }
                    A::count::<M>(counters, 1);
                    return Ok(());
                }
                let relocated = self.push_relocated(magazine, &ids.ids()[in_place..], &mut None);
                let freed = in_place + relocated;
                A::count::<M>(counters, freed);
                if freed == ids.len() { Ok(()) } else { Err(ids.partly_freed(freed)) }
            }
        }
    }

    /// Frees pages. Returns how many were good; the others stay where they are.
    #[inline(never)]
    pub(crate) fn free<A: FreeAccount>(
        &self,
        slot: SlotMut<'_>,
        ids: GivenUp<'_>,
        faults: &mut Faults,
    ) -> usize {
        let ids = ids.ids();
        let mut parts = slot.parts();
        // Before a full magazine goes where others can have it.
        if !defect!("count-late") {
            A::count::<M>(parts.counters, ids.len());
        }
        if !M::FREES_TO_PREVIOUS {
            parts.load_what_fits(|magazine| magazine.remaining() >= ids.len());
        }
        let (mut at, mut refused) = (0, 0);
        while at < ids.len() {
            let target = target::<M>(&mut parts);
            if target.remaining() == 0 {
                self.make_room(&mut parts, ids.len() - at);
                continue;
            }
            let (pushed, fault) = self.push(target, &ids[at..]);
            if M::POISONS && !defect!("poison-late") {
                self.poison_some(&mut parts, &ids[at..at + pushed]);
            }
            if Sanitizer::IS_ON {
                self.forbid(ids[at..at + pushed].iter().copied());
            }
            at += pushed;
            if let Some(fault) = fault {
                self.refuse(ids[at], at, fault, faults);
                A::uncount(parts.counters, 1);
                (at, refused) = (at + 1, refused + 1);
            }
        }
        if M::POISONS && defect!("poison-late") {
            self.poison_some(&mut parts, ids);
        }
        if defect!("count-late") {
            A::count::<M>(parts.counters, ids.len());
        }
        ids.len() - refused
    }

    /// Makes room where frees go to, which is full. A previous magazine with some room, but less than is
    /// needed, comes after empty magazines.
    #[inline(always)]
    fn make_room(&self, parts: &mut Parts<'_>, need: usize) {
        let in_previous = |parts: &mut Parts<'_>, at_least: usize| {
            let some = !M::FREES_TO_PREVIOUS && parts.previous.remaining() >= at_least;
            if some {
                parts.loaded.swap(&mut parts.previous);
            }
            some
        };
        if in_previous(parts, need) {
            return;
        }
        let counters = parts.counters;
        let home = *parts.depot;
        if self.exchange(target::<M>(parts).reborrow(), home, Stack::Empty) {
            publish_fence();
            counters.count_event::<M>(&counters.depot_flushes);
        } else if !in_previous(parts, 1) {
            self.flush(target::<M>(parts).reborrow());
            counters.count_event::<M>(&counters.zone_flushes);
        }
    }

    /// Empties a magazine into the zone. Returns how many pages went there.
    pub(super) fn flush(&self, mut magazine: MagazineMut<'_>) -> usize {
        let mut ids = [PageId::new(0); MAGAZINE_MAX];
        let mut n = 0;
        // Before the words change: a look never finds a page on its way (`audit`).
        for (location, id) in magazine.take_ids::<M>() {
            if self.verify_move(id, location, ZONE) {
                ids[n] = id;
                n += 1;
            }
        }
        // Sorted, so that neighbours go back with one instruction.
        ids[..n].sort_unstable();
        let put = self.zone.put(&ids[..n], |id| self.taint(id));
        publish_fence();
        put
    }

    /// Frees pages without any slot, when all shared ones are busy: straight into the zone. They are not
    /// counted yet, but as given.
    #[cold]
    pub(crate) fn free_without_slot(&self, ids: GivenUp<'_>, faults: &mut Faults) -> usize {
        let (count, mut freed) = (ids.len(), 0);
        if defect!("supply-early") && self.line.is_waited_in() {
            self.line.raise();
        }
        if !defect!("count-late") {
            self.count_given(count);
        }
        for (position, &id) in ids.ids().iter().enumerate() {
            if M::CHECKS {
                if let Err(fault) = self.try_free_to_zone(id) {
                    self.refuse(id, position, fault, faults);
                    continue;
                }
                if !defect!("poison-late") {
                    self.poison_without_slot(id);
                }
            }
            self.forbid([id]);
            // The old bit shows what the word could not: that the page was here all along.
            freed += self.zone.put(&[id], |id| {
                self.refuse(id, position, Fault::AlreadyFree, faults);
            });
            if M::COMPACT && defect!("compact-late") {
                self.rest(id, ZONE);
            }
            if defect!("poison-late") {
                self.poison_without_slot(id);
            }
        }
        if defect!("count-late") {
            self.count_given(count);
        }
        if freed < count {
            self.uncount_given(count - freed);
        }
        publish_fence();
        freed
    }

    /// A page that was to be freed is bad, and stays where it is.
    pub(super) fn refuse(&self, id: PageId, position: usize, fault: Fault, faults: &mut Faults) {
        self.tracker.free_refused(id);
        faults.add(id, position, fault);
    }

    /// A page that another call was made for is bad.
    pub(crate) fn refuse_call(
        &self,
        id: PageId,
        position: usize,
        fault: Fault,
        faults: &mut Faults,
    ) {
        self.tracker.refused(id);
        faults.add(id, position, fault);
    }

    /// Frees pages that their owner drops without a cache at hand.
    ///
    /// # Safety
    /// The pages are of this core, which the caller does not use afterwards.
    pub(crate) unsafe fn drop_pages(this: NonNull<Self>, ids: GivenUp<'_>) {
        // SAFETY: the caller's pages keep the core alive, until they are counted below.
        let core = unsafe { this.as_ref() };
        core.tracker.dropped(ids.ids());
        let count = ids.len();
        let (dropped, freed) = match core.borrow_slot() {
            Some(mut slot) => {
                let dropped = NonNull::from(&slot.shared().dropped);
                let freed = match core.free_fast::<Dropped>(slot.as_mut().fast(), ids) {
                    Ok(()) => {
                        if slot.give_up().requests.are_there() && !defect!("drop-late") {
                            core.see_to_drop();
                        }
                        count
                    }
                    Err(partly) => core.drop_rest(Some(slot), partly),
                };
                (Some(dropped), freed)
            }
            None => (None, core.drop_rest(None, ids.partly_freed(0))),
        };
        // SAFETY: the pages freed are counted by nobody else, and `dropped` is a slot's of this core.
        unsafe { Self::release_pages(this, dropped, freed) };
    }

    /// A drop has left pages in a slot whose pages somebody asked for in the middle of it.
    #[cold]
    #[inline(never)]
    fn see_to_drop(&self) {
        self.conclude_quietly(Call::Drop);
    }

    /// Frees what did not take the fast path, and gives up the slot. Returns how many of all were good.
    #[cold]
    #[inline(never)]
    fn drop_rest(&self, slot: Option<SlotGuard<'_>>, partly: PartlyFreed<'_>) -> usize {
        let (ids, fast) = partly.into_parts();
        let mut faults = Faults::after(fast);
        let freed = fast
            + match slot {
                Some(mut slot) => {
                    let rest = ids.skip(fast);
                    let freed = self.free::<Dropped>(slot.as_mut(), rest, &mut faults);
                    self.give_to_waiters(slot.as_mut());
                    slot.give_up();
                    freed
                }
                None => self.free_without_slot(ids.skip(fast), &mut faults),
            };
        // A drop never panics: the pool remembers.
        let _ = self.record(&faults, freed, Call::Drop);
        self.conclude_quietly(Call::Drop);
        freed
    }
}

/// The magazine that frees go to.
fn target<'p, 'a, M: Mode>(parts: &'p mut Parts<'a>) -> &'p mut MagazineMut<'a> {
    if M::FREES_TO_PREVIOUS { &mut parts.previous } else { &mut parts.loaded }
}

#[cfg(test)]
mod tests;
