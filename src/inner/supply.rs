//! Supply for those who wait: where pages reach a depot or the zone they are told, and caches give up what they hold.
//!
//! Invariant: whoever publishes pages makes a fence, and looks at the line's word when its call has ended: nothing is
//! held then, so that a waker may do what it likes. While somebody waits, all slots are marked: no fast path runs, what
//! calls file goes into the zone as they end, and the mark goes when nobody waits any more. Who waits has had each
//! shared slot once after marking it, or has found it in the hands of a call, which looks whether somebody waits when
//! it has given it up: so no page is left in one unseen.

use core::mem::MaybeUninit;

use super::Core;
use crate::depot::Stack;
use crate::line::{Class, Sleeper, Spot};
use crate::mode::Mode;
use crate::page::PageId;
use crate::slot::{Slot, SlotMut};
use crate::sync::{defect, fence_all_threads, wait_fence};
use crate::zone::Floor;

/// What a look has brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    /// So many pages, which are promised to who looked.
    pub(crate) got: usize,
    /// Nothing was in somebody's hands: what comes later raises the event.
    pub(crate) clean: bool,
}

impl<M: Mode> Core<M> {
    /// A call ends that may have brought pages, and holds nothing any more: the first in line is told.
    #[inline]
    pub(crate) fn see_to_waiters(&self) {
        if self.line.is_waited_in() {
            self.tell_waiters();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_waiters(&self) {
        let depots_have = || self.depots.iter().any(|depot| depot.has(Stack::Nonempty));
        // Of this call's, who waits may have found the slot locked.
        let slots_have = || self.slots[self.owned_slots..].iter().any(|slot| slot.cached() > 0);
        if self.line.is_waited_in()
            && (self.has_for_waiters() || depots_have() || slots_have() && !defect!("supply-slots"))
            && !defect!("supply-early")
        {
            self.line.raise();
        }
    }

    /// Whether the zone has a page that somebody who waits may have.
    fn has_for_waiters(&self) -> bool {
        let floor = if self.zone.has_marks() { self.line.lowest_floor() } else { Floor::None };
        self.zone.free_above(floor) > 0
    }

    /// A cache has gone idle. If somebody waits, and it could not know of that before, its pages can be had now.
    pub(crate) fn see_idle(&self, slot: &Slot) {
        // The owner has changed this word as it went: so it sees the mark, or who makes the mark sees that it goes.
        if slot.requests.is_awaited() && slot.cached() > 0 && self.line.is_waited_in() {
            self.line.raise();
        }
    }

    /// A place in the line.
    pub(crate) fn spot(&self, class: Class, who: Sleeper, want: usize) -> Spot<'_> {
        Spot::new(&self.line, class, who, Self::floor(class, want))
    }

    /// Somebody waits from now on: whoever publishes pages sees it, or its next look sees the pages.
    pub(crate) fn come_to_wait(&self, spot: &Spot<'_>) {
        if spot.come() {
            self.mark_slots();
            wait_fence();
        }
    }

    /// What slots hold, and what calls file, is awaited.
    pub(super) fn mark_slots(&self) {
        self.slots.iter().for_each(|slot| slot.requests.ask_while_awaited());
    }

    /// Takes up to `out.len()` pages for the first in line, from wherever they can be had without waiting. They are
    /// promised then.
    pub(crate) fn look_for_waiter(&self, out: &mut [MaybeUninit<PageId>], floor: Floor) -> Looked {
        self.reap_fences_for(out.len(), floor);
        let all = self.drain_shared();
        let mut got = self.gather_without_slot(out, floor);
        if got < out.len() && self.steal_idle(|_| true, fence_all_threads) > 0 {
            got += self.gather_without_slot(&mut out[got..], floor);
        }
        self.line.promise(got);
        let mut owned = self.slots[..self.owned_slots].iter();
        Looked { got, clean: all && !owned.any(|slot| slot.is_between() && slot.cached() > 0) }
    }

    /// What was promised is its waiter's: a call of the pool.
    pub(crate) fn deliver(&self, pages: usize) {
        self.with_shared_slot_as_is(|core, slot, _| match slot {
            Some(slot) => slot.counters().count_alloc::<M>(pages),
            None => core.count_uncached_alloc(pages),
        });
        self.line.end_promise(pages);
    }

    /// Puts back what was promised, into the zone.
    pub(crate) fn break_promise(&self, out: &mut [MaybeUninit<PageId>]) {
        if !out.is_empty() && !defect!("wait-lost") {
            let pages = out.len();
            self.put_back(out);
            self.line.end_promise(pages);
            self.see_to_waiters();
        }
    }

    /// How many pages a call can ever get: those that are neither withheld nor lost, nor stay for others.
    pub(crate) fn could_be_had(&self, floor: Floor) -> usize {
        let pages = u64::from(self.pages).saturating_sub(self.bad() + self.lost());
        pages as usize - self.zone.kept(floor, pages as usize)
    }

    /// Whether somebody waits, or the reserve does, of a slot that is marked. If not, the mark goes.
    pub(super) fn is_awaited(&self, slot: &Slot) -> bool {
        let awaited = || self.line.is_waited_in() || self.is_reserve_awaited();
        awaited() || slot.requests.end_awaited(awaited)
    }

    /// Puts what a marked slot holds where those can get it who wait.
    pub(super) fn give_to_waiters(&self, slot: SlotMut<'_>) {
        if slot.shared().requests.is_awaited() && self.is_awaited(slot.shared()) {
            self.empty_slot(slot);
            self.fill_reserve();
        }
    }
}

#[cfg(test)]
mod tests;
