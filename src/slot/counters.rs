//! What a slot has done.
//!
//! Invariant: a count has one writer at a time, the holder of the slot, and anybody may read it.

use crate::mode::Mode;
use crate::sync::{Atomic, Ordering, load_exclusive, ordering};

/// A counter with one writer at a time, which others may read.
pub(crate) struct Count(Atomic<u64>);

impl Count {
    fn new() -> Self {
        Count(Atomic::new(0))
    }

    /// Adds; the caller holds the slot.
    #[inline(always)]
    pub(crate) fn add(&self, n: u64) {
        // SAFETY: the slot's holder is the only writer, and the lock orders one after the other.
        let value = unsafe { load_exclusive(&self.0) };
        // Relaxed, and no read-modify-write: readers want a number.
        self.0.store(value.wrapping_add(n), Ordering::Relaxed);
    }

    /// Adds; whoever sees it sees what the caller did, and saw, before. The caller holds the slot.
    #[inline(always)]
    pub(crate) fn add_after(&self, n: u64) {
        // SAFETY: as in `add`.
        let value = unsafe { load_exclusive(&self.0) };
        // Release: pairs with the Acquire of `get_first`.
        self.0.store(value.wrapping_add(n), ordering!(Release, "count-order"));
    }

    /// The count, as of about now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The count, before whatever the caller looks at next.
    pub(crate) fn get_first(&self) -> u64 {
        // Acquire: pairs with the Release of `add_after`; and later loads stay behind it.
        self.0.load(Ordering::Acquire)
    }
}

/// What a slot has done. The first two, which lie first, are kept in every mode: they say how many pages are out. So
/// is the last one.
#[repr(C)]
pub(crate) struct Counters {
    pub(crate) allocated: Count,
    pub(crate) freed: Count,
    pub(crate) alloc_calls: Count,
    pub(crate) free_calls: Count,
    pub(crate) short: Count,
    pub(crate) depot_refills: Count,
    pub(crate) shared_refills: Count,
    pub(crate) zone_refills: Count,
    pub(crate) depot_flushes: Count,
    pub(crate) zone_flushes: Count,
    pub(crate) poison_checks: Count,
    pub(crate) idle_refills: Count,
    pub(crate) failed_exact: Count,
    /// Pages that drops have brought, counted before others can have them. The slot's `dropped` follows when the drop
    /// is done.
    pub(crate) brought: Count,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Counters {
            allocated: Count::new(),
            freed: Count::new(),
            alloc_calls: Count::new(),
            free_calls: Count::new(),
            short: Count::new(),
            depot_refills: Count::new(),
            shared_refills: Count::new(),
            zone_refills: Count::new(),
            depot_flushes: Count::new(),
            zone_flushes: Count::new(),
            poison_checks: Count::new(),
            idle_refills: Count::new(),
            failed_exact: Count::new(),
            brought: Count::new(),
        }
    }

    /// A call allocated `n` pages. Who sees that sees also the frees that came before.
    #[inline(always)]
    pub(crate) fn count_alloc<M: Mode>(&self, n: usize) {
        self.allocated.add_after(n as u64);
        self.count_event::<M>(&self.alloc_calls);
    }

    /// A call frees `n` pages: before others can have them.
    #[inline(always)]
    pub(crate) fn count_free<M: Mode>(&self, n: usize) {
        self.freed.add(n as u64);
        self.count_event::<M>(&self.free_calls);
    }

    /// Something that only statistics want to know.
    #[inline(always)]
    pub(crate) fn count_event<M: Mode>(&self, what: &Count) {
        if M::STATS {
            what.add(1);
        }
    }

    /// Pages allocated and not freed here: below zero where pages come from other caches.
    pub(crate) fn balance(&self) -> u64 {
        self.allocated.get().wrapping_sub(self.freed.get())
    }
}
