//! When pages were allocated: by how many calls there were, where the system has no clock.
//!
//! Invariant: a moment is never 0, and each is another one.

use crate::history::Age;
use crate::sync::{Atomic, Ordering};

/// How many moments were asked for.
pub(crate) struct Clock(Atomic<u64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Clock(Atomic::new(0))
    }

    /// Now. Relaxed, here and below: no memory depends on it.
    pub(crate) fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How long ago a moment was.
    pub(crate) fn since(&self, moment: u64) -> Age {
        Age::Calls(self.0.load(Ordering::Relaxed).saturating_sub(moment))
    }
}
