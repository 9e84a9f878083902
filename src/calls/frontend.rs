//! What the calls need of a cache or a pool.

use core::ptr::NonNull;

use crate::inner::{Core, FastAlloc};
use crate::mode::Mode;
use crate::page::GivenUp;
use crate::slot::SlotGuard;

/// A way into the core: an owned cache, or a pool through its shared slots.
///
/// # Safety
/// [`Self::core`] names one core for as long as the value lives, which that keeps alive; and the other
/// methods use that core.
pub(crate) unsafe trait Frontend<M: Mode> {
    /// The core.
    fn core(&self) -> NonNull<Core<M>>;

    /// What batches are compared with: the core, or nothing that a batch can have if there are no bytes to
    /// own.
    fn owner(&self) -> NonNull<Core<M>> {
        owner_of(self.shared(), self.core())
    }

    /// The fast path for `n` pages, if it may run.
    fn alloc_fast(&mut self, n: usize) -> Option<FastAlloc<'_, M>>;

    /// Frees pages, counted, as far as the fast path goes; the others come back. They are of this core.
    fn free_fast<'i>(&mut self, ids: GivenUp<'i>) -> Result<(), GivenUp<'i>>;

    /// What every call does that does not take the fast path: a cache gives up its pages if it was asked to.
    fn begin(&mut self);

    /// Calls `f` with the slot, if one is to be had, after [`Self::begin`].
    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<&mut SlotGuard<'_>>) -> R) -> R;

    /// The core, which the frontend keeps alive.
    #[inline(always)]
    fn shared<'a>(&self) -> &'a Core<M>
    where
        Self: 'a,
    {
        // SAFETY: the frontend keeps the core alive for longer than any call, by the trait's promise.
        unsafe { self.core().as_ref() }
    }
}

/// What batches of a core's pages are compared with: [`Frontend::owner`].
pub(crate) fn owner_of<M: Mode>(core: &Core<M>, pointer: NonNull<Core<M>>) -> NonNull<Core<M>> {
    if core.addresses_only { nobody() } else { pointer }
}

/// No core's address: it is not aligned.
fn nobody<M: Mode>() -> NonNull<Core<M>> {
    const { assert!(align_of::<Core<M>>() > 1) };
    const { NonNull::new(core::ptr::without_provenance_mut(1)).unwrap() }
}
