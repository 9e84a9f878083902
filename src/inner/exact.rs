//! All or none: allocations that take every page that is wanted, or nothing.
//!
//! Invariant: a try that cannot succeed takes nothing. What a try took and cannot use goes into the zone, and a
//! failed try is counted as that and as nothing else. Tries for more than a cache serves go one at a time, by a
//! turn that orders them and guards nothing: whoever goes on without it is no less sound.

use core::mem::MaybeUninit;

use super::reading::Reach;
use super::{Core, Faults};
use crate::depot::Stack;
use crate::error::{Call, ShortReason};
use crate::mode::Mode;
use crate::page::{GivenUp, PageId, written_mut};
use crate::slot::{Slot, SlotMut};
use crate::sync::{Atomic, Ordering, PATIENCE, defect};
use crate::zone::Floor;

/// Whose turn it is: `number | tries that found it taken | whether it is taken`.
pub(crate) struct ExactTurn(Atomic<u64>);

const TAKEN: u64 = 1;
const MISSED: u64 = 2;
const NUMBER: u64 = 1 << 32;

/// A turn, until it is dropped.
pub(crate) struct MyTurn<'a> {
    turn: &'a ExactTurn,
    number: u64,
}

impl ExactTurn {
    pub(crate) fn new() -> Self {
        ExactTurn(Atomic::new(0))
    }

    /// The turn, if nobody has it. Who found it taken as often as [`PATIENCE`] says, all tries together, takes it over:
    /// its holder stands still, or is gone.
    pub(crate) fn try_take(&self) -> Option<MyTurn<'_>> {
        let word = self.0.load(Ordering::Relaxed);
        let missed = word % NUMBER / MISSED;
        if word & TAKEN != 0 && missed < PATIENCE && !defect!("exact-turn") {
            // Relaxed: a figure. Of two that miss it at once one is enough.
            let (old, new) = (word, word + MISSED);
            let _ = self.0.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
            return None;
        }
        let number = (word / NUMBER).wrapping_add(1) % NUMBER;
        let taken = (number * NUMBER) | TAKEN;
        // Relaxed: it orders tries, and no memory; here and below.
        let relaxed = Ordering::Relaxed;
        let took = self.0.compare_exchange(word, taken, relaxed, relaxed);
        took.is_ok().then_some(MyTurn { turn: self, number })
    }

    /// Takes the turn from whoever has it; the caller is alone.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Drop for MyTurn<'_> {
    /// Gives the turn back, unless somebody took it over.
    fn drop(&mut self) {
        let MyTurn { turn: ExactTurn(word), number } = self;
        let mut seen = word.load(Ordering::Relaxed);
        while seen / NUMBER == *number {
            let (free, relaxed) = (*number * NUMBER, Ordering::Relaxed);
            match word.compare_exchange(seen, free, relaxed, relaxed) {
                Ok(_) => return,
                Err(current) => seen = current,
            }
        }
    }
}

impl<M: Mode> Core<M> {
    /// Allocates `out.len()` pages, which are all written then and the caller's, or none: then how many could be
    /// had, and why not more. For a call of this name.
    #[cold]
    #[inline(never)]
    pub(crate) fn alloc_exact(
        &self,
        mut slot: Option<SlotMut<'_>>,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
        call: Call,
    ) -> Result<(), (usize, ShortReason)> {
        let want = out.len();
        // Who waits then has not failed.
        let counts = call == Call::AllocBulkExact;
        let answer = match &mut slot {
            Some(slot) if self.has_to_answer(slot) => {
                Some(self.begin_answer(slot.reborrow(), (want, want), floor))
            }
            _ => None,
        };
        let done = if answer.as_ref().is_some_and(|answer| answer.most < want) {
            Err((0, ShortReason::Busy))
        } else {
            self.take_exactly(&mut slot, out, floor, answer.is_some())
        };
        let Some(mut slot) = slot else {
            match done {
                Ok(()) => {
                    self.count_uncached_alloc(want);
                    self.end_without_slot(want);
                }
                Err(_) if counts => self.count_failed_exact(),
                Err(_) => {}
            }
            return done;
        };
        let counters = slot.counters();
        match done {
            Ok(()) => counters.count_alloc::<M>(want),
            Err(_) if counts => counters.count_event::<M>(&counters.failed_exact),
            Err(_) => {}
        }
        if let Some(answer) = answer {
            self.end_answer(slot.reborrow(), &answer, if done.is_ok() { want } else { 0 });
        }
        // More than a magazine holds, or than there are for another.
        let is_large = want > self.magazines.capacity() || 2 * want > self.pages as usize;
        if done.is_ok() && is_large {
            // So that others who want as many find them: the next call, mostly their free, files nothing here.
            if self.is_cache(slot.shared()) {
                slot.shared().requests.note_large();
            }
        }
        done
    }

    /// Takes `out.len()` pages or none. Nothing is counted yet.
    fn take_exactly(
        &self,
        slot: &mut Option<SlotMut<'_>>,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
        under_pressure: bool,
    ) -> Result<(), (usize, ShortReason)> {
        let want = out.len();
        if want == 0 {
            return Ok(());
        }
        let own = slot.as_ref().map(SlotMut::shared);
        let home = match slot {
            Some(slot) => *slot.reborrow().parts().depot,
            None => self.home_here(),
        };
        self.look_for(own, home, want, floor)?;
        // As any other call, where a magazine serves it, or there is enough for as many as can come.
        let few = want <= self.magazines.capacity()
            || self.zone.free_above(floor) / self.slots.len() >= want;
        if few && !under_pressure {
            if self.take_or_put_back(slot, out, floor).is_ok() {
                return Ok(());
            }
            // Others were quicker.
            self.look_for(own, home, want, floor)?;
        }
        let turn = self.exact_turn.try_take();
        // It guards nothing: a critical call goes on without it.
        if turn.is_none() && !self.is_critical(floor) {
            return Err((0, ShortReason::Busy));
        }
        let done = self.take_or_put_back(slot, out, floor);
        if let Err((0, _)) = done {
            self.request_pages(own);
        }
        done
    }

    /// Compares figures with what a try wants, and refuses it if they fall short. Those of all slots are added up only
    /// if what is nearest is too little: the slot, the zone, and the next magazine of each depot.
    fn look_for(
        &self,
        own: Option<&Slot>,
        home: u32,
        want: usize,
        floor: Floor,
    ) -> Result<(), (usize, ShortReason)> {
        let free = self.zone.free();
        let mut near = free - self.zone.kept(floor, free) + own.map_or(0, Slot::cached);
        let mut next =
            self.depots.from(home).map(|depot| depot.next_len(&self.magazines, Stack::Nonempty));
        while near < want
            && let Some(more) = next.next()
        {
            near += more;
        }
        if near < want {
            let reach = self.within_reach(own);
            let kept = self.zone.kept(floor, free);
            if reach.least.saturating_sub(kept) < want {
                return Err(self.refuse_exact(own, want, &reach, kept));
            }
        }
        Ok(())
    }

    /// Why a try took nothing, because fewer than `want` pages can be had, `kept` of them by others, and how many. It
    /// asks for those in others' caches if they would help.
    fn refuse_exact(
        &self,
        own: Option<&Slot>,
        want: usize,
        reach: &Reach,
        kept: usize,
    ) -> (usize, ShortReason) {
        let Reach { least, most, elsewhere } = *reach;
        let all = least + elsewhere;
        let least = least.saturating_sub(kept);
        if elsewhere > 0 && least + elsewhere >= want {
            self.request_pages(own);
        } else if least == 0 {
            self.request_drains(own);
        }
        // Those in caches would not help.
        if most + elsewhere < want {
            // What waits for tickets may be too little, too.
            let would_do = most + elsewhere + self.fenced.pages() as usize >= want;
            let why = match () {
                () if would_do => self.none_left(),
                // Too few as well, but not none.
                () if all == 0 && self.line.promised() > 0 => ShortReason::Promised,
                () => ShortReason::Exhausted,
            };
            (all, why)
        } else if most.saturating_sub(kept) + elsewhere < want {
            (least + elsewhere, ShortReason::Watermark)
        } else if elsewhere > 0 {
            (least, ShortReason::Cached)
        } else {
            // Who waits has them, or others are at work: there may be enough, or not.
            let promised = least + self.line.promised() as usize >= want;
            (least, if promised { ShortReason::Promised } else { ShortReason::Busy })
        }
    }

    /// Takes `out.len()` pages, or puts back what it got, into the zone: then how many there were, and why not more.
    /// Others may have been quicker, or pages came to lie below a watermark on the way.
    fn take_or_put_back(
        &self,
        slot: &mut Option<SlotMut<'_>>,
        out: &mut [MaybeUninit<PageId>],
        floor: Floor,
    ) -> Result<(), (usize, ShortReason)> {
        let own = slot.as_ref().map(SlotMut::shared);
        let got = match slot {
            Some(slot) => self.gather(&mut slot.reborrow().parts(), out, floor, |_| ()).0,
            None => self.gather_without_slot(out, floor),
        };
        if got == out.len() {
            return Ok(());
        }
        // Before the zone has again what this call did get.
        let why = self.why_short(own, got, floor);
        self.put_back(&mut out[..got]);
        Err((got, why))
    }

    /// Puts pages into the zone that this call has just taken, and not counted.
    pub(super) fn put_back(&self, out: &mut [MaybeUninit<PageId>]) {
        // SAFETY: `gather` wrote them, and they are this call's alone, which gives them up. Nobody has touched their
        // bytes.
        let ids = unsafe { GivenUp::new(written_mut(out)) };
        if defect!("exact-lost") {
            return;
        }
        let mut faults = Faults::default();
        let count = ids.len();
        let back = self.free_without_slot(ids, &mut faults);
        // They were free all along.
        self.uncount_given(back);
        // A page that is refused is out from now on, as if the caller had it.
        self.count_uncached_alloc(count - back);
        self.record_for_later(&faults, back, Call::AllocBulkExact);
    }
}

#[cfg(test)]
mod tests;
