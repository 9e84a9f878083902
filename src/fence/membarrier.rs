//! Fences on other threads, by the system: on Linux a thread's call of `membarrier` makes every running thread of its
//! process execute a full fence, so that those need none of the processor's themselves.
//!
//! Invariant: a fence that was not made is reported as such. The system may refuse at any time: an old kernel, a
//! filter of system calls that was put up meanwhile.

use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};

/// A light fence need not be one of the processor's.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) const LIGHT: bool = true;

/// Tells the system that this process will make fences: it refuses them otherwise. A forked child has what its parent
/// told. Says whether the system agreed.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn register() -> bool {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

/// Makes every other thread of the process execute a full fence between the call and its return. Says whether it did.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn all_threads() -> bool {
    match membarrier(MembarrierCommand::PrivateExpedited) {
        Ok(()) => true,
        // Nobody has told the system yet, or it refuses.
        Err(Errno::PERM) => register() && membarrier(MembarrierCommand::PrivateExpedited).is_ok(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::membarrier_query;

    use super::*;

    /// Where the system says that it has the call.
    #[test]
    fn a_system_that_can_fence_does() {
        if membarrier_query().contains_command(MembarrierCommand::PrivateExpedited) {
            assert!(register() && all_threads());
        }
    }
}
