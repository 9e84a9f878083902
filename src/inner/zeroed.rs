//! Pages of zeros: those that the zone knows to be zero need not be written.
//!
//! Invariant: only a page that comes straight from the zone is known to be zero. What lies in a magazine may leave it
//! by the fast path, which notes nothing.

use core::mem::MaybeUninit;

use super::Core;
use crate::depot::{Depot, Stack};
use crate::mode::{Mode, Policy};
use crate::page::{PageId, ZONE};
use crate::slot::SlotMut;
use crate::zone::Floor;

impl<M: Mode> Core<M> {
    /// Whether so many pages may come straight from the zone, which knows of some that they are zero. Not if they are
    /// to be shuffled, or others come first; nor if there are fewer: what a call got so is not known to the one that
    /// looks for the rest, and finds nothing, and seems to be dry.
    pub(crate) fn may_know_zero(&self, pages: usize, floor: Floor) -> bool {
        !M::FREES_TO_PREVIOUS && self.zone.knows_zero() && self.zone.free_above(floor) >= pages
    }

    /// Where caches and depots have nothing, takes up to 64 pages straight from the zone. Returns how many, and which
    /// of them are zero, as bits. A page that was used would come from a magazine, and is nearer than one of zeros that
    /// nobody has touched.
    pub(crate) fn alloc_knowing(
        &self,
        slot: SlotMut<'_>,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
    ) -> (usize, u64) {
        let parts = slot.parts();
        let is_bare = |depot: &Depot| !depot.has(Stack::Nonempty);
        let nothing = parts.loaded.len() == 0 && parts.previous.len() == 0;
        if !nothing || !self.depots.iter().all(is_bare) {
            return (0, 0);
        }
        let (mut got, mut zero, mut looked) = (0, 0, 0);
        let most = out.len().min(64);
        self.allowed(floor, most, most, |allowed| {
            allowed.take_knowing(parts.cursor, |id, is_zero| {
                if self.verify_move(id, ZONE, ZONE) && self.verify_from_zone(id, &mut looked) {
                    out[got].write(id);
                    zero |= u64::from(is_zero) << got;
                    got += 1;
                }
            })
        });
        if got > 0 {
            parts.counters.count_event::<M>(&parts.counters.zone_refills);
            // Whoever needs more goes on with a call that is counted.
            if got == out.len() {
                parts.counters.count_alloc::<M>(got);
            } else {
                parts.counters.allocated.add_after(got as u64);
            }
        }
        if M::POISONS && M::STATS {
            parts.counters.poison_checks.add(looked);
        }
        (got, zero)
    }
}
