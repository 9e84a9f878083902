//! Without `std` no thread of the system sleeps here: only tasks wait.

use core::num::NonZero;
use core::sync::atomic::AtomicU32;
use core::time::Duration;

/// Nobody has one.
#[allow(dead_code, reason = "a name that the arms of `sync` pass on")]
pub(crate) enum Deadline {}

/// Nobody sleeps.
pub(crate) fn sleep(_word: &AtomicU32, _seen: u32, _bits: NonZero<u32>, _most: Duration) {}

/// Nobody sleeps.
pub(crate) fn wake(_word: &AtomicU32, _bits: NonZero<u32>) {}

/// Lets others run, as far as there is a way.
pub(crate) fn pause() {
    core::hint::spin_loop();
}

/// Runs a waker's code. Without `std` a panic is not caught.
pub(crate) fn calmly(f: impl FnOnce()) {
    f();
}
