//! Caches: a slot of its own for a thread or CPU.
//!
//! Invariant: a cache has its slot for as long as it lives.

use core::mem::MaybeUninit;

use crate::calls::{self, Frontend, Home};
use crate::error::{BulkAlloc, CacheError, ExactError, PageError, ShortReason};
use crate::handle::Handle;
use crate::inner::Core;
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
    /// What [`Frontend::home`] says, at hand.
    home: Home<M>,
    core: Handle<M>,
}

/// A cache's way into the core: two words, which stay in registers. A call that got the cache itself would
/// need a third one, for its slow path.
pub(crate) struct OwnSlot<'a, M: Mode> {
    slot: SlotMut<'a>,
    home: Home<M>,
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
        // Nobody has asked this cache for anything.
        slot.shared().requests.forget();
        let home = Home::of(&core);
        Ok(Cache { slot, home, core })
    }

    /// The slot.
    pub(crate) fn slot_mut(&mut self) -> SlotMut<'_> {
        self.slot.as_mut()
    }

    /// The handle.
    pub(crate) fn handle(&self) -> &Handle<M> {
        &self.core
    }

    /// The way into the core.
    #[inline(always)]
    fn front(&mut self) -> OwnSlot<'_, M> {
        OwnSlot { slot: self.slot.as_mut(), home: self.home }
    }

    /// Puts back into the zone all pages that the cache holds. Call it before the thread goes to sleep: nobody
    /// else can get at an owned cache's pages.
    pub fn drain(&mut self) {
        self.core.empty_slot(self.slot.as_mut());
    }
}

// SAFETY: both words are of one cache, whose handle names one core, and keeps it alive; the slot is one of
// that core.
unsafe impl<M: Mode> Frontend<M> for OwnSlot<'_, M> {
    #[inline(always)]
    fn home(&self) -> Home<M> {
        self.home
    }

    #[inline(always)]
    fn fast_slot(&mut self) -> Option<SlotMut<'_>> {
        Some(self.slot.reborrow())
    }

    #[inline(always)]
    fn is_asked(&self) -> bool {
        self.slot.is_asked()
    }

    fn begin(&mut self) {
        self.with_slot(|_, _| ());
    }

    #[inline]
    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        if self.is_asked() {
            let core = self.shared();
            return core.answering(self.slot.reborrow(), |slot| f(core, Some(slot)));
        }
        self.with_slot_as_is(f)
    }

    #[inline]
    fn with_slot_as_is<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        f(self.shared(), Some(self.slot.reborrow()))
    }
}

impl<M: Mode> Drop for Cache<M> {
    fn drop(&mut self) {
        self.drain();
    }
}

calls::methods!(Cache, self, [&mut self], self.front());
