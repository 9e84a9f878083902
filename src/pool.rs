//! Pools and caches: the two handles through which pages come and go.
//!
//! Invariant: a handle is counted and keeps the core alive. A [`Cache`] owns its slot for as long as it lives; a
//! [`Pool`] borrows shared slots call by call.

mod fork;

use core::ops::Deref;
use core::ptr::NonNull;

use crate::calls::Frontend;
use crate::error::{CacheError, PageError};
use crate::inner::{Core, FastAlloc, Faults, InSlot};
use crate::mode::{DefaultMode, Mode, ModeFlags};
use crate::owned::Page;
use crate::page::{Fault, GivenUp, PageId};
use crate::region::RegionInfo;
use crate::slot::{Slot, SlotGuard};
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

/// A pool of pages of one size. Cloning it makes another handle to the same pool.
///
/// Allocating and freeing through `&Pool` goes through shared cache slots and never blocks; a thread that does much
/// of either makes a [`Cache`] of its own with [`Pool::cache`].
///
/// Pages need no handle: dropped after the last one, they free the pool's memory with the last of them. That last
/// drop may unmap the region, which is the one thing here that a signal handler should not do.
pub struct Pool<M: Mode = DefaultMode> {
    pub(crate) core: Handle<M>,
}

impl<M: Mode> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Pool { core: self.core.clone() }
    }
}

impl<M: Mode> Pool<M> {
    /// An owned cache, for one thread or CPU at a time.
    ///
    /// # Errors
    /// [`CacheError::NoSlot`] when as many caches live as the pool was built for.
    pub fn cache(&self) -> Result<Cache<M>, CacheError> {
        let slots = &self.core.slots[..self.core.owned_slots];
        let slot = slots.iter().find_map(Slot::try_lock);
        let slot = slot.ok_or(CacheError::NoSlot { slots: slots.len() })?;
        // SAFETY: the slot lies in the core, which the cache's handle keeps alive for longer than the guard.
        let slot = unsafe { core::mem::transmute::<SlotGuard<'_>, SlotGuard<'static>>(slot) };
        Ok(Cache { slot, owner: (&self).owner(), core: self.core.clone() })
    }

    /// How many pages the pool has.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.core.pages as usize
    }

    /// Bytes of a page.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.core.page_size()
    }

    /// The pool's mode, as a value.
    #[must_use]
    pub fn mode(&self) -> ModeFlags {
        ModeFlags::of::<M>()
    }

    /// What the region turned out to be.
    #[must_use]
    pub fn region_info(&self) -> RegionInfo {
        self.core.region.info
    }

    /// Whether a fault was seen, or pages were freed with elevated counts: the pool goes on, but something in the
    /// program is wrong, or was declared to be.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.core.is_tainted()
    }

    /// Puts back into the zone whatever shared slots and the depot hold, and asks owned caches to do the same at
    /// their next call, so that blocks can form again.
    pub fn drain(&self) {
        self.core.drain();
    }

    /// The page that an address lies in, wherever in the page.
    #[must_use]
    pub fn id_at(&self, address: usize) -> Option<PageId> {
        self.id_at_offset(address.checked_sub(self.core.base.addr())? as u64)
    }

    /// The page that an offset from the region's start lies in, in bytes.
    #[must_use]
    pub fn id_at_offset(&self, offset: u64) -> Option<PageId> {
        let index = offset >> self.core.page_shift;
        (index < u64::from(self.core.pages)).then(|| PageId::new(index as u32))
    }

    /// Where a page starts, in bytes from the region's start.
    #[must_use]
    pub fn offset(&self, id: PageId) -> Option<u64> {
        (id.index() < self.core.pages).then(|| u64::from(id.index()) << self.core.page_shift)
    }

    /// Where a page starts. In a pool of addresses the pointer is a number, not to be dereferenced; there is none
    /// for address 0.
    #[must_use]
    pub fn ptr(&self, id: PageId) -> Option<NonNull<u8>> {
        self.offset(id)?;
        NonNull::new(self.core.address(id))
    }

    /// Takes one page back from a device.
    ///
    /// # Errors
    /// When the page is not lent (in checking modes), or the pool has no such page. The pool stays as it is.
    ///
    /// # Safety
    /// The device is done with the page, which was lent by this pool and is reclaimed once; its bytes are
    /// initialised.
    pub unsafe fn reclaim(&self, id: PageId) -> Result<Page<M>, PageError> {
        let mut faults = Faults::default();
        let good = if self.core.addresses_only {
            faults.add(id, 0, Fault::AddressOnly);
            false
        } else {
            self.core.reclaim(id, 0, &mut faults)
        };
        // SAFETY: the caller hands over the page, which is in range.
        let page = good.then(|| unsafe { Page::from_raw(self, id) });
        self.core.record_or_panic(&faults, usize::from(good))?;
        Ok(page.expect("a page that was not reclaimed is a fault"))
    }
}

// SAFETY: the pool's handle names one core, and keeps it alive.
unsafe impl<M: Mode> Frontend<M> for &Pool<M> {
    #[inline(always)]
    fn core(&self) -> NonNull<Core<M>> {
        self.core.pointer()
    }

    #[inline(always)]
    fn alloc_fast(&mut self, _n: usize) -> Option<FastAlloc<'_, M>> {
        None
    }

    #[inline(always)]
    fn free_fast<'i>(&mut self, ids: GivenUp<'i>) -> Result<(), GivenUp<'i>> {
        Err(ids)
    }

    fn begin(&mut self) {}

    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<&mut SlotGuard<'_>>) -> R) -> R {
        f(&self.core, self.core.borrow_slot().as_mut())
    }
}

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
    /// A handle to the pool.
    #[must_use]
    pub fn pool(&self) -> Pool<M> {
        Pool { core: self.core.clone() }
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
