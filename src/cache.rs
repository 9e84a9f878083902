//! Caches: a slot of its own for a thread or CPU.
//!
//! Invariant: a cache owns its slot for as long as it lives. It has the slot whenever it is not idle, but for the
//! moment in which somebody who took from it meanwhile has not ended: then its calls go the way of a pool's. A
//! stealable one is as if idle between its calls, for who makes a heavy fence.

mod idle;

use core::mem::MaybeUninit;

use crate::calls::{self, Frontend, Home};
use crate::error::{BulkAlloc, CacheError, Call, ExactError, PageError, ShortReason};
use crate::handle::Handle;
use crate::inner::Core;
use crate::line::Class;
use crate::mode::{DefaultMode, Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{GivenUp, Order, PageId};
use crate::plan::CallKinds;
use crate::slot::{FastSlot, InCall, OwnerMut, Slot, SlotMut, SlotOwner};
use crate::tracker::{By, Caller};

pub use idle::ParkedCache;

/// A cache of its own for a thread or CPU: the fast way to allocate and free.
///
/// `&mut self` on every call is the proof that the kernel had to demand of its callers: nobody else, and no
/// interrupt, is in the middle of the same cache. A signal handler that allocates uses a cache of its own, or the
/// pool. Dropping a cache puts its pages back.
///
/// # Stealable caches
///
/// A cache that [`Pool::cache_stealable`](crate::Pool::cache_stealable) made has `true` as its second parameter.
/// [`Pool::steal_idle`](crate::Pool::steal_idle) can take its pages whenever it is in no call, also while its thread
/// sleeps somewhere and has not said so by [`idle`](Self::idle). Each of its calls marks its beginning and its end,
/// which costs two stores; it has the same calls, and nothing else differs.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1000).build()?;
/// let mut cache = pool.cache()?; // for this thread
/// let mut batch = PageBatch::new();
/// cache.alloc_bulk_exact(&mut batch, 64)?;
/// batch.iter_mut().for_each(|page| page.fill(7));
/// cache.free_bulk(&mut batch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cache<M: Mode = DefaultMode, const STEALABLE: bool = false> {
    /// The slot, which lies in the core. Before the handle: it is dropped first.
    slot: SlotOwner<'static, STEALABLE>,
    /// What [`Frontend::home`] says, at hand.
    home: Home<M>,
    core: Handle<M>,
}

/// A cache's way into the core: two words, which stay in registers. A call that got the cache itself would
/// need a third one, for its slow path.
pub(crate) struct OwnSlot<'a, M: Mode, const STEALABLE: bool> {
    slot: OwnerMut<'a, STEALABLE>,
    home: Home<M>,
    caller: Caller,
}

/// A call that is marked until it ends.
struct Marked<'a, M: Mode, const STEALABLE: bool> {
    slot: InCall<'a, STEALABLE>,
    home: Home<M>,
}

// SAFETY: a cache is used by one thread at a time (`&mut self`), whichever that is; the core is shared.
unsafe impl<M: Mode, const STEALABLE: bool> Send for Cache<M, STEALABLE> {}

impl<M: Mode, const STEALABLE: bool> Cache<M, STEALABLE> {
    /// A cache of the core, in a slot that nobody has.
    pub(crate) fn new(core: Handle<M>, name: Option<&'static str>) -> Result<Self, CacheError> {
        if core.injector.decide(CallKinds::CACHES, 0, 1).is_some() {
            return Err(CacheError::Injected);
        }
        let slots = &core.slots[..core.owned_slots];
        let slot = slots.iter().find_map(Slot::try_lock);
        let slot = slot.ok_or(CacheError::NoSlot { slots: slots.len() })?;
        slot.shared().name.set(name);
        let slot = slot.into_owner();
        // SAFETY: the slot lies in the core, which the handle keeps alive for longer than the owner.
        let slot = unsafe {
            ::core::mem::transmute::<SlotOwner<'_, STEALABLE>, SlotOwner<'static, STEALABLE>>(slot)
        };
        let home = Home::of(&core);
        Ok(Cache { slot, home, core })
    }

    /// The slot, as others see it.
    pub(crate) fn slot(&self) -> &Slot {
        self.slot.shared()
    }

    /// The slot.
    pub(crate) fn owner_mut(&mut self) -> &mut SlotOwner<'static, STEALABLE> {
        &mut self.slot
    }

    /// The number of the cache, from 0: that of its slot, under which reports name it
    /// ([`Pool::holders`](crate::Pool::holders), [`Pool::per_cache`](crate::Pool::per_cache)). A later cache may
    /// have it again.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let (first, second) = (pool.cache()?, pool.cache()?);
    /// assert_eq!((first.number(), second.number()), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn number(&self) -> usize {
        let first = self.core.slots.as_ptr().addr();
        (core::ptr::from_ref(self.slot()).addr() - first) / size_of::<Slot>()
    }

    /// The name of the cache, if it has one: see [`Pool::cache_named`](crate::Pool::cache_named).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let rx = pool.cache_named("rx").build()?;
    /// assert_eq!((rx.name(), pool.cache()?.name()), (Some("rx"), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.slot().name.get()
    }

    /// The handle.
    pub(crate) fn handle(&self) -> &Handle<M> {
        &self.core
    }

    /// A call of a stealable cache, which ends with the result.
    #[inline(always)]
    fn enter(&mut self) -> Marked<'_, M, STEALABLE> {
        Marked { slot: self.slot.enter(), home: self.home }
    }

    /// The way into the core, of a plain cache.
    #[inline(always)]
    #[cfg_attr(feature = "track", track_caller)]
    fn front(&mut self) -> OwnSlot<'_, M, STEALABLE> {
        OwnSlot { slot: self.slot.unmarked(), home: self.home, caller: Caller::here() }
    }

    /// Puts back into the zone all pages that the cache holds, so that blocks can form again. Before the thread goes
    /// to sleep, [`idle`](Self::idle) is cheaper: the pages stay, and others can have them.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let mut cache = pool.cache()?;
    /// drop(cache.alloc()?);
    /// cache.drain();
    /// assert_eq!(pool.holders().filter(|holder| holder.number == cache.number()).count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&mut self) {
        if let Some(slot) = self.slot.enter().as_mut().take_back() {
            self.core.answering(slot, |core, slot| {
                slot.map(|slot| core.empty_slot(slot));
            });
        }
        self.core.conclude(Call::Drain);
    }
}

impl<M: Mode, const STEALABLE: bool> Marked<'_, M, STEALABLE> {
    /// The way into the core.
    #[inline(always)]
    #[cfg_attr(feature = "track", track_caller)]
    fn front(&mut self) -> OwnSlot<'_, M, STEALABLE> {
        OwnSlot { slot: self.slot.as_mut(), home: self.home, caller: Caller::here() }
    }
}

// SAFETY: both words are of one cache, whose handle names one core, and keeps it alive; the slot is one of
// that core.
unsafe impl<M: Mode, const STEALABLE: bool> Frontend<M> for OwnSlot<'_, M, STEALABLE> {
    const OWNS_SLOT: bool = true;
    const CLASS: Class = Class::Ordinary;

    #[inline(always)]
    fn home(&self) -> Home<M> {
        self.home
    }

    #[inline(always)]
    fn fast_slot(&mut self) -> Option<FastSlot<'_>> {
        Some(self.slot.reborrow().fast())
    }

    fn begin(&mut self) {
        self.with_slot(|_, _| ());
    }

    #[inline(always)]
    fn by(&self) -> By {
        By::cache(self.caller, &self.shared().slots, self.slot.shared())
    }

    #[inline]
    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        let core = self.shared();
        match self.slot.reborrow().undisturbed() {
            Some(slot) => f(core, Some(slot)),
            None => with_slot_attended(core, self.slot.reborrow(), f),
        }
    }

    #[inline]
    fn with_slot_as_is<R>(
        &mut self,
        f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>, bool) -> R,
    ) -> R {
        let core = self.shared();
        match self.slot.reborrow().undisturbed() {
            Some(slot) => f(core, Some(slot), false),
            None => {
                with_slot_again(core, self.slot.reborrow(), move |core, slot| f(core, slot, true))
            }
        }
    }
}

/// As `with_slot_as_is`, of a cache that was asked for its pages, or that was idle. While somebody takes from its slot,
/// a shared one does. All comes by value: what a cold function gets a pointer to is in memory for each call.
#[cold]
#[inline(never)]
fn with_slot_again<M: Mode, R, const STEALABLE: bool>(
    core: &Core<M>,
    owner: OwnerMut<'_, STEALABLE>,
    f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R,
) -> R {
    match owner.take_back() {
        Some(slot) => f(core, Some(slot)),
        None => core.with_shared_slot_as_is(|core, slot, _| f(core, slot)),
    }
}

/// As [`with_slot_again`]; the cache answers what it was asked for. While somebody takes from its slot there is none:
/// what is freed goes into the zone, and nothing is locked when the call ends.
#[cold]
#[inline(never)]
fn with_slot_attended<M: Mode, R, const STEALABLE: bool>(
    core: &Core<M>,
    owner: OwnerMut<'_, STEALABLE>,
    f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R,
) -> R {
    let result = match owner.take_back() {
        Some(slot) => core.answering(slot, f),
        None => f(core, None),
    };
    core.see_to_waiters();
    result
}

impl<M: Mode, const STEALABLE: bool> Drop for Cache<M, STEALABLE> {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.leave() {
            self.core.empty_slot(slot.as_mut());
        }
        self.core.conclude_quietly(Call::Drop);
    }
}

calls::methods!([, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&mut self], marked);
calls::raw_methods!([, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&mut self], marked);
calls::block_methods!([, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&mut self], marked);
calls::device_methods!(
    [M: Mode, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&'l mut self], marked,
    [['l, M: Mode, const STEALABLE: bool] &'l mut Cache<M, STEALABLE>, self]
);
calls::address_methods!([M: Mode, const STEALABLE: bool] Cache<M, STEALABLE>, self);
