//! Handles: what caches and pools have of a core.
//!
//! Invariant: a handle is counted and keeps the core alive.

use core::ops::Deref;
use core::ptr::NonNull;

use crate::inner::Core;
use crate::mode::Mode;
use crate::sync::Ordering;

/// A counted pointer to a core.
pub(crate) struct Handle<M: Mode>(NonNull<Core<M>>);

// SAFETY: a core is shared between threads; a handle adds only a count.
unsafe impl<M: Mode> Send for Handle<M> {}
// SAFETY: as above.
unsafe impl<M: Mode> Sync for Handle<M> {}

impl<M: Mode> Handle<M> {
    /// # Safety
    /// The core counts a handle that nobody else has.
    pub(crate) unsafe fn new(core: NonNull<Core<M>>) -> Self {
        Handle(core)
    }

    #[inline(always)]
    pub(crate) fn pointer(&self) -> NonNull<Core<M>> {
        self.0
    }
}

impl<M: Mode> Deref for Handle<M> {
    type Target = Core<M>;

    #[inline(always)]
    fn deref(&self) -> &Core<M> {
        // SAFETY: the handle keeps the core alive.
        unsafe { self.0.as_ref() }
    }
}

impl<M: Mode> Clone for Handle<M> {
    fn clone(&self) -> Self {
        // Relaxed, as in `Arc`: the new handle is made from one that is alive. 2⁶⁴ of them cannot be.
        self.counters.handles.fetch_add(1, Ordering::Relaxed);
        Handle(self.0)
    }
}

impl<M: Mode> Drop for Handle<M> {
    fn drop(&mut self) {
        // SAFETY: this is the handle, and it ends here.
        unsafe { Core::release_handle(self.0) };
    }
}
