//! What threads of the system do that sleep by whichever means.
//!
//! Invariant: nothing that a waker does reaches the call that woke it.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// When the time of one who waits is up.
pub(crate) struct Deadline(Option<Instant>);

#[allow(dead_code, reason = "one who waits under shuttle has another clock")]
impl Deadline {
    /// So long from now; never, if that is beyond what the clock can say.
    pub(crate) fn after(timeout: Duration) -> Self {
        Deadline(Instant::now().checked_add(timeout))
    }

    /// How long it is until then.
    pub(crate) fn left(&self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// Lets others run.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn pause() {
    std::thread::yield_now();
}

/// Runs a waker's code. A panic of it ends here: whoever frees a page has nothing to do with it.
pub(crate) fn calmly(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        // Its drop may panic, too.
        core::mem::forget(panic);
    }
}
