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
use crate::slot::{Slot, SlotGuard, SlotMut};

/// A cache of its own for a thread or CPU: the fast way to allocate and free.
///
/// `&mut self` on every call is the proof that the kernel had to demand of its callers: nobody else, and no
/// interrupt, is in the middle of the same cache. A signal handler that allocates uses a cache of its own, or the
/// pool. Dropping a cache puts its pages back.
pub struct Cache<M: Mode = DefaultMode> {
    /// The slot, which lies in the core. Before the handle: it is dropped first.
    slot: SlotGuard<'static>,
    home: Home<M>,
}

/// Whose slot a cache has.
struct Home<M: Mode> {
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
        let owner = calls::owner_of(&core, core.pointer());
        Ok(Cache { slot, home: Home { owner, core } })
    }

    /// The slot.
    pub(crate) fn slot_mut(&mut self) -> SlotMut<'_> {
        self.slot.as_mut()
    }

    /// The handle.
    pub(crate) fn handle(&self) -> &Handle<M> {
        &self.home.core
    }

    /// Puts back into the zone all pages that the cache holds. Call it before the thread goes to sleep: nobody
    /// else can get at an owned cache's pages.
    pub fn drain(&mut self) {
        self.home.core.empty_slot(self.slot.as_mut());
    }
}

// SAFETY: the cache's handle names one core, and keeps it alive; the slot is one of that core.
unsafe impl<M: Mode> Frontend<M> for &mut Cache<M> {
    type Reborrowed<'b>
        = &'b mut Cache<M>
    where
        Self: 'b;

    #[inline(always)]
    fn reborrow(&mut self) -> &mut Cache<M> {
        self
    }

    #[inline(always)]
    fn core(&self) -> NonNull<Core<M>> {
        self.home.core.pointer()
    }

    #[inline(always)]
    fn owner(&self) -> NonNull<Core<M>> {
        self.home.owner
    }

    #[inline(always)]
    fn alloc_fast(&mut self, n: usize) -> Option<FastAlloc<'_, M>> {
        self.home.core.alloc_fast(self.slot.as_mut(), n)
    }

    #[inline(always)]
    fn free_fast<'i>(&mut self, ids: GivenUp<'i>) -> Result<(), GivenUp<'i>> {
        self.home.core.free_fast::<InSlot>(self.slot.as_mut(), ids)
    }

    fn begin(&mut self) {
        self.home.core.honour_drain_request(self.slot.as_mut());
    }

    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        self.begin();
        f(&self.home.core, Some(self.slot.as_mut()))
    }
}

impl<M: Mode> Drop for Cache<M> {
    fn drop(&mut self) {
        self.drain();
    }
}

calls::methods!(Cache, self, [&mut self], self);
