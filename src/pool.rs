//! Pools and caches: the two handles through which pages come and go.
//!
//! Invariant: a handle is counted and keeps the core alive. A [`Cache`] owns its slot for as long as it lives; a
//! [`Pool`] borrows shared slots call by call.

use core::ops::Deref;
use core::ptr::NonNull;

use crate::cache::Slot;
use crate::calls::Front;
use crate::error::{CacheError, Fault, PageError, ShortReason};
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode, ModeFlags};
use crate::owned::Page;
use crate::page::PageId;
use crate::region::RegionInfo;
use crate::sync::Ordering;
use core::mem::MaybeUninit;

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
        self.books.handles.fetch_add(1, Ordering::Relaxed);
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
        let free = slots.iter().find(|slot| slot.try_lock());
        let slot = NonNull::from(free.ok_or(CacheError::NoSlot { slots: slots.len() })?);
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
        self.core.books.taints.load(Ordering::Relaxed) > 0
    }

    /// Puts back into the zone whatever shared slots and the depot hold, and asks owned caches to do the same at
    /// their next call, so that blocks can form again.
    pub fn drain(&self) {
        self.core.drain(None);
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
            self.core.take_back(id, 0, &mut faults)
        };
        self.core.verdict(&faults, usize::from(good))?;
        self.core.books.lent.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: the caller hands over the page.
        Ok(unsafe { Page::from_raw(self, id) })
    }
}

impl<M: Mode> Front<M> for &Pool<M> {
    #[inline(always)]
    fn core(&self) -> NonNull<Core<M>> {
        self.core.pointer()
    }

    #[inline(always)]
    fn spares(&self, _n: usize) -> Option<u32> {
        None
    }

    #[inline(always)]
    unsafe fn take_now(&mut self, _left: u32, _out: &mut [MaybeUninit<PageId>]) {}

    #[inline(always)]
    unsafe fn give_now(&mut self, _ids: &[PageId]) -> usize {
        0
    }

    fn take(&mut self, out: &mut [MaybeUninit<PageId>]) -> (usize, Option<ShortReason>) {
        let Some(slot) = self.core.borrow_slot() else {
            return self.core.take_without_slot(out);
        };
        // SAFETY: the slot was just locked.
        let taken = unsafe { self.core.take(slot, out) };
        slot.unlock();
        taken
    }

    unsafe fn give(&mut self, ids: &[PageId], faults: &mut Faults) -> usize {
        let Some(slot) = self.core.borrow_slot() else {
            let freed = self.core.give_without_slot(ids, faults);
            self.core.orphans_given(freed);
            return freed;
        };
        // SAFETY: the slot was just locked, and the caller gives up the pages.
        let freed = unsafe { self.core.give(slot, ids, faults) };
        slot.counters.gave::<M>(freed);
        slot.unlock();
        freed
    }

    fn with_slot<R>(&mut self, f: impl FnOnce(Option<&Slot>) -> R) -> R {
        let slot = self.core.borrow_slot();
        let result = f(slot);
        if let Some(slot) = slot {
            slot.unlock();
        }
        result
    }
}

/// A cache of its own for a thread or CPU: the fast way to allocate and free.
///
/// `&mut self` on every call is the proof that the kernel had to demand of its callers: nobody else, and no
/// interrupt, is in the middle of the same cache. A signal handler that allocates uses a cache of its own, or the
/// pool. Dropping a cache puts its pages back.
pub struct Cache<M: Mode = DefaultMode> {
    // Before the handle: the slot lies in the core.
    slot: NonNull<Slot>,
    /// What [`Front::owner`] says, at hand.
    owner: NonNull<Core<M>>,
    core: Handle<M>,
}

// SAFETY: a cache is used by one thread at a time (`&mut self`), whichever that is.
unsafe impl<M: Mode> Send for Cache<M> {}

impl<M: Mode> Cache<M> {
    /// A handle to the pool.
    #[must_use]
    pub fn pool(&self) -> Pool<M> {
        Pool { core: self.core.clone() }
    }

    /// Puts back into the zone all pages that the cache holds. Call it before the thread goes to sleep: nobody else
    /// can get at an owned cache's pages.
    pub fn drain(&mut self) {
        // SAFETY: a cache holds its slot.
        unsafe { self.core.empty_slot(self.slot()) };
    }

    #[inline(always)]
    fn slot(&self) -> &Slot {
        // SAFETY: the handle keeps the core alive, and the slot lies in it.
        unsafe { self.slot.as_ref() }
    }
}

impl<M: Mode> Front<M> for Cache<M> {
    #[inline(always)]
    fn core(&self) -> NonNull<Core<M>> {
        self.core.pointer()
    }

    #[inline(always)]
    fn owner(&self) -> NonNull<Core<M>> {
        self.owner
    }

    #[inline(always)]
    fn spares(&self, n: usize) -> Option<u32> {
        // SAFETY: a cache holds its slot.
        unsafe { self.core.spares(self.slot(), n) }
    }

    #[inline(always)]
    unsafe fn take_now(&mut self, left: u32, out: &mut [MaybeUninit<PageId>]) {
        // SAFETY: a cache holds its slot, which spares so many.
        unsafe { self.core.take_now(self.slot(), left, out) };
    }

    #[inline(always)]
    unsafe fn give_now(&mut self, ids: &[PageId]) -> usize {
        let slot = self.slot();
        // SAFETY: a cache holds its slot, and the caller gives up the pages.
        unsafe { self.core.give_now(slot, ids, |n| slot.counters.gave::<M>(n)) }
    }

    fn take(&mut self, out: &mut [MaybeUninit<PageId>]) -> (usize, Option<ShortReason>) {
        // SAFETY: a cache holds its slot.
        unsafe { self.core.take(self.slot(), out) }
    }

    unsafe fn give(&mut self, ids: &[PageId], faults: &mut Faults) -> usize {
        // SAFETY: a cache holds its slot, and the caller gives up the pages.
        let freed = unsafe { self.core.give(self.slot(), ids, faults) };
        self.slot().counters.gave::<M>(freed);
        freed
    }

    fn with_slot<R>(&mut self, f: impl FnOnce(Option<&Slot>) -> R) -> R {
        f(Some(self.slot()))
    }
}

impl<M: Mode> Drop for Cache<M> {
    fn drop(&mut self) {
        self.drain();
        self.slot().unlock();
    }
}
