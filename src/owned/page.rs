//! One owned page.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::SharedPage;
use crate::error::ShortReason;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode, Refcounted};
use crate::page::{GivenUp, PageId};
use crate::pool::Pool;

/// The sole owner of a page, and its bytes. Dropping it anywhere frees the page.
pub struct Page<M: Mode = DefaultMode> {
    core: NonNull<Core<M>>,
    id: PageId,
}

// SAFETY: a page is bytes and a pointer to a core, which is shared between threads.
unsafe impl<M: Mode> Send for Page<M> {}
// SAFETY: sharing it shares its bytes, read-only.
unsafe impl<M: Mode> Sync for Page<M> {}

impl<M: Mode> Page<M> {
    /// # Safety
    /// The page is out, in range, of a core with bytes, and the caller gives up its ownership.
    #[inline(always)]
    pub(crate) unsafe fn new(core: NonNull<Core<M>>, id: PageId) -> Self {
        Page { core, id }
    }

    /// The owner of a page whose id came from [`Page::into_raw`] or a raw allocation.
    ///
    /// # Safety
    /// The page is out of this pool, as a single page, nothing else owns it, and all its bytes are initialised.
    ///
    /// # Panics
    /// When the pool has no such page, or addresses only.
    #[must_use]
    pub unsafe fn from_raw(pool: &Pool<M>, id: PageId) -> Self {
        let core = &pool.core;
        assert!(id.index() < core.pages, "pagesheaf: {id} is outside the pool [{}]", pool.mode());
        assert!(!core.addresses_only, "pagesheaf: {}", ShortReason::AddressOnly);
        // SAFETY: the caller gives it to us.
        unsafe { Page::new(core.pointer(), id) }
    }

    #[inline(always)]
    pub(crate) fn core(&self) -> NonNull<Core<M>> {
        self.core
    }

    #[inline(always)]
    fn shared(&self) -> &Core<M> {
        // SAFETY: a page that is out keeps its core alive.
        unsafe { self.core.as_ref() }
    }

    /// Its number in the pool.
    #[must_use]
    #[inline]
    pub fn id(&self) -> PageId {
        self.id
    }

    /// Its first byte. Who writes through the pointer leaves every byte initialised.
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.shared().address(self.id)
    }

    /// Where the part to use starts, in bytes, so that the first lines of different pages fall into different cache
    /// sets: a multiple of 64 below `colour` lines. 0 in a pool without colours.
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        self.shared().headroom(self.id)
    }

    /// Writes zeros to every byte.
    pub fn zero(&mut self) {
        self.fill(0);
    }

    /// Gives up the owner and keeps the page out: [`Page::from_raw`] or a raw free takes it from there.
    #[must_use = "the page leaks if its id is lost"]
    #[inline(always)]
    pub fn into_raw(self) -> PageId {
        ManuallyDrop::new(self).id
    }

    /// Hands the page to a device: `Pool::reclaim` or `reclaim_bulk` takes it back.
    #[must_use = "the page is never reclaimed if its id is lost"]
    pub fn lend(self) -> PageId {
        let page = ManuallyDrop::new(self);
        let core = page.shared();
        match core.lend(page.id) {
            Ok(()) => core.count_lent(1),
            Err(fault) => {
                // The page is not what its word says; it stays out.
                let mut faults = Faults::default();
                faults.add(page.id, 0, fault);
                // The call has no error to return; the pool remembers. By a panic the id would be lost.
                core.record_for_later(&faults, 0);
            }
        }
        page.id
    }

    /// Makes it shareable, with one reference.
    #[must_use]
    #[inline]
    pub fn into_shared(self) -> SharedPage<M>
    where
        M: Refcounted,
    {
        SharedPage::new(self)
    }
}

impl<M: Mode> Deref for Page<M> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the owner's page lies in the region, is initialised, and nobody else writes it.
        unsafe { core::slice::from_raw_parts(self.as_ptr(), self.shared().page_size()) }
    }
}

impl<M: Mode> DerefMut for Page<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else reads it.
        unsafe { core::slice::from_raw_parts_mut(self.as_ptr(), self.shared().page_size()) }
    }
}

impl<M: Mode> AsRef<[u8]> for Page<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> AsMut<[u8]> for Page<M> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> Drop for Page<M> {
    fn drop(&mut self) {
        let ids = [self.id];
        // SAFETY: the page was its owner's alone, is initialised, and the owner ends here.
        unsafe { Core::drop_pages(self.core, GivenUp::new(&ids)) };
    }
}

impl<M: Mode> fmt::Debug for Page<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.id.index()).finish()
    }
}
