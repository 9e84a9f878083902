//! The calls of a pool, and of its critical callers: each borrows a shared slot.

use core::fmt;
use core::mem::MaybeUninit;

use super::Pool;
use crate::calls::{self, Frontend, Home};
use crate::error::{BulkAlloc, ExactError, PageError, ShortReason};
use crate::handle::Handle;
use crate::inner::Core;
use crate::line::Class;
use crate::mode::{DefaultMode, Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{Fault, GivenUp, Order, PageId};
use crate::slot::{FastSlot, SlotMut};
use crate::tracker::{By, Caller};

/// A pool's way into its core.
#[derive(Clone, Copy)]
pub(crate) struct PoolFront<'a, M: Mode, const CRITICAL: bool>(&'a Pool<M>, Caller);

// SAFETY: the pool's handle names one core, and keeps it alive.
unsafe impl<M: Mode, const CRITICAL: bool> Frontend<M> for PoolFront<'_, M, CRITICAL> {
    const OWNS_SLOT: bool = false;
    const CLASS: Class = if CRITICAL { Class::Critical } else { Class::Ordinary };

    #[inline(always)]
    fn home(&self) -> Home<M> {
        Home::of(&self.0.core)
    }

    #[inline(always)]
    fn fast_slot(&mut self) -> Option<FastSlot<'_>> {
        None
    }

    fn begin(&mut self) {}

    #[inline(always)]
    fn by(&self) -> By {
        By::pool(self.1)
    }

    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        self.0.core.with_shared_slot(f)
    }

    fn with_slot_as_is<R>(
        &mut self,
        f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>, bool) -> R,
    ) -> R {
        let dry = self.0.core.is_dry_without_cache();
        self.0.core.with_shared_slot_as_is(|core, slot, asked| f(core, slot, asked || dry))
    }
}

impl<M: Mode> Pool<M> {
    /// The way into the core.
    #[inline(always)]
    #[cfg_attr(feature = "track", track_caller)]
    pub(super) fn front(&self) -> PoolFront<'_, M, false> {
        PoolFront(self, Caller::here())
    }

    /// As [`alloc_bulk`](Self::alloc_bulk), for `want` pages of a call for `whole`: how far down such a call may go
    /// depends on the whole.
    pub(crate) fn alloc_bulk_of<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
        whole: usize,
    ) -> BulkAlloc {
        calls::alloc_bulk_rest(self.front(), batch, want, whole)
    }
}

calls::methods!([] Pool<M>, self, [&self], unmarked);
calls::raw_methods!([] Pool<M>, self, [&self], unmarked);
calls::block_methods!([] Pool<M>, self, [&self], unmarked);
calls::device_methods!([M: Mode] Pool<M>, self, [&'l self], unmarked, [['l, M: Mode] &'l Pool<M>, self]);

/// The calls of a pool for those who may have its last pages: see [`Pool::critical`].
///
/// It is a reference, with the calls of a pool and nothing else; a page goes home by any of them.
///
/// ```
/// # use pagesheaf::{Critical, Page, Pool, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// Writes a page back, which must not fail for want of one.
/// fn write_back(pool: Critical<'_>) -> Result<Page, ShortReason> {
///     pool.alloc()
/// }
///
/// let pool = Pool::builder(100).critical_reserve(99).build()?;
/// let page = pool.alloc()?;
/// assert_eq!(pool.alloc().err(), Some(ShortReason::Watermark));
/// assert!(write_back(pool.critical()).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Critical<'a, M: Mode = DefaultMode> {
    pool: &'a Pool<M>,
}

impl<M: Mode> fmt::Debug for Critical<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Critical").field(self.pool).finish()
    }
}

impl<'a, M: Mode> Critical<'a, M> {
    /// The pool.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).critical_reserve(8).build()?;
    /// assert_eq!(pool.critical().pool().capacity(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pool(&self) -> &'a Pool<M> {
        self.pool
    }

    /// The pool's handle.
    fn handle(&self) -> &'a Handle<M> {
        &self.pool.core
    }

    /// The way into the core.
    #[inline(always)]
    #[cfg_attr(feature = "track", track_caller)]
    fn front(&self) -> PoolFront<'a, M, true> {
        PoolFront(self.pool, Caller::here())
    }
}

impl<M: Mode> Pool<M> {
    /// The pool's calls for who must not fail where others may: whoever writes pages back so that memory comes free,
    /// or answers to the network that an answer will come later. They may take what
    /// [`Builder::critical_reserve`](crate::Builder::critical_reserve) keeps, to the last page of the zone, and those
    /// that wait are served before all others: another that waits gives back what it has in hand already.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).low(20).critical_reserve(8).build()?;
    /// let mut batch = PageBatch::new();
    /// let bulk = pool.alloc_bulk(&mut batch, 100);
    /// assert_eq!((bulk.allocated, bulk.reason), (80, Some(ShortReason::Watermark)));
    /// while let Ok(page) = pool.alloc() {
    ///     batch.push(page).expect("room, and of the same pool");
    /// }
    /// assert_eq!(batch.len(), 92);
    /// assert_eq!(pool.critical().alloc_bulk(&mut batch, 8).allocated, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn critical(&self) -> Critical<'_, M> {
        Critical { pool: self }
    }
}

calls::methods!([] Critical<'_, M>, self, [&self], unmarked);
calls::raw_methods!([] Critical<'_, M>, self, [&self], unmarked);
calls::block_methods!([] Critical<'_, M>, self, [&self], unmarked);
calls::device_methods!(['a, M: Mode] Critical<'a, M>, self, [&'l self], unmarked, [['a, M: Mode] Critical<'a, M>, *self]);

impl<M: Mode> Page<M> {
    /// The owner of a page whose id came from [`Page::into_raw`] or a raw allocation.
    ///
    /// # Safety
    /// The page is out of this pool, as a single page, nothing else owns it, and all its bytes are
    /// initialised: what was written through a pointer has left no byte (a struct's padding)
    /// uninitialised. That the pool's reports name the page, or
    /// [`CloseError::ids`](crate::CloseError::ids) does, is not enough.
    ///
    /// # Panics
    /// When the pool has no such page, or addresses only, or the page is offline.
    ///
    /// ```
    /// # use pagesheaf::{Page, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let id = pool.alloc()?.into_raw();
    /// // SAFETY: the page was just given up, nobody else has its id, and nobody wrote it.
    /// let page = unsafe { Page::from_raw(&pool, id) };
    /// assert_eq!(page.id(), id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub unsafe fn from_raw(pool: &Pool<M>, id: PageId) -> Self {
        let core = &pool.core;
        let outside = Fault::OutOfRange;
        assert!(id.index() < core.pages, "pagesheaf: {id} {outside} [{}]", pool.mode());
        assert!(!core.addresses_only, "pagesheaf: {}", ShortReason::AddressOnly);
        let offline = Fault::Offline;
        assert!(!core.offline.has(id), "pagesheaf: {id} {offline} [{}]", pool.mode());
        core.vouch_written([id]);
        // SAFETY: the caller gives it to us.
        unsafe { Page::new(core.pointer(), id) }
    }
}
