//! How a thread sleeps until a word changes, on Linux: by its futex, so that whoever changes the word needs no lock to
//! wake the thread, and may do so in a signal handler.
//!
//! Invariant: a thread goes to sleep only while the word is what it has seen, which the system compares. It may wake up
//! for no reason.

#[path = "threads.rs"]
mod threads;

use core::num::NonZero;
use core::sync::atomic::AtomicU32;
use core::time::Duration;

use rustix::thread::futex::{Flags, Timespec, wait_bitset, wake_bitset};
use rustix::time::{ClockId, clock_gettime};

#[allow(unused_imports, reason = "a model has no other threads of the system")]
pub(crate) use threads::{Deadline, calmly, pause};

/// Sleeps while the word is `seen`, at most for so long, until somebody wakes one of `bits`.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn sleep(word: &AtomicU32, seen: u32, bits: NonZero<u32>, most: Duration) {
    let now = clock_gettime(ClockId::Monotonic);
    let nanos = now.tv_nsec as u64 + u64::from(most.subsec_nanos());
    let seconds = most.as_secs().saturating_add(nanos / 1_000_000_000);
    let until = Timespec {
        tv_sec: now.tv_sec.saturating_add_unsigned(seconds),
        tv_nsec: (nanos % 1_000_000_000) as _,
    };
    // Whatever woke it, its caller looks.
    let _ = wait_bitset(word, Flags::PRIVATE, seen, Some(&until), bits);
}

/// Wakes the threads that sleep for one of `bits`.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn wake(word: &AtomicU32, bits: NonZero<u32>) {
    let _ = wake_bitset(word, Flags::PRIVATE, i32::MAX as u32, bits);
}
