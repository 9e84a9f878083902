//! For how long nobody has allocated through a slot.
//!
//! Invariant: upkeep alone writes it, one thread at a time, and it is a figure only: all is relaxed.

use crate::sync::{Atomic, Ordering};

/// What upkeep remembers of a slot.
pub(crate) struct Quiet {
    /// What had been allocated when the last period ended.
    allocated: Atomic<u64>,
    /// In so many periods up to then it had not changed.
    periods: Atomic<u64>,
}

impl Quiet {
    pub(super) fn new() -> Self {
        Quiet { allocated: Atomic::new(0), periods: Atomic::new(0) }
    }

    /// A period ends, and this is what has been allocated.
    pub(crate) fn end_period(&self, allocated: u64) {
        let same = self.allocated.load(Ordering::Relaxed) == allocated;
        let periods = if same { self.periods().saturating_add(1) } else { 0 };
        self.allocated.store(allocated, Ordering::Relaxed);
        self.periods.store(periods, Ordering::Relaxed);
    }

    /// In how many of the last periods nobody has allocated through the slot.
    pub(crate) fn periods(&self) -> u64 {
        self.periods.load(Ordering::Relaxed)
    }
}
