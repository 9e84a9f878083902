//! Every count of a core: where pages are, and what was wrong.
//!
//! Invariant: pages out = Σ over slots (allocated − freed − dropped) + the uncached balance. Each page that
//! leaves or comes back is counted once: in the slot that it went through, by its drop, or in the balance of
//! those that went through none (`lifecycle`).

use super::Core;
use super::alarm::Cause;
use crate::error::BadPage;
use crate::mode::{Mode, ModeFlags, Policy};
use crate::page::{Fault, PageId};
use crate::slot::Slot;
use crate::sync::{Atomic, Ordering, ordering};

/// The figures that no slot keeps.
pub(crate) struct PoolCounters {
    /// Pages allocated without a slot, less those freed so; see `lifecycle`.
    pub(super) uncached_balance: Atomic<u64>,
    /// Live handles.
    pub(crate) handles: Atomic<u64>,
    /// Pages allocated without a slot, ever.
    pub(super) taken: Atomic<u64>,
    /// Pages freed without a slot, counted before others can have them; see `reading`.
    pub(super) given: Atomic<u64>,
    /// Pages lent to devices.
    pub(super) lent: Atomic<u64>,
    /// Pages withheld for good.
    pub(super) bad: Atomic<u64>,
    /// Pages that were lost to a forked child; see `fork`.
    pub(super) lost: Atomic<u64>,
    /// Faults seen.
    faults: Atomic<u64>,
    /// All-or-none allocations without a slot that got none.
    failed_exact: Atomic<u64>,
    /// Poisoned pages that were looked at without a slot.
    poison_checks: Atomic<u64>,
    /// Pages freed without a slot that were looked at for whether it is their turn to be poisoned.
    pub(super) poison_turns: Atomic<u64>,
}

impl PoolCounters {
    /// Those of a new pool, with one handle.
    pub(super) fn new() -> Self {
        PoolCounters {
            uncached_balance: Atomic::new(super::lifecycle::LIVE),
            handles: Atomic::new(1),
            taken: Atomic::new(0),
            given: Atomic::new(0),
            lent: Atomic::new(0),
            bad: Atomic::new(0),
            lost: Atomic::new(0),
            faults: Atomic::new(0),
            failed_exact: Atomic::new(0),
            poison_checks: Atomic::new(0),
            poison_turns: Atomic::new(0),
        }
    }
}

/// The bad pages of a call.
#[derive(Default)]
pub(crate) struct Faults {
    /// The first one, its position and what was wrong.
    pub(crate) first: Option<(PageId, usize, Fault)>,
    /// How many.
    pub(crate) count: usize,
    /// A bit for each bad position below 256.
    bad: [u64; 4],
    /// How many pages of the call came before those that are looked at now.
    before: usize,
}

impl Faults {
    /// No faults yet, of a call whose first pages have been seen to.
    pub(crate) fn after(before: usize) -> Self {
        Faults { before, ..Faults::default() }
    }

    /// Adds those of another part of the call, whose positions are the call's.
    pub(crate) fn merge(&mut self, other: Faults) {
        let first = self.first.take().into_iter().chain(other.first);
        self.first = first.min_by_key(|(_, position, _)| *position);
        self.count += other.count;
        self.bad.iter_mut().zip(other.bad).for_each(|(bits, more)| *bits |= more);
    }

    /// As [`Self::merge`], of a part whose pages stood at `positions` of the call: fewer than 256.
    pub(crate) fn merge_from(&mut self, mut other: Faults, positions: &[usize]) {
        if let Some((_, at, _)) = &mut other.first {
            *at = positions[*at];
        }
        let bad = core::mem::take(&mut other.bad);
        for (at, &position) in positions.iter().enumerate() {
            if bad[at / 64] >> (at % 64) & 1 == 1 {
                other.mark(position);
            }
        }
        self.merge(other);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, page: PageId, position: usize, fault: Fault) {
        self.first.get_or_insert((page, self.before + position, fault));
        self.count += 1;
        self.mark(self.before + position);
    }

    /// A bit for each bad position below 256.
    pub(super) fn positions(&self) -> [u64; 4] {
        self.bad
    }

    fn mark(&mut self, position: usize) {
        if let Some(bits) = self.bad.get_mut(position / 64) {
            *bits |= 1 << (position % 64);
        }
    }
}

impl<M: Mode> Core<M> {
    /// Pages allocated and not freed, by the slots that they went through.
    pub(super) fn slot_balance(&self) -> u64 {
        self.slots.iter().fold(0, |sum, slot| sum.wrapping_add(slot.counters.balance()))
    }

    /// Counts pages allocated without a slot; a handle is alive.
    pub(super) fn count_uncached_alloc(&self, n: usize) {
        // Release: pairs with the Acquire of a reading, which then sees the frees that came before.
        self.counters.taken.fetch_add(n as u64, ordering!(Release, "count-order"));
        // Relaxed: the handle keeps the core alive, and its release orders this before the closing.
        self.counters.uncached_balance.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Counts pages freed without a slot, while a handle is alive; they have been [given](Self::count_given).
    pub(crate) fn count_uncached_free(&self, n: usize) {
        // Relaxed: as above.
        self.counters.uncached_balance.fetch_sub(n as u64, Ordering::Relaxed);
    }

    /// Pages that are out, lent ones included, as of about now: a sum of figures from different moments.
    pub(crate) fn out(&self) -> u64 {
        let balance = self.slot_balance();
        // Acquire: pairs with the Release of droppers, so that what they freed can be found after this;
        // here and below.
        let dropped = self.slots.iter().map(|slot| slot.dropped.load(Ordering::Acquire));
        let uncached = self.counters.uncached_balance.load(Ordering::Acquire);
        let uncached = uncached.wrapping_sub(super::lifecycle::LIVE);
        balance.wrapping_add(uncached).wrapping_sub(dropped.sum())
    }

    /// Pages allocated without a cache.
    pub(crate) fn allocated_uncached(&self) -> u64 {
        self.counters.taken.load(Ordering::Relaxed)
    }

    /// Pages freed without a cache; while a handle is alive.
    pub(crate) fn dropped(&self) -> u64 {
        let dropped: u64 = self.slots.iter().map(|it| it.dropped.load(Ordering::Relaxed)).sum();
        let uncached = self.counters.uncached_balance.load(Ordering::Relaxed);
        // Of pages without a slot: those allocated, less those freed.
        let balance = uncached.wrapping_sub(super::lifecycle::LIVE);
        let freed = (dropped + self.allocated_uncached()).wrapping_sub(balance);
        // The counts are of different moments.
        (freed as i64).max(0) as u64
    }

    /// How many pages all magazines hold, as of about now.
    pub(crate) fn cached(&self) -> usize {
        // Shared slots come last, and first here: a magazine that goes from one of them to a cache is not
        // missed.
        let loaded = || self.slots.iter().rev().map(Slot::cached).sum::<usize>();
        let all = self.magazines.total() + if M::CHECKS { 0 } else { loaded() };
        all.saturating_sub(self.fenced.pages() as usize)
    }

    /// Pages lent to devices. Never below zero, also where a mode that does not check believed that a page
    /// was lent.
    pub(crate) fn lent(&self) -> u64 {
        (self.counters.lent.load(Ordering::Relaxed) as i64).max(0) as u64
    }

    pub(crate) fn count_lent(&self, n: usize) {
        self.counters.lent.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_reclaimed(&self, n: usize) {
        self.counters.lent.fetch_sub(n as u64, Ordering::Relaxed);
    }

    /// Pages withheld for good.
    pub(crate) fn bad(&self) -> u64 {
        // Acquire: pairs with the Release of who withheld a page, for a reading.
        self.counters.bad.load(Ordering::Acquire)
    }

    /// Pages that are nowhere, and that nobody has, since the process was forked.
    pub(crate) fn lost(&self) -> u64 {
        self.counters.lost.load(Ordering::Relaxed)
    }

    /// Faults seen, and stacks of depots that were cut off.
    pub(crate) fn faults(&self) -> u64 {
        self.counters.faults.load(Ordering::Relaxed) + self.cuts()
    }

    /// Stacks of depots, and queues of fences, that were cut off.
    pub(crate) fn cuts(&self) -> u64 {
        self.depots.cuts() + self.fenced.cuts()
    }

    /// Pages whose memory the system has been given back, ever.
    pub(crate) fn purged(&self) -> u64 {
        self.upkeep.purged()
    }

    /// Poisoned pages that were looked at when they left.
    pub(crate) fn poison_checks(&self) -> u64 {
        let slots = self.slots.iter().map(|slot| slot.counters.poison_checks.get());
        self.counters.poison_checks.load(Ordering::Relaxed) + slots.sum::<u64>()
    }

    /// All-or-none allocations without a slot that got none.
    pub(crate) fn failed_exact_without_slot(&self) -> u64 {
        self.counters.failed_exact.load(Ordering::Relaxed)
    }

    pub(super) fn count_failed_exact(&self) {
        if M::STATS {
            self.counters.failed_exact.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_uncached_poison_checks(&self, n: u64) {
        if M::POISONS && M::STATS {
            self.counters.poison_checks.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub(super) fn count_faults(&self, n: usize) {
        self.counters.faults.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Counts a page that is withheld, and why.
    pub(super) fn count_withheld(&self, page: PageId, why: Fault) {
        // Release: pairs with the Acquire in `bad`; here and below.
        self.counters.bad.fetch_add(1, Ordering::Release);
        self.alarm_later(Cause::Of(page, why));
    }

    /// Counts a page that is withheld and that no word names.
    pub(super) fn count_bad(&self) {
        self.counters.bad.fetch_add(1, Ordering::Release);
        self.count_corruption();
    }

    /// Counts something that was corrupted, and made good without the loss of a page.
    pub(super) fn count_corruption(&self) {
        self.alarm_later(Cause::Nameless);
    }

    /// The pages that are withheld, in modes that withhold any.
    pub(crate) fn bad_pages(&self) -> impl Iterator<Item = BadPage> {
        let pages = (0..self.words.len() + self.marks.len()).map(|index| PageId::new(index as u32));
        pages.filter_map(|page| {
            let (fault, mode) = (self.withheld(page)?, ModeFlags::of::<M>());
            Some(BadPage { page, fault, mode, trail: self.tracker.trail(page) })
        })
    }
}
