//! Draining: how pages get out of magazines again, into the zone.

use super::Core;
use crate::depot::{Depot, Stack};
use crate::magazine::MagazineMut;
use crate::mode::Mode;
use crate::slot::SlotMut;
use crate::sync::{defect, publish_fence};

impl<M: Mode> Core<M> {
    /// Puts all that a slot has into the zone. Returns how many pages went there.
    #[cold]
    #[inline(never)]
    pub(crate) fn empty_slot(&self, slot: SlotMut<'_>) -> usize {
        let mut parts = slot.parts();
        let mut pages = 0;
        for magazine in [&mut parts.loaded, &mut parts.previous] {
            if magazine.len() > 0 {
                parts.counters.count_event::<M>(&parts.counters.zone_flushes);
                pages += self.flush(magazine.reborrow());
            }
        }
        pages
    }

    /// Empties the shared slots that nobody is using. Says whether these were all.
    #[cold]
    #[inline(never)]
    pub(super) fn drain_shared(&self) -> bool {
        let mut all = true;
        for slot in &self.slots[self.owned_slots..] {
            match slot.try_lock_or(defect!("drain")) {
                Some(mut slot) => _ = self.empty_slot(slot.as_mut()),
                None => all = false,
            }
        }
        all
    }

    /// Empties the depots into the zone, as far as others let it: see [`Depots::drain`](crate::depot::Depots::drain).
    pub(super) fn drain_depots(&self) {
        let flush = |magazine: MagazineMut<'_>| _ = self.flush(magazine);
        self.depots.drain(&self.magazines, |depot| self.with_magazine_of(depot, flush));
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
        publish_fence();
        true
    }

    /// Puts everything that can be reached back into the zone, and asks owned caches for the rest.
    pub(crate) fn drain(&self) {
        let _ = self.drain_shared();
        self.drain_idle(|_| true);
        self.drain_depots();
        self.request_drains(None);
    }
}
