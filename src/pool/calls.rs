//! The calls of a pool: each borrows a shared slot.

use core::mem::MaybeUninit;

use super::Pool;
use crate::calls::{self, Frontend, Home};
use crate::error::{BulkAlloc, ExactError, PageError, ShortReason};
use crate::inner::Core;
use crate::mode::{Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{Fault, GivenUp, Order, PageId};
use crate::slot::{FastSlot, SlotMut};

// SAFETY: the pool's handle names one core, and keeps it alive.
unsafe impl<M: Mode> Frontend<M> for &Pool<M> {
    const OWNS_SLOT: bool = false;

    #[inline(always)]
    fn home(&self) -> Home<M> {
        Home::of(&self.core)
    }

    #[inline(always)]
    fn fast_slot(&mut self) -> Option<FastSlot<'_>> {
        None
    }

    fn begin(&mut self) {}

    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R {
        self.core.with_shared_slot(f)
    }

    fn with_slot_as_is<R>(
        &mut self,
        f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>, bool) -> R,
    ) -> R {
        let dry = self.core.is_dry_without_cache();
        self.core.with_shared_slot_as_is(|core, slot, asked| f(core, slot, asked || dry))
    }
}

impl<M: Mode> Pool<M> {
    /// The way into the core.
    #[inline(always)]
    fn front(&self) -> &Self {
        self
    }
}

calls::methods!([] Pool<M>, self, [&self], unmarked);
calls::block_methods!([] Pool<M>, self, [&self], unmarked);

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
        assert!(id.index() < core.pages, "pagesheaf: {id} is outside the pool [{}]", pool.mode());
        assert!(!core.addresses_only, "pagesheaf: {}", ShortReason::AddressOnly);
        let offline = Fault::Offline;
        assert!(!core.offline.has(id), "pagesheaf: {id} {offline} [{}]", pool.mode());
        // SAFETY: the caller gives it to us.
        unsafe { Page::new(core.pointer(), id) }
    }
}
