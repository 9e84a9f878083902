//! Allocation: from the loaded magazine; else from the previous one, from a shared slot (what the thread dropped, for
//! one), from the depots, from the zone; else what other slots can give. `refill` has the order of each mode.

use core::mem::MaybeUninit;

use super::verify::VERIFIED_MOST;
use super::{Core, Step};
use crate::depot::Stack;
use crate::error::ShortReason;
use crate::magazine::{Entries, MagazineMut, whole_lines};
use crate::mode::{Mode, Policy};
use crate::page::{PageId, ZONE, written, written_mut};
use crate::slot::{Counters, FastSlot, Parts, SlotMut};
use crate::sync::{Ordering, defect};
use crate::zone::{Cursor, Floor};

/// Proof that the fast path may run: the loaded magazine has as many ids as were asked for.
pub(crate) struct FastAlloc<'a, M> {
    entries: Entries<'a>,
    counters: &'a Counters,
    core: &'a Core<M>,
}

impl<M: Mode> FastAlloc<'_, M> {
    /// Allocates the pages; their ids are the caller's. Panics unless `out` is as long as was asked for.
    #[inline(always)]
    pub(crate) fn alloc(self, out: &mut [MaybeUninit<PageId>]) {
        // Counted first: a store that comes after the copy would wait for it.
        self.counters.count_alloc::<M>(out.len());
        self.core.pop(self.entries, out);
    }
}

impl<M: Mode> Core<M> {
    /// The fast path for `n` pages, if the loaded magazine has them and nobody has requested a drain.
    #[inline(always)]
    pub(crate) fn alloc_fast<'a>(
        &'a self,
        slot: FastSlot<'a>,
        n: usize,
    ) -> Option<FastAlloc<'a, M>> {
        if M::VERIFIES_ON_ALLOC || self.injector.is_armed() {
            return None;
        }
        let counters = slot.counters();
        Some(FastAlloc { entries: slot.entries(n)?, counters, core: self })
    }

    /// Takes ids out of a magazine into `out`, which is as long. They are no owner's yet.
    #[inline(always)]
    fn pop(&self, entries: Entries<'_>, out: &mut [MaybeUninit<PageId>]) {
        entries.pop::<M>(out);
        if M::COMPACT {
            // SAFETY: `pop` wrote them.
            self.mark_out(unsafe { written(out) });
        }
    }

    /// Allocates up to `out.len()` pages, from wherever there are any. Of the zone's, those below the floor stay: what
    /// a watermark keeps for others (`marks`). The ids written are the caller's, who has answered requests for the
    /// slot's pages already.
    #[inline(never)]
    pub(crate) fn alloc(
        &self,
        slot: SlotMut<'_>,
        out: &mut [MaybeUninit<PageId>],
        step: Step,
    ) -> (usize, Option<ShortReason>) {
        let shared = slot.shared();
        let mut parts = slot.parts();
        let short = |got| self.short_reason(Some(shared), got, step);
        let (got, reason) = self.gather(&mut parts, out, step.floor, short);
        let counters = parts.counters;
        counters.count_alloc::<M>(got);
        if reason.is_some() {
            counters.count_event::<M>(&counters.short);
        }
        (got, reason)
    }

    /// Takes up to `out.len()` pages, which are not counted yet. Returns how many, and what `short` says of how
    /// many it got if there were no more. `looked` counts pages whose poison was compared.
    #[inline(always)]
    pub(super) fn gather<R>(
        &self,
        parts: &mut Parts<'_>,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
        short: impl FnOnce(usize) -> R,
    ) -> (usize, Option<R>) {
        if !M::FREES_TO_PREVIOUS {
            parts.load_what_fits(|magazine| magazine.len() as usize >= out.len());
        }
        let (mut got, mut looked) = (0, 0);
        let mut drained = false;
        let reason = loop {
            if got == out.len() {
                break None;
            }
            if parts.loaded.len() > 0 || self.refill(parts, out.len() - got, floor) {
                got += self.alloc_from(parts.loaded.reborrow(), &mut out[got..], &mut looked);
                continue;
            }
            if !drained {
                drained = true;
                let _ = self.drain_shared();
            } else if !self.refill_from_idle(parts.loaded.reborrow(), parts.counters) {
                break Some(short(got));
            } else if M::SHUFFLES {
                self.shuffle(parts);
            }
        };
        if M::POISONS && M::STATS {
            parts.counters.poison_checks.add(looked);
        }
        (got, reason)
    }

    /// Takes what a magazine has, verified where the mode verifies what leaves.
    fn alloc_from(
        &self,
        mut magazine: MagazineMut<'_>,
        out: &mut [MaybeUninit<PageId>],
        looked: &mut u64,
    ) -> usize {
        if !M::VERIFIES_ON_ALLOC {
            let entries = magazine.last(out.len());
            let n = entries.count();
            self.pop(entries, &mut out[..n]);
            return n;
        }
        let mut got = 0;
        while got < out.len() {
            let entries = magazine.last(VERIFIED_MOST.min(out.len() - got));
            let (n, first) = (entries.count(), entries.location());
            if n == 0 {
                break;
            }
            let out = &mut out[got..got + n];
            entries.pop::<M>(out);
            // SAFETY: `pop` wrote them.
            let ids = unsafe { written_mut(out) };
            let after = self.poisoned_below(&magazine, first);
            got += self.verify_on_alloc(ids, first, after, looked);
        }
        got
    }

    /// Tries to get pages into the loaded magazine, which is empty, for a call that needs `need` of them, at least one.
    /// Says whether something came; verifying may withhold every page of it, and the caller tries once more. A previous
    /// magazine that has fewer than `need` comes after the depots': a call that is split across two magazines leaves a
    /// rest, across which later calls of this size are split as well.
    fn refill(&self, parts: &mut Parts<'_>, need: usize, floor: Floor) -> bool {
        if !M::FREES_TO_PREVIOUS {
            return from_previous(parts, need)
                || self.refill_from_drops(parts)
                || self.refill_from_depot(parts)
                || from_previous(parts, 1)
                || self.refill_from_zone(parts, need, floor);
        }
        let filled = if M::QUARANTINES {
            // Freed pages wait in the previous magazine until the zone has no other.
            self.refill_from_zone(parts, need, floor)
                || self.refill_from_depot(parts)
                || from_previous(parts, 1)
        } else {
            // At least half a magazine: a few pages have few orders.
            from_previous(parts, self.magazines.capacity().div_ceil(2))
                || self.refill_from_depot(parts)
                || self.refill_from_zone(parts, need, floor)
                || from_previous(parts, 1)
        };
        if filled && M::SHUFFLES {
            self.shuffle(parts);
        }
        filled
    }

    /// Exchanges the loaded magazine, which is empty, for a non-empty one of a depot.
    fn refill_from_depot(&self, parts: &mut Parts<'_>) -> bool {
        let filled = self.exchange(parts.loaded.reborrow(), *parts.depot, Stack::Nonempty);
        if filled {
            parts.counters.count_event::<M>(&parts.counters.depot_refills);
        }
        filled
    }

    /// Fills the loaded magazine, which is empty, from the zone: with what is needed or a fair share of what is
    /// free (half of what would be each slot's, in whole cache lines), whichever is more, as far as it has room.
    fn refill_from_zone(&self, parts: &mut Parts<'_>, need: usize, floor: Floor) -> bool {
        let fair = whole_lines(self.zone.free() / (2 * self.slots.len()));
        let most = need.max(fair).clamp(1, self.magazines.capacity());
        let mut room = parts.loaded.room(most);
        let (start, entries) = (room.location(), room.entries());
        let mut n = 0;
        // Again, if all that it took had to be withheld.
        while n == 0 {
            let taken = self.allowed(floor, need.min(entries.len()), entries.len(), |allowed| {
                allowed.take(parts.cursor, |id| {
                    if self.verify_move(id, ZONE, start + n as u32) {
                        // Relaxed: `commit` publishes it.
                        entries[n].store(id.index(), Ordering::Relaxed);
                        n += 1;
                    }
                })
            });
            if taken == 0 {
                break;
            }
        }
        // SAFETY: the first `n` entries were written, with pages that the zone gave to this call.
        unsafe { room.commit::<M>(n) };
        if n > 0 {
            parts.counters.count_event::<M>(&parts.counters.zone_refills);
        }
        n > 0
    }

    /// Exchanges the loaded magazine, which is empty, for one of the shared slot that this thread tries first, if
    /// one there is at least half full: what a thread allocates from its cache and drops without it stays near. Other
    /// threads may have put pages there, too. Not if somebody has that slot, which may be this call.
    fn refill_from_drops(&self, parts: &mut Parts<'_>) -> bool {
        let Some(shared) = self.shared_here() else { return false };
        let enough = |len: u32| 2 * len as usize >= self.magazines.capacity();
        // The look first leaves a slot alone that has few pages.
        if !enough(shared.previous_len()) && !enough(shared.loaded_len()) {
            return false;
        }
        let Some(mut guard) = shared.try_lock_or(defect!("dropped")) else { return false };
        let mut theirs = guard.as_mut().parts();
        let found = [&mut theirs.previous, &mut theirs.loaded]
            .into_iter()
            .find(|magazine| enough(magazine.len()));
        let Some(found) = found else { return false };
        parts.loaded.swap(found);
        parts.counters.count_event::<M>(&parts.counters.shared_refills);
        true
    }

    /// Allocates pages without any slot, when all shared ones are busy.
    #[cold]
    pub(crate) fn alloc_without_slot(
        &self,
        out: &mut [MaybeUninit<PageId>],
        step: Step,
    ) -> (usize, Option<ShortReason>) {
        let got = self.gather_without_slot(out, step.floor);
        let reason = (got < out.len()).then(|| self.short_reason(None, got, step));
        if !defect!("orphans") {
            self.count_uncached_alloc(got);
        }
        self.end_without_slot(got);
        (got, reason)
    }

    /// Takes up to `out.len()` pages without any slot: from the zone, which takes nothing that others have at hand,
    /// then from the depots; when both have run dry, what idle caches hold goes to the zone. They are not counted yet.
    pub(super) fn gather_without_slot(
        &self,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
    ) -> usize {
        let (mut cursor, mut got, mut looked) = (Cursor::default(), 0, 0);
        loop {
            while got < out.len() {
                let most = out.len() - got;
                let taken = self.allowed(floor, most, most, |allowed| {
                    allowed.take(&mut cursor, |id| {
                        if self.verify_move(id, ZONE, ZONE)
                            && self.verify_from_zone(id, &mut looked)
                        {
                            out[got].write(id);
                            got += 1;
                        }
                    })
                });
                if taken == 0 {
                    break;
                }
            }
            while got < out.len()
                && self.with_depot_magazine(self.home_here(), |magazine| {
                    got += self.alloc_from(magazine, &mut out[got..], &mut looked);
                })
            {}
            if got == out.len() || !self.empty_idle() {
                break;
            }
        }
        self.count_uncached_poison_checks(looked);
        got
    }
}

/// Loads the previous magazine, if it has so many ids.
#[inline(always)]
fn from_previous(parts: &mut Parts<'_>, at_least: usize) -> bool {
    let some = parts.previous.len() as usize >= at_least;
    if some {
        parts.loaded.swap(&mut parts.previous);
    }
    some
}

#[cfg(test)]
mod tests;
