//! Draining: how pages get out of magazines again, into the zone.

use super::Core;
use crate::depot::{Depot, Stack};
use crate::magazine::MagazineMut;
use crate::mode::Mode;
use crate::slot::{OwnerMut, Slot, SlotMut};
use crate::sync::defect;

impl<M: Mode> Core<M> {
    /// Gives up all that a slot has, if somebody has asked for it since this slot last looked.
    #[inline]
    pub(crate) fn honour_drain_request(&self, mut slot: SlotMut<'_>) {
        if slot.take_drain_request() {
            self.empty_slot(slot);
        }
    }

    /// The slot of a cache that was asked for its pages, which it gives up, or that was idle: its own again. `None`
    /// while somebody takes from it.
    #[cold]
    #[inline(never)]
    pub(crate) fn attend<'a>(&self, owner: OwnerMut<'a>) -> Option<SlotMut<'a>> {
        let mut slot = owner.take_back()?;
        self.honour_drain_request(slot.reborrow());
        Some(slot)
    }

    /// Asks owned caches for what they hold; shared slots are drained by whoever needs pages. An idle cache has
    /// asked itself.
    pub(super) fn request_drains(&self) {
        self.slots[..self.owned_slots].iter().for_each(Slot::request_drain);
    }

    /// Puts all that a slot has into the zone.
    #[cold]
    #[inline(never)]
    pub(crate) fn empty_slot(&self, slot: SlotMut<'_>) {
        let mut parts = slot.parts();
        for magazine in [&mut parts.loaded, &mut parts.previous] {
            if magazine.len() > 0 {
                parts.counters.count_event::<M>(&parts.counters.zone_flushes);
                self.flush(magazine.reborrow());
            }
        }
    }

    /// Empties the shared slots that nobody is using.
    pub(super) fn drain_shared(&self) {
        for slot in &self.slots[self.owned_slots..] {
            if let Some(mut slot) = slot.try_lock_or(defect!("drain")) {
                self.empty_slot(slot.as_mut());
            }
        }
    }

    /// Empties the depots into the zone: as many magazines of each as there are in all, and no more, though
    /// others may push meanwhile.
    pub(super) fn drain_depots(&self) {
        let depots = self.depots.iter().take(if defect!("drain-one") { 1 } else { usize::MAX });
        for depot in depots {
            let flush = || self.with_magazine_of(depot, |magazine| _ = self.flush(magazine));
            (1..self.magazines.count()).all(|_| flush());
        }
    }

    /// Calls `f` with a magazine that has pages, of the depot `home` or of another, as
    /// [`Self::with_magazine_of`].
    pub(super) fn with_depot_magazine(
        &self,
        home: u32,
        mut f: impl FnMut(MagazineMut<'_>),
    ) -> bool {
        self.depots.from(home).any(|depot| self.with_magazine_of(depot, &mut f))
    }

    /// Calls `f` with a magazine of a depot that has pages, verified, and puts it back. Says whether there was
    /// one.
    fn with_magazine_of(&self, depot: &Depot, f: impl FnOnce(MagazineMut<'_>)) -> bool {
        let Some(magazine) = depot.pop::<M>(&self.magazines, Stack::Nonempty) else {
            return false;
        };
        let mut open = self.magazines.open::<M>(magazine);
        self.verify_loaded(open.as_mut());
        f(open.as_mut());
        let (magazine, len) = open.close::<M>(&self.magazines);
        let to = if len == 0 { Stack::Empty } else { Stack::Nonempty };
        depot.push(&self.magazines, magazine, len, to);
        true
    }

    /// Puts everything that can be reached back into the zone, and asks owned caches for the rest.
    pub(crate) fn drain(&self) {
        self.drain_shared();
        self.drain_idle();
        self.drain_depots();
        self.request_drains();
    }
}
