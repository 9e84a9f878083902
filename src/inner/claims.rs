//! Stealing from caches that were not asked: claims, a heavy fence, and a look at who was outside of its calls.
//!
//! Invariant: each claim is ended, also by a panic of the caller's fence, and a slot whose owner has gone meanwhile is
//! emptied.

use super::Core;
use crate::mode::Mode;
use crate::slot::{Claim, Slot, StolenSlot};
use crate::sync::{Fenced, heavy_fence};

/// So many slots are claimed at once: one fence serves them all.
const AT_ONCE: usize = 256;

/// The slots that this call has claimed.
struct Claims<'a, M: Mode> {
    core: &'a Core<M>,
    claims: [Option<Claim<'a>>; AT_ONCE],
}

impl<M: Mode> Core<M> {
    /// Puts into the zone what those caches hold that are `wanted`, and idle, or stealable and in no call.
    /// `fence_others` makes the other threads execute a fence, and says whether it did. Returns how many pages came.
    pub(crate) fn steal_idle(
        &self,
        wanted: impl Fn(&Slot) -> bool,
        fence_others: impl Fn() -> bool,
    ) -> usize {
        let owned = &self.slots[..self.owned_slots];
        // Mostly so: who waits looks again and again.
        if owned.iter().all(|slot| slot.cached() == 0) {
            return 0;
        }
        let stolen = self.drain_idle(&wanted);
        let chunks = owned.chunks(AT_ONCE);
        chunks.fold(stolen, |stolen, slots| stolen + self.steal_from(slots, &wanted, &fence_others))
    }

    fn steal_from(
        &self,
        slots: &[Slot],
        wanted: impl Fn(&Slot) -> bool,
        fence_others: impl Fn() -> bool,
    ) -> usize {
        // The look first leaves alone who holds nothing.
        let has_wanted = |slot: &&Slot| slot.cached() > 0 && wanted(slot);
        let mut claims = slots.iter().filter(has_wanted).map(Slot::try_claim);
        let claims = core::array::from_fn(|_| claims.next().flatten());
        let mut claims = Claims { core: self, claims };
        if claims.claims.iter().flatten().next().is_none() {
            return 0;
        }
        match heavy_fence(fence_others) {
            Some(fenced) => claims.steal(&fenced),
            None => {
                claims.claims.iter().flatten().for_each(|claim| claim.shared().requests.ask_once());
                0
            }
        }
    }
}

impl<M: Mode> Claims<'_, M> {
    /// Takes from all whose owners were outside of their calls. The others get their slots back first: they are at
    /// work.
    fn steal(&mut self, fenced: &Fenced) -> usize {
        let Claims { core, claims } = self;
        let slots = claims.each_mut().map(|place| {
            let looked = place.take().map(|claim| claim.steal(fenced));
            looked.and_then(|looked| looked.map_err(|claim| core.withdraw(claim)).ok())
        });
        let steal = |mut slot: StolenSlot<'_>| {
            let stolen = core.empty_slot(slot.as_mut());
            core.give_back(slot);
            stolen
        };
        slots.into_iter().flatten().map(steal).sum()
    }
}

impl<M: Mode> Core<M> {
    /// Ends a claim without taking anything.
    fn withdraw(&self, claim: Claim<'_>) {
        if let Some(mut left) = claim.withdraw() {
            self.empty_slot(left.as_mut());
        }
    }
}

impl<M: Mode> Drop for Claims<'_, M> {
    fn drop(&mut self) {
        let left = self.claims.iter_mut().filter_map(Option::take);
        left.for_each(|claim| self.core.withdraw(claim));
    }
}

#[cfg(test)]
mod tests;
