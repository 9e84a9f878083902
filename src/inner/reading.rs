//! Readings of all counters: how many pages are neither out nor gone, at one moment.
//!
//! Invariant: a page that comes back is counted before others can have it, and one that leaves no later than its call
//! returns. All counts only grow, but where a fault is found; and whoever reads that a page left sees the count
//! of how it had come back. So the counts of two equal readings were true at a moment between them, at which a page
//! that did not count as out or gone was free, or in the middle of a call; and if there was none, no page was free.

use super::Core;
use crate::mode::Mode;
use crate::slot::{Counters, Slot};
use crate::sync::{Ordering, defect};

/// So many readings are made until two in a row are equal.
const READINGS: usize = 3;

/// What all counters say, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reading {
    /// Pages that came back.
    came: u64,
    /// Pages that left: also those withheld, lost or offline.
    left: u64,
}

/// How many pages are neither out nor withheld, lost or offline.
#[derive(Clone, Copy)]
pub(super) struct NotOut {
    /// There was a moment when there were so many at the least.
    pub(super) least: usize,
    /// So many at the most, at the moment of two equal readings: all pages, if there were no such two.
    pub(super) most: usize,
}

/// Where the pages are that are not out.
pub(super) struct Reach {
    /// So many can be had, or are in the middle of a call, at the least.
    pub(super) least: usize,
    /// At the most.
    pub(super) most: usize,
    /// So many are in others' caches.
    pub(super) elsewhere: usize,
}

/// Where pages that come back through a slot are counted: before others can have them.
pub(crate) trait FreeAccount {
    fn count<M: Mode>(counters: &Counters, pages: usize);

    /// So many of those that were counted stay out.
    fn uncount(counters: &Counters, pages: usize);
}

/// In the slot, as a call.
pub(crate) struct InSlot;

impl FreeAccount for InSlot {
    #[inline(always)]
    fn count<M: Mode>(counters: &Counters, pages: usize) {
        counters.count_free::<M>(pages);
    }

    #[cold]
    fn uncount(counters: &Counters, pages: usize) {
        counters.freed.add((pages as u64).wrapping_neg());
    }
}

/// As brought by a drop, which counts them as dropped when the slot is no longer locked: see [`Core::drop_pages`].
pub(crate) struct Dropped;

impl FreeAccount for Dropped {
    #[inline(always)]
    fn count<M: Mode>(counters: &Counters, pages: usize) {
        counters.brought.add(pages as u64);
    }

    #[cold]
    fn uncount(counters: &Counters, pages: usize) {
        counters.brought.add((pages as u64).wrapping_neg());
    }
}

impl<M: Mode> Core<M> {
    /// How many pages a call can get that can take from this slot: those that are neither out nor in the caches of
    /// others, unless these are idle. Those in the middle of a call are among them.
    pub(super) fn within_reach(&self, own: Option<&Slot>) -> Reach {
        let busy = self.others(own).filter(|slot| !slot.is_idle());
        let elsewhere = busy.map(Slot::cached).sum::<usize>();
        let NotOut { least, most } = self.not_out();
        let [least, most] = [least, most].map(|pages| pages.saturating_sub(elsewhere));
        // Those in hand of who waits cannot be had, but may come back.
        let least = least.saturating_sub(self.line.promised() as usize);
        Reach { least, most, elsewhere }
    }

    /// How many pages are neither out nor withheld, lost or offline.
    pub(super) fn not_out(&self) -> NotOut {
        let pages = |came: u64, left: u64| {
            let out = (left.wrapping_sub(came) as i64).max(0) as u64;
            u64::from(self.pages).saturating_sub(out) as usize
        };
        let mut before = self.reading();
        let mut least = 0;
        for _ in 1..READINGS {
            if defect!("one-reading") {
                return NotOut { least, most: pages(before.came, before.left) };
            }
            let now = self.reading();
            // What is looked at first misses some; what is looked at last has all of that time.
            least = pages(before.came, now.left);
            if now == before {
                return NotOut { least, most: least };
            }
            before = now;
        }
        NotOut { least, most: self.pages as usize }
    }

    /// Reads all counters. Each load comes before the next one.
    fn reading(&self) -> Reading {
        // Acquire: whoever took a page out of this count has counted it in its slot; here and below.
        let given = self.counters.given.load(Ordering::Acquire);
        let of_slots =
            |figure: fn(&Slot) -> u64| self.slots.iter().map(figure).fold(0, u64::wrapping_add);
        let brought = |slot: &Slot| match defect!("count-late") {
            true => slot.dropped.load(Ordering::Acquire),
            false => slot.counters.brought.get_first(),
        };
        let back = of_slots(|slot| slot.counters.freed.get_first()).wrapping_add(of_slots(brought));
        let came = given.wrapping_add(self.offline.came()).wrapping_add(back);
        // Acquire: pairs with the Release of who allocated without a slot.
        let taken = self.counters.taken.load(Ordering::Acquire);
        let allocated = of_slots(|slot| slot.counters.allocated.get_first());
        let gone = self.bad() + self.lost() + self.offline.went();
        Reading { came, left: gone.wrapping_add(taken).wrapping_add(allocated) }
    }

    /// Pages are about to be freed without a slot: before others can have them.
    pub(super) fn count_given(&self, n: usize) {
        // Relaxed: what publishes the pages publishes this.
        self.counters.given.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// So many of them were not, or are counted elsewhere by now.
    pub(crate) fn uncount_given(&self, n: usize) {
        // Release: pairs with the Acquire of a reading, which then sees the other count.
        self.counters.given.fetch_sub(n as u64, Ordering::Release);
    }

    /// Makes the counts agree with how many pages are out. The caller is alone.
    pub(super) fn recount_given(&self) {
        let Reading { came, left } = self.reading();
        let gone = self.bad() + self.lost() + self.offline.went();
        let counted = left.wrapping_sub(gone).wrapping_sub(came.wrapping_sub(self.offline.came()));
        // Relaxed: the caller is alone.
        self.counters.given.fetch_add(counted.wrapping_sub(self.out()), Ordering::Relaxed);
    }
}
