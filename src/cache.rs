//! Caches: a slot of its own for a thread or CPU.
//!
//! Invariant: a cache has its slot for as long as it lives.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::calls::{self, Frontend};
use crate::error::{BulkAlloc, CacheError, ExactError, PageError, ShortReason};
use crate::handle::Handle;
use crate::inner::{Core, FastAlloc, InSlot};
use crate::mode::{DefaultMode, Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{GivenUp, Order, PageId};
use crate::slot::{Slot, SlotGuard};

/// A cache of its own for a thread or CPU: the fast way to allocate and free.
///
/// `&mut self` on every call is the proof that the kernel had to demand of its callers: nobody else, and no
/// interrupt, is in the middle of the same cache. A signal handler that allocates uses a cache of its own, or the
/// pool. Dropping a cache puts its pages back.
pub struct Cache<M: Mode = DefaultMode> {
    /// The slot, which lies in the core. Before the handle: it is dropped first.
    slot: SlotGuard<'static>,
    /// What [`Frontend::owner`] says, at hand.
    owner: NonNull<Core<M>>,
    core: Handle<M>,
}

// SAFETY: a cache is used by one thread at a time (`&mut self`), whichever that is; the core is shared.
unsafe impl<M: Mode> Send for Cache<M> {}

impl<M: Mode> Cache<M> {
    /// A cache of the core, in a slot that nobody has.
    pub(crate) fn new(core: Handle<M>) -> Result<Self, CacheError> {
        let slots = &core.slots[..core.owned_slots];
        let slot = slots.iter().find_map(Slot::try_lock);
        let slot = slot.ok_or(CacheError::NoSlot { slots: slots.len() })?;
        // SAFETY: the slot lies in the core, which the handle keeps alive for longer than the guard.
        let slot = unsafe { ::core::mem::transmute::<SlotGuard<'_>, SlotGuard<'static>>(slot) };
        Ok(Cache { slot, owner: calls::owner_of(&core, core.pointer()), core })
    }

    /// The slot.
    pub(crate) fn slot_mut(&mut self) -> &mut SlotGuard<'static> {
        &mut self.slot
    }

    /// The handle.
    pub(crate) fn handle(&self) -> &Handle<M> {
        &self.core
    }

    /// Puts back into the zone all pages that the cache holds. Call it before the thread goes to sleep: nobody
    /// else can get at an owned cache's pages.
    pub fn drain(&mut self) {
        self.core.empty_slot(&mut self.slot);
    }
}

// SAFETY: the cache's handle names one core, and keeps it alive; the slot is one of that core.
unsafe impl<M: Mode> Frontend<M> for Cache<M> {
    #[inline(always)]
    fn core(&self) -> NonNull<Core<M>> {
        self.core.pointer()
    }

    #[inline(always)]
    fn owner(&self) -> NonNull<Core<M>> {
        self.owner
    }

    #[inline(always)]
    fn alloc_fast(&mut self, n: usize) -> Option<FastAlloc<'_, M>> {
        self.core.alloc_fast(&mut self.slot, n)
    }

    #[inline(always)]
    fn free_fast<'i>(&mut self, ids: GivenUp<'i>) -> Result<(), GivenUp<'i>> {
        self.core.free_fast::<InSlot>(&mut self.slot, ids)
    }

    fn begin(&mut self) {
        self.core.honour_drain_request(&mut self.slot);
    }

    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<&mut SlotGuard<'_>>) -> R) -> R {
        self.begin();
        f(&self.core, Some(&mut self.slot))
    }
}

impl<M: Mode> Drop for Cache<M> {
    fn drop(&mut self) {
        self.drain();
    }
}

calls::methods!(Cache, self, [&mut self], self);
