//! What threads of the system do that sleep by whichever means.
//!
//! Invariant: nothing that a waker does reaches the call that woke it.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
