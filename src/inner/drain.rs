//! Pressure and draining: how pages get out of caches again, also into another cache.

use super::Core;
use crate::cache::Slot;
use crate::depot::Stack;
use crate::magazine::Hand;
use crate::mode::Mode;
use crate::page::PageId;
use crate::sync::defect;

impl<M: Mode> Core<M> {
    /// If the pool has run dry since this slot last looked, gives up all it has.
    ///
    /// # Safety
    /// The caller holds the slot.
    #[inline]
    pub(super) unsafe fn answer_pressure(&self, slot: &Slot) {
        if slot.is_asked() {
            // SAFETY: the caller holds the slot.
            unsafe { self.empty_slot(slot) };
        }
    }

    /// Asks owned caches for what they hold; shared slots are drained by whoever needs pages.
    pub(super) fn ask_caches(&self) {
        self.slots[..self.owned_slots].iter().for_each(Slot::ask);
    }

    /// How many pages all magazines hold, as of about now.
    pub(crate) fn cached(&self) -> usize {
        // Shared slots come last, and first here: a magazine that goes from one of them to a cache is not missed.
        let in_hands = || self.slots.iter().rev().map(Slot::held).sum::<usize>();
        self.magazines.total() + if M::CHECKS { 0 } else { in_hands() }
    }

    /// Puts all that a slot has into the zone. Returns how many pages.
    ///
    /// # Safety
    /// The caller holds the slot.
    pub(crate) unsafe fn empty_slot(&self, slot: &Slot) -> usize {
        let mut flushed = 0;
        for hand in [&slot.loaded, &slot.spare] {
            // SAFETY: the slot's holder owns its hands, here and below.
            if unsafe { hand.len() } > 0 {
                slot.counters.happened::<M>(&slot.counters.zone_flushes);
                // SAFETY: as above.
                flushed += unsafe { self.flush(hand) };
            }
        }
        flushed
    }

    /// Empties the shared slots that nobody is using, `but` the caller's.
    pub(super) fn drain_shared(&self, but: Option<&Slot>) {
        for slot in &self.slots[self.owned_slots..] {
            if !but.is_some_and(|own| core::ptr::eq(own, slot))
                && (slot.try_lock() || defect!("drain"))
            {
                // SAFETY: the lock was just taken.
                unsafe { self.empty_slot(slot) };
                slot.unlock();
            }
        }
    }

    /// Exchanges the loaded magazine, which is empty, for one of the shared slot where this thread starts, if one there is at
    /// least half full: what a thread allocates from its cache and drops without it stays near. If that is the caller's slot,
    /// it is locked.
    ///
    /// # Safety
    /// The caller holds the slot.
    pub(super) unsafe fn take_dropped(&self, slot: &Slot) -> bool {
        let enough = |hand: &&Hand| 2 * hand.held() as usize >= self.magazines.capacity();
        let Some(shared) = self.shared_here() else { return false };
        let find = || [&shared.spare, &shared.loaded].into_iter().find(enough);
        // The look first leaves a slot alone that has little.
        if find().is_none() || !(shared.try_lock() || defect!("dropped")) {
            return false;
        }
        let stocked = find();
        if let Some(stocked) = stocked {
            // SAFETY: the caller holds the one slot, and this call the other, which it could lock.
            unsafe { slot.loaded.swap(stocked) };
            slot.counters.happened::<M>(&slot.counters.shared_refills);
        }
        shared.unlock();
        stocked.is_some()
    }

    /// Empties the depot into the zone.
    fn drain_depot(&self) {
        while let Some(stocked) = self.depot.pop(&self.magazines, Stack::Stocked) {
            let hand = Hand::new::<M>(&self.magazines, stocked);
            // SAFETY: a magazine taken from the depot is the caller's, and so is a hand made of it.
            unsafe { self.flush(&hand) };
            // SAFETY: as above.
            let empty = unsafe { hand.put_down::<M>(&self.magazines) };
            self.depot.push(&self.magazines, empty, Stack::Empty);
        }
    }

    /// Puts everything that can be reached back into the zone, and asks owned caches for the rest.
    pub(crate) fn drain(&self, but: Option<&Slot>) {
        self.drain_shared(but);
        self.drain_depot();
        self.ask_caches();
    }

    /// Whether a page was withheld for good.
    pub(crate) fn is_withheld(&self, id: PageId) -> bool {
        self.words.get(id.index() as usize).is_some_and(|word| word.withheld().is_some())
    }
}
