//! Allocation: from the loaded magazine; else the spare, what the thread dropped, the depot, the zone; else what other
//! caches can give.

use core::mem::MaybeUninit;

use super::Core;
use crate::cache::Slot;
use crate::depot::Stack;
use crate::error::{Fault, ShortReason};
use crate::magazine::{Hand, whole_lines};
use crate::mode::Mode;
use crate::page::{PageId, PageState, Place, ZONE};
use crate::sync::defect;

impl<M: Mode> Core<M> {
    /// How many pages the loaded magazine has left without `n`, if it has them and can be used as it is.
    ///
    /// # Safety
    /// The caller holds the slot.
    #[inline(always)]
    pub(crate) unsafe fn spares(&self, slot: &Slot, n: usize) -> Option<u32> {
        // A slice of ids has fewer than 2⁶² of them.
        // SAFETY: the slot's holder owns its hands.
        let left = i64::from(unsafe { slot.loaded.len() }) - n as i64;
        (!M::HARDENED && slot.may_leave(left)).then_some(left as u32)
    }

    /// Takes `out.len()` pages from the loaded magazine, and leaves `left`.
    ///
    /// # Safety
    /// The caller holds the slot, which [spares](Self::spares) them.
    #[inline(always)]
    pub(crate) unsafe fn take_now(&self, slot: &Slot, left: u32, out: &mut [MaybeUninit<PageId>]) {
        slot.counters.took::<M>(out.len());
        // SAFETY: the slot's holder owns its hands, and this one holds enough.
        unsafe { slot.loaded.pop::<M>(left, out) };
    }

    /// Takes up to `out.len()` pages, from wherever there are any. Those written are the caller's.
    ///
    /// # Safety
    /// The caller holds the slot.
    #[inline(never)]
    pub(crate) unsafe fn take(
        &self,
        slot: &Slot,
        out: &mut [MaybeUninit<PageId>],
    ) -> (usize, Option<ShortReason>) {
        // SAFETY: the caller holds the slot, here and below.
        unsafe { self.answer_pressure(slot) };
        if !M::HARDENED {
            // SAFETY: the slot's holder owns its hands.
            let fits = |hand: &Hand| unsafe { hand.len() } as usize >= out.len();
            // SAFETY: as above.
            unsafe { slot.load_what_fits(fits) };
        }
        let mut got = 0;
        let mut relieved = false;
        let short = loop {
            // SAFETY: the slot's holder owns its hands.
            got += unsafe { self.take_from(&slot.loaded, &mut out[got..]) };
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
    /// The caller owns the hand.
    unsafe fn take_from(&self, hand: &Hand, out: &mut [MaybeUninit<PageId>]) -> usize {
        // SAFETY: the caller owns the hand, here and below.
        let mut len = unsafe { hand.len() };
        if !M::HARDENED {
            let n = (len as usize).min(out.len());
            // SAFETY: as above; the hand has as many.
            unsafe { hand.pop::<M>(len - n as u32, &mut out[..n]) };
            return n;
        }
        let mut got = 0;
        while got < out.len() && len > 0 {
            len -= 1;
            // SAFETY: as above; the hand has one more.
            unsafe { hand.pop::<M>(len, &mut out[got..=got]) };
            // SAFETY: `pop` wrote it.
            let id = unsafe { out[got].assume_init() };
            // SAFETY: as above.
            got += usize::from(self.leaves(id, unsafe { hand.end() }));
        }
        got
    }

    /// Whether a page may leave the place that it was taken from; if not, it is withheld.
    pub(super) fn leaves(&self, id: PageId, place: Place) -> bool {
        if !M::HARDENED {
            return true;
        }
        let fault = match self.word(id).claim(place) {
            true => self.changed_at(id).map(|offset| Fault::Poison { offset }),
            false => Some(Fault::Corrupt),
        };
        if let Some(fault) = fault {
            self.withhold(id, fault);
        }
        fault.is_none()
    }

    /// Gets at least one page into the loaded magazine, which is empty. A spare that has some, but less than is needed, comes
    /// after the depot's magazines: what is torn between two is copied twice, and later bulks with it.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn refill(&self, slot: &Slot, need: usize) -> bool {
        let Slot { loaded, spare, .. } = slot;
        let from_spare = |at_least: usize| {
            // SAFETY: the slot's holder owns its hands, here and below.
            let some = unsafe { spare.len() } as usize >= at_least;
            if some {
                // SAFETY: as above.
                unsafe { loaded.swap(spare) };
            }
            some
        };
        let from_depot = || {
            // SAFETY: as above.
            let empty = unsafe { loaded.put_down::<M>(&self.magazines) };
            let stocked = self.depot.exchange(&self.magazines, empty, Stack::Stocked);
            if let Some(stocked) = stocked {
                // SAFETY: the depot gave the magazine for the other.
                unsafe { loaded.replace::<M>(&self.magazines, stocked) };
                slot.counters.happened::<M>(&slot.counters.depot_refills);
            }
            stocked.is_some()
        };
        // SAFETY: the caller holds the slot.
        let from_zone = || unsafe { self.refill_from_zone(slot, need) };
        if !M::HARDENED {
            // SAFETY: the caller holds the slot.
            let from_drops = || unsafe { self.take_dropped(slot) };
            return from_spare(need)
                || from_drops()
                || from_depot()
                || from_spare(1)
                || from_zone();
        }
        // Quarantine: freed pages wait in the spare, and behind all the pages of the zone.
        let some = from_zone() || from_depot() || from_spare(1);
        if some {
            // SAFETY: as above.
            unsafe { self.shuffle(slot) };
        }
        some
    }

    /// Fills the loaded magazine, which is empty, from the zone: what is needed, or a fair share of what is free, in whole
    /// lines.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn refill_from_zone(&self, slot: &Slot, need: usize) -> bool {
        let fair = whole_lines(self.zone.free() / (2 * self.slots.len()));
        let max = need.max(fair).clamp(1, self.magazines.capacity());
        // SAFETY: the caller holds the slot and so owns its hands, here and below.
        let (mut cursor, start) = unsafe { (slot.cursor.get(), slot.loaded.start()) };
        // SAFETY: as above.
        unsafe { slot.loaded.begin_writing() };
        let mut place = start;
        self.zone.take(&mut cursor, max, |id| {
            if self.moves(id, ZONE, place) {
                // SAFETY: as above; at most `max` ids go into an empty magazine.
                unsafe { slot.loaded.put(place, id) };
                place += 1;
            }
        });
        // SAFETY: as above; the ids below `place` have been put.
        unsafe { slot.loaded.publish::<M>(place) };
        // SAFETY: as above.
        unsafe { slot.cursor.set(cursor) };
        let some = place > start;
        if some {
            slot.counters.happened::<M>(&slot.counters.zone_refills);
        }
        some
    }

    /// Notes that a page moves from one place to another; in checking modes, whether it was there. A page that was
    /// not is withheld.
    #[inline]
    pub(super) fn moves(&self, id: PageId, from: Place, to: Place) -> bool {
        if M::CHECKS {
            if self.word(id).load() != PageState::resting(from) {
                self.withhold(id, Fault::Corrupt);
                return false;
            }
            self.word(id).rest(to);
        }
        true
    }

    /// Why nothing could be got. Caches that hold pages are asked for them.
    fn dry(&self) -> ShortReason {
        if self.cached() == 0 && self.zone.free() == 0 {
            return ShortReason::Exhausted;
        }
        self.ask_caches();
        ShortReason::Cached
    }

    /// Takes pages without any slot, when all shared ones are busy: from the zone, then from the depot.
    #[cold]
    pub(crate) fn take_without_slot(
        &self,
        out: &mut [MaybeUninit<PageId>],
    ) -> (usize, Option<ShortReason>) {
        let mut cursor = 0;
        let mut got = 0;
        while got < out.len() {
            let max = out.len() - got;
            let taken = self.zone.take(&mut cursor, max, |id| {
                if self.moves(id, ZONE, ZONE) && self.leaves(id, ZONE) {
                    out[got].write(id);
                    got += 1;
                }
            });
            if taken == 0 {
                break;
            }
        }
        while got < out.len()
            && let Some(stocked) = self.depot.pop(&self.magazines, Stack::Stocked)
        {
            let hand = Hand::new::<M>(&self.magazines, stocked);
            // SAFETY: a magazine taken from the depot is the caller's, and so is a hand made of it.
            got += unsafe { self.take_from(&hand, &mut out[got..]) };
            // SAFETY: as above.
            let (stocked, left) = unsafe { (hand.put_down::<M>(&self.magazines), hand.len()) };
            let to = if left == 0 { Stack::Empty } else { Stack::Stocked };
            self.depot.push(&self.magazines, stocked, to);
        }
        if !defect!("orphans") {
            self.orphans_taken(got);
        }
        let short = (got < out.len()).then(|| self.dry());
        (got, short)
    }
}
