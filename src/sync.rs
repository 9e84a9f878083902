//! The only place that knows atomics and the only place that swaps them for loom's or shuttle's.
//!
//! Invariant: every word that two threads may touch is made of these types, so a model built with
//! `--cfg pagesheaf_loom`, or a program with `--cfg pagesheaf_shuttle`, sees every access that the
//! real build makes.

#[cfg(test)]
mod tests;
mod zeroed;

pub(crate) use atomic::Ordering;
#[allow(unused_imports, reason = "without `std` nobody waits until some time")]
pub(crate) use imp::Deadline;
pub(crate) use imp::{
    Atomic, DEPOTS, DEPOTS_MAX, FETCHES_AHEAD, LONG, LOOKS, PATIENCE, SHORT, STARTS, STEP,
    TAG_BITS, Turn, ZERO_BYTES, all_below, brief_fence, const_in_real, copy_in, copy_out, entropy,
    fence_all_threads, fetch_ahead, has_defect, light_fence, load_exclusive, load_gated, pause,
    publish_fence, register_fences, sleep_on, thread_key, wait_fence, wake_threads,
};
pub(crate) use zeroed::{Zeroed, zeroed};

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "pagesheaf needs 64-bit atomics, which this target does not have: build for one that has them, \
     such as any 64-bit target or ARMv7"
);

cfg_if::cfg_if! {
    if #[cfg(pagesheaf_loom)] {
        #[path = "sync/loom.rs"]
        mod imp;
    } else if #[cfg(pagesheaf_shuttle)] {
        #[path = "sync/shuttle.rs"]
        mod imp;
    } else {
        #[path = "sync/real.rs"]
        mod imp;
    }
}

/// Whether this is a run with the deliberate defect of that name: models are shown to be able to fail with one defect
/// after another. Anything but a build for loom, or for shuttle, has none.
macro_rules! defect {
    ($name:literal) => {
        $crate::sync::has_defect($name)
    };
}
pub(crate) use defect;

/// An ordering that the deliberate defect of that name makes relaxed, or only as strong as is said.
macro_rules! ordering {
    ($order:ident, $defect:literal) => {
        $crate::sync::ordering!($order, $defect, Relaxed)
    };
    ($order:ident, $defect:literal, $weaker:ident) => {
        if $crate::sync::defect!($defect) {
            $crate::sync::Ordering::$weaker
        } else {
            $crate::sync::Ordering::$order
        }
    };
}
pub(crate) use ordering;

/// Proof that a heavy fence was made: of this thread, and of every other that makes light ones.
///
/// Of two threads, one that stores, makes a light fence and loads, and one that stores, makes a heavy fence and loads,
/// at least one sees what the other stored.
pub(crate) struct Fenced(());

/// Makes a heavy fence. `all_threads` makes each other thread execute a full fence, and says whether it did.
pub(crate) fn heavy_fence(all_threads: impl FnOnce() -> bool) -> Option<Fenced> {
    imp::full_fence();
    let done = all_threads();
    imp::full_fence();
    done.then_some(Fenced(()))
}

/// A value that one thread at a time has to itself: it moves between threads with a lock.
pub(crate) struct ExclusiveCell<T>(imp::UnsafeCell<T>);

impl<T> ExclusiveCell<T> {
    const_in_real! {
        /// A value that nobody has touched yet.
        pub(crate) fn new(value: T) -> Self {
            ExclusiveCell(imp::UnsafeCell::new(value))
        }
    }

    /// The value, to read. The model checker sees a read at the moment of the call.
    ///
    /// # Safety
    /// Nobody changes the value for as long as the reference lives.
    #[track_caller]
    pub(crate) unsafe fn get(&self) -> &T {
        let value = self.0.with(|value| value);
        // SAFETY: nobody writes the value meanwhile, by the caller's promise.
        unsafe { &*value }
    }

    /// The value, to change. The model checker sees a write at the moment of the call.
    ///
    /// # Safety
    /// The caller has what the value belongs to for itself, for as long as the reference lives.
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "the caller vouches for it")]
    pub(crate) unsafe fn get_mut(&self) -> &mut T {
        let value = self.0.with_mut(|value| value);
        // SAFETY: nobody else reads or writes the value meanwhile, by the caller's promise.
        unsafe { &mut *value }
    }
}
