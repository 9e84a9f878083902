//! Draining: how pages get out of magazines again, into the zone.

use super::Core;
use crate::depot::Stack;
use crate::magazine::MagazineMut;
use crate::mode::Mode;
use crate::slot::{Slot, SlotMut};
use crate::sync::defect;

impl<M: Mode> Core<M> {
    /// Gives up all that a slot has, if somebody has asked for it since this slot last looked.
    #[inline]
    pub(crate) fn honour_drain_request(&self, mut slot: SlotMut<'_>) {
        if slot.take_drain_request() {
            self.empty_slot(slot);
        }
    }

    /// Asks owned caches for what they hold; shared slots are drained by whoever needs pages.
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

    /// Empties the depot into the zone: as many magazines as there are, and no more, though others may push
    /// meanwhile.
    pub(super) fn drain_depot(&self) {
        for _ in 1..self.magazines.count() {
            if !self.with_depot_magazine(|magazine| _ = self.flush(magazine)) {
                return;
            }
        }
    }

    /// Calls `f` with a magazine of the depot that has pages, verified, and puts it back. Says whether there was
    /// one.
    pub(super) fn with_depot_magazine(&self, f: impl FnOnce(MagazineMut<'_>)) -> bool {
        let Some(magazine) = self.depot.pop::<M>(&self.magazines, Stack::Nonempty) else {
            return false;
        };
        let mut open = self.magazines.open::<M>(magazine);
        self.verify_loaded(open.as_mut());
        f(open.as_mut());
        let (magazine, len) = open.close::<M>(&self.magazines);
        let to = if len == 0 { Stack::Empty } else { Stack::Nonempty };
        self.depot.push(&self.magazines, magazine, len, to);
        true
    }

    /// Puts everything that can be reached back into the zone, and asks owned caches for the rest.
    pub(crate) fn drain(&self) {
        self.drain_shared();
        self.drain_depot();
        self.request_drains();
    }
}
