//! The only place that knows atomics and the only place that swaps them for loom's.
//!
//! Invariant: every word that two threads may touch is made of these types, so a model built with
//! `--cfg pagesheaf_loom` sees every access that the real build makes.

pub(crate) use atomic::Ordering;
pub(crate) use imp::{
    Atomic, SHORT, STARTS, TAG_BITS, Turn, copy_in, copy_out, entropy, fetch_ahead, own, thread_key,
};

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "pagesheaf needs 64-bit atomics, which this target does not have: build for one that has them, \
     such as any 64-bit target or ARMv7"
);

cfg_if::cfg_if! {
    if #[cfg(pagesheaf_loom)] {
        #[path = "sync/loom.rs"]
        mod imp;
    } else {
        #[path = "sync/real.rs"]
        mod imp;
    }
}

/// Whether this is the build with the deliberate defect of that name: models are shown to be able to fail with one
/// defect after another. Anything but a build for loom has none.
macro_rules! defect {
    ($name:literal) => {
        cfg!(all(pagesheaf_loom, pagesheaf_defect = $name))
    };
}
pub(crate) use defect;

/// An ordering that the deliberate defect of that name makes relaxed.
macro_rules! ordering {
    ($order:ident, $defect:literal) => {
        const {
            if $crate::sync::defect!($defect) {
                $crate::sync::Ordering::Relaxed
            } else {
                $crate::sync::Ordering::$order
            }
        }
    };
}
pub(crate) use ordering;

/// A value that one thread at a time owns, and that moves between threads with a lock or a tagged word.
///
/// It is a cell with copies in and out, so that loom can track who touches it.
pub(crate) struct Owned<T>(imp::UnsafeCell<T>);

impl<T: Copy> Owned<T> {
    /// A value nobody has touched yet.
    pub(crate) fn new(value: T) -> Self {
        Owned(imp::UnsafeCell::new(value))
    }

    /// The value.
    ///
    /// # Safety
    /// The caller has exclusive use of what this belongs to.
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> T {
        // SAFETY: no other thread writes, by the caller's exclusive use.
        self.0.with(|value| unsafe { *value })
    }

    /// Replaces the value.
    ///
    /// # Safety
    /// The caller has exclusive use of what this belongs to.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, new: T) {
        // SAFETY: no other thread reads or writes, by the caller's exclusive use.
        self.0.with_mut(|value| unsafe { *value = new });
    }
}
