//! Allocation: from the loaded magazine; else the spare, the depot, the zone; else what other caches can give.

use core::mem::MaybeUninit;

use super::Core;
use crate::cache::Slot;
use crate::depot::Stack;
use crate::error::Short;
use crate::magazine::Magazine;
use crate::mode::Mode;
use crate::page::{PageId, ZONE};
use crate::sync::Ordering;

impl<M: Mode> Core<M> {
    /// Whether no pressure has come up since this slot answered it.
    ///
    /// # Safety
    /// The caller holds the slot.
    #[inline(always)]
    pub(super) unsafe fn calm(&self, slot: &Slot) -> bool {
        // SAFETY: the caller holds the slot. Relaxed: the flag is a request, seen sooner or later.
        self.pressure.load(Ordering::Relaxed) == unsafe { slot.answered.get() }
    }

    /// Takes up to `out.len()` pages. Those written are the caller's.
    ///
    /// # Safety
    /// The caller holds the slot.
    #[inline(always)]
    pub(crate) unsafe fn take(
        &self,
        slot: &Slot,
        out: &mut [MaybeUninit<PageId>],
    ) -> (usize, Option<Short>) {
        // SAFETY: the caller holds the slot.
        let (calm, loaded) = unsafe { (self.calm(slot), slot.loaded.get()) };
        if !M::HARDENED && calm && out.len() <= self.magazines.len(loaded) {
            // SAFETY: the slot's holder owns its magazines, and this one holds enough.
            unsafe { self.magazines.pop(loaded, out) };
            slot.counters.took::<M>(out.len());
            return (out.len(), None);
        }
        // SAFETY: the caller holds the slot.
        unsafe { self.take_slowly(slot, out) }
    }

    /// # Safety
    /// The caller holds the slot.
    #[inline(never)]
    unsafe fn take_slowly(
        &self,
        slot: &Slot,
        out: &mut [MaybeUninit<PageId>],
    ) -> (usize, Option<Short>) {
        // SAFETY: the caller holds the slot, here and below.
        unsafe { self.answer_pressure(slot) };
        let mut got = 0;
        let mut relieved = false;
        let short = loop {
            // SAFETY: as above.
            let loaded = unsafe { slot.loaded.get() };
            // SAFETY: the slot's holder owns its magazines.
            got += unsafe { self.take_from(loaded, &mut out[got..]) };
            if got == out.len() {
                break None;
            }
            // SAFETY: as above.
            if unsafe { self.refill(slot, out.len() - got) } {
                continue;
            }
            if relieved {
                break Some(self.dry());
            }
            relieved = true;
            self.drain_shared(Some(slot));
        };
        slot.counters.took::<M>(got);
        if short.is_some() {
            slot.counters.happened::<M>(&slot.counters.short);
        }
        (got, short)
    }

    /// Takes what a magazine has, verified on leaving in hardened modes.
    ///
    /// # Safety
    /// The caller owns the magazine.
    unsafe fn take_from(&self, from: Magazine, out: &mut [MaybeUninit<PageId>]) -> usize {
        let n = out.len().min(self.magazines.len(from));
        if !M::HARDENED {
            // SAFETY: the caller owns the magazine, which has `n`.
            unsafe { self.magazines.pop(from, &mut out[..n]) };
            return n;
        }
        let mut got = 0;
        while got < out.len() && self.magazines.len(from) > 0 {
            // SAFETY: the caller owns the magazine, which has one.
            unsafe { self.magazines.pop(from, &mut out[got..=got]) };
            // SAFETY: `pop` wrote it.
            let id = unsafe { out[got].assume_init() };
            got += usize::from(self.leaves(id, self.magazines.end(from)));
        }
        got
    }

    /// Whether a page may leave the place that it was taken from; if not, it is withheld.
    pub(super) fn leaves(&self, id: PageId, place: crate::page::Place) -> bool {
        if !M::HARDENED {
            return true;
        }
        let good = self.word(id).claim(place) && self.poison_is_intact(id);
        if !good {
            self.withhold(id);
        }
        good
    }

    /// Gets at least one page into the loaded magazine, which is empty.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn refill(&self, slot: &Slot, need: usize) -> bool {
        // SAFETY: the caller holds the slot, here and below.
        let (loaded, spare) = unsafe { (slot.loaded.get(), slot.spare.get()) };
        let from_spare = || {
            let some = self.magazines.len(spare) > 0;
            if some {
                // SAFETY: as above.
                unsafe { slot.swap() };
            }
            some
        };
        let from_depot = || match self.depot.exchange(&self.magazines, loaded, Stack::Stocked) {
            Some(stocked) => {
                // SAFETY: as above.
                unsafe { slot.loaded.set(stocked) };
                slot.counters.happened::<M>(&slot.counters.depot_refills);
                true
            }
            None => false,
        };
        // SAFETY: as above; the slot's holder owns its magazines.
        let from_zone = || unsafe { self.refill_from_zone(slot, loaded, need) };
        if !M::HARDENED {
            return from_spare() || from_depot() || from_zone();
        }
        // Quarantine: freed pages wait in the spare, and behind all the pages of the zone.
        let some = from_zone() || from_depot() || from_spare();
        if some {
            // SAFETY: as above.
            unsafe { self.shuffle(slot) };
        }
        some
    }

    /// Fills an empty magazine from the zone: what is needed, or a fair share of what is free.
    ///
    /// # Safety
    /// The caller holds the slot and owns the magazine.
    unsafe fn refill_from_zone(&self, slot: &Slot, magazine: Magazine, need: usize) -> bool {
        let fair = self.zone.free() / (2 * self.slots.len());
        let max = need.max(fair).clamp(1, self.magazines.capacity());
        // SAFETY: the caller holds the slot.
        let mut cursor = unsafe { slot.cursor.get() };
        self.magazines.begin_writing(magazine);
        let mut place = self.magazines.start(magazine);
        self.zone.take(&mut cursor, max, |id| {
            if self.moves(id, ZONE, place) {
                // SAFETY: at most `max` ids go into an empty magazine, which the caller owns.
                unsafe { self.magazines.put(place, id) };
                place += 1;
            }
        });
        self.magazines.publish(magazine, place);
        // SAFETY: the caller holds the slot.
        unsafe { slot.cursor.set(cursor) };
        let some = place > self.magazines.start(magazine);
        if some {
            slot.counters.happened::<M>(&slot.counters.zone_refills);
        }
        some
    }

    /// Notes that a page moves from one place to another; in checking modes, whether it was there. A page that was
    /// not is withheld.
    #[inline]
    pub(super) fn moves(
        &self,
        id: PageId,
        from: crate::page::Place,
        to: crate::page::Place,
    ) -> bool {
        if M::CHECKS {
            if self.word(id).load() != crate::page::PageState::resting(from) {
                self.withhold(id);
                return false;
            }
            self.word(id).rest(to);
        }
        true
    }

    /// Why nothing could be got. Caches that hold pages are asked for them.
    fn dry(&self) -> Short {
        if self.magazines.total() == 0 && self.zone.free() == 0 {
            return Short::Exhausted;
        }
        self.pressure.fetch_add(1, Ordering::Relaxed);
        Short::Cached
    }

    /// Takes pages without any slot, when all shared ones are busy: from the zone, then from the depot.
    #[cold]
    pub(crate) fn take_without_slot(
        &self,
        out: &mut [MaybeUninit<PageId>],
    ) -> (usize, Option<Short>) {
        let mut cursor = 0;
        let mut got = 0;
        while got < out.len() {
            let rest = &mut out[got..];
            let (mut good, mut at) = (0, 0);
            let max = rest.len();
            let taken = self.zone.take(&mut cursor, max, |id| {
                if self.moves(id, ZONE, ZONE) && self.leaves(id, ZONE) {
                    rest[at].write(id);
                    at += 1;
                }
            });
            good += at;
            got += good;
            if taken == 0 {
                break;
            }
        }
        while got < out.len()
            && let Some(stocked) = self.depot.pop(&self.magazines, Stack::Stocked)
        {
            // SAFETY: a magazine taken from the depot is the caller's.
            got += unsafe { self.take_from(stocked, &mut out[got..]) };
            let empty = self.magazines.len(stocked) == 0;
            self.depot.push(
                &self.magazines,
                stocked,
                if empty { Stack::Empty } else { Stack::Stocked },
            );
        }
        self.orphans_taken(got);
        let short = (got < out.len()).then(|| self.dry());
        (got, short)
    }
}
