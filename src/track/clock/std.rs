//! When pages were allocated: by the system's clock.
//!
//! Invariant: a moment is never 0, and none is before one that the same thread had earlier.

use core::time::Duration;
use std::time::Instant;

use crate::history::Age;

/// The system's monotonic clock, from when the pool was built.
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new() -> Self {
        Clock(Instant::now())
    }

    /// Now, in nanoseconds. On Linux it reads the clock without a lock: handlers may.
    pub(crate) fn now(&self) -> u64 {
        (self.0.elapsed().as_nanos() as u64).max(1)
    }

    /// How long ago a moment was.
    pub(crate) fn since(&self, moment: u64) -> Age {
        Age::Time(Duration::from_nanos(self.now().saturating_sub(moment)))
    }
}
