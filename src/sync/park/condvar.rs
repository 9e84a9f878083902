//! How a thread sleeps until a word changes, where there is no futex: on a condition that all pools share.
//!
//! Invariant: whoever wakes only tries the lock, so that it never waits. What it misses so, the sleeper sees a little
//! later: no sleep is longer than [`SLICE`].

#[path = "threads.rs"]
mod threads;

use core::num::NonZero;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};

#[allow(unused_imports, reason = "a model has no other threads of the system")]
pub(crate) use threads::{Deadline, calmly, pause};

static LOCK: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();

/// The longest sleep.
const SLICE: Duration = Duration::from_millis(10);

/// Sleeps while the word is `seen`, at most for so long, until somebody wakes some thread.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn sleep(word: &AtomicU32, seen: u32, _bits: NonZero<u32>, most: Duration) {
    let locked = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    // Acquire: pairs with the Release of whoever changed it.
    if word.load(Ordering::Acquire) == seen {
        drop(CHANGED.wait_timeout(locked, most.min(SLICE)));
    }
}

/// Wakes the threads that sleep.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn wake(_word: &AtomicU32, _bits: NonZero<u32>) {
    drop(LOCK.try_lock());
    CHANGED.notify_all();
}
