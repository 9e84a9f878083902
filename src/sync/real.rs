//! The real arm: the `atomic` crate, without its lock-based fallback.

/// Nobody says when another thread comes between.
macro_rules! step {
    () => {};
}

/// A word that nobody else writes now.
macro_rules! peek {
    ($word:expr) => {
        $word.load(Ordering::Relaxed)
    };
}

#[path = "numbers.rs"]
mod numbers;

use core::num::NonZero;
use core::ptr;
use core::sync::atomic::{compiler_fence, fence};
use core::time::Duration;

pub(crate) use atomic::Atomic;
pub(crate) use numbers::{
    DEPOTS, DEPOTS_MAX, FETCHES_AHEAD, LONG, SHORT, STARTS, STEP, TAG_BITS, Turn, UnsafeCell,
    ZERO_BYTES, all_below, const_in_real, copy_in, copy_out, fetch_ahead, load_exclusive,
    load_gated,
};

use super::Ordering;
#[allow(unused_imports, reason = "without `std` nobody waits until some time")]
pub(crate) use crate::park::Deadline;

// Where there are none at all, the module above says so, and this would add what does not help.
#[cfg(target_has_atomic = "64")]
const _: () = assert!(
    Atomic::<u32>::is_lock_free() && Atomic::<u64>::is_lock_free(),
    "pagesheaf needs lock-free 32-bit and 64-bit atomics, and a `u64` that is aligned to 8 bytes: on 32-bit x86, \
     where it is aligned to 4, the `atomic` crate has none. Build for x86_64"
);

/// A number that differs from run to run where addresses do.
pub(crate) fn entropy<T>(of: *const T) -> u64 {
    of.addr() as u64
}

/// There are defects in models only.
#[inline(always)]
pub(crate) const fn has_defect(_: &str) -> bool {
    false
}

/// What tells the calling thread from all others that live; 0 where nothing does.
#[inline(always)]
pub(crate) fn thread_key() -> usize {
    static NEXT: Atomic<u32> = Atomic::new(1);
    // Relaxed: only the number matters.
    crate::hint::thread_key(|| NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The light one of two fences that pair: the compiler's only, where the heavy one makes up for it.
#[inline(always)]
pub(crate) fn light_fence() {
    if crate::fence::LIGHT {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Between a store that gives something up and a look at who waits for it: only the compiler's. Until the store has
/// come to all, which takes as long as the processor's store buffer holds it, who waits may not see it: so that one
/// looks [`LOOKS`] times.
#[inline(always)]
pub(crate) fn brief_fence() {
    compiler_fence(Ordering::SeqCst);
}

/// How often in a row a task looks again at once, because others are in the middle of calls. One that stands still
/// there is not waited for: it tells as it goes on.
pub(crate) const LOOKS: u32 = 64;

/// A fence of this thread.
pub(super) fn full_fence() {
    fence(Ordering::SeqCst);
}

/// Makes every other thread that makes light fences execute a full one, by the system. Says whether it did.
pub(crate) fn fence_all_threads() -> bool {
    crate::fence::all_threads()
}

/// Tells the system that it will be asked to. It may refuse, now or then.
pub(crate) fn register_fences() {
    _ = crate::fence::register();
}

/// How often tries meet one that stands still before one takes its turn over.
pub(crate) const PATIENCE: u64 = 1024;

/// Whether each read-modify-write is a full fence of the processor's.
const UPDATES_FENCE: bool = cfg!(all(target_arch = "x86_64", not(miri)));

/// A full fence behind a read-modify-write that acquires: what was published by it is seen by who comes to wait, or
/// that one is seen by what is loaded next. Where the processor's read-modify-writes are such fences it is there
/// already: no compiler moves a load before one that acquires.
#[inline(always)]
pub(crate) fn publish_fence() {
    if !UPDATES_FENCE {
        fence(Ordering::SeqCst);
    }
}

/// The full fence of who comes to wait, which pairs with [`publish_fence`].
pub(crate) fn wait_fence() {
    fence(Ordering::SeqCst);
}

/// The word, as the system takes it.
fn as_futex(word: &Atomic<u32>) -> &core::sync::atomic::AtomicU32 {
    // SAFETY: `Atomic<u32>` is transparent over a cell of a `u32`, aligned as one.
    unsafe { &*ptr::from_ref(word).cast() }
}

/// Wakes the threads that sleep on the word for one of `bits`.
pub(crate) fn wake_threads(word: &Atomic<u32>, bits: NonZero<u32>) {
    crate::park::wake(as_futex(word), bits);
}

/// Sleeps while the word is `seen`, at most for so long, or until somebody wakes one of `bits`.
pub(crate) fn sleep_on(word: &Atomic<u32>, seen: u32, bits: NonZero<u32>, most: Duration) {
    crate::park::sleep(as_futex(word), seen, bits, most);
}

/// Lets others run, while a lock is in the hands of one of them.
pub(crate) fn pause() {
    crate::park::pause();
}
