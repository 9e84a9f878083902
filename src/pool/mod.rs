//! Pools: handles through which pages come and go without a cache, and all that is known of a pool.
//!
//! Invariant: a pool borrows shared slots call by call.

mod blocks;
mod build;
mod calls;
mod close;
mod fork;
mod holders;
mod maintain;
mod named;
mod resize;
mod static_pool;
mod stats;
mod steal;

use core::fmt;
use core::ptr::NonNull;

pub use build::{Builder, OnBadPage};
pub use calls::Critical;
pub use close::CloseError;
pub use fork::AnyCache;
pub use holders::{Holder, HolderState};
pub use maintain::{Maintained, NotPurged};
pub use named::CacheBuilder;
pub use resize::WentOffline;
pub use static_pool::StaticPool;
pub use stats::{Audit, Calls, Pages, Stats};
pub use steal::AsymmetricFence;

use crate::cache::Cache;
use crate::error::{CacheError, Call, PageError, Taint};
use crate::handle::Handle;
use crate::inner::Faults;
use crate::mapping::RegionInfo;
use crate::mode::{DefaultMode, Mode, ModeFlags};
use crate::owned::Page;
use crate::page::{Fault, PageId};
use crate::zone::Floor;

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
    /// [`CacheError::NoSlot`] when as many caches live as the pool was built for: see
    /// [`Builder::max_caches`].
    pub fn cache(&self) -> Result<Cache<M>, CacheError> {
        Cache::new(self.core.clone(), None)
    }

    /// How many pages the pool has at the most: those that are [offline](Self::offline) are among
    /// them.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.core.pages as usize
    }

    /// How many free pages a call in progress can hide from all others, at the most, beside those
    /// that it allocates or frees itself: what the magazines of the shared cache hold that it uses,
    /// and of another one that it empties. A thread that the system stops in the middle of a call
    /// hides them for as long, and who finds no page meanwhile is told
    /// [`Busy`](crate::ShortReason::Busy).
    ///
    /// So of a pool of which `threads` threads hold `held` pages each, at most, calls on the pool
    /// get what they want if the pool has `threads * (held + hidden_by_call())` pages. With
    /// [`shared_caches(0)`](Builder::shared_caches), and no caches, nothing is hidden. A [`Cache`] in
    /// use keeps its two magazines besides; and [`maintain`](Self::maintain) an area of 2 MiB, while
    /// it gives memory back. In a pool with marks ([`Builder::low`]) a call that refills can hide as many
    /// once more from those that stop at a mark.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let builder = || Pool::builder(1000).magazine_capacity(16).max_caches(2);
    /// assert_eq!(builder().shared_caches(2).build()?.hidden_by_call(), 64);
    /// let pool = Pool::builder(1000).max_caches(0).shared_caches(1).magazine_capacity(16).build()?;
    /// assert_eq!(pool.hidden_by_call(), 32);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hidden_by_call(&self) -> usize {
        // Its own slot, and one at a time of the others; without one, a magazine of a depot or an idle slot.
        let slots = self.core.slots.len().min(2);
        (2 * slots * self.core.magazines.capacity()).min(self.capacity())
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

    /// What tainted the pool first, if anything did: a fault was seen, or pages were freed with elevated counts. The
    /// pool goes on, but something in the program is wrong, or was declared to be. The report says it, too;
    /// [`Builder::on_taint`] is told of it.
    ///
    /// Where threads cannot be told apart (without `std`), and in a signal handler that interrupts the call which
    /// found the cause, [`Taint::call`] may be another call that ended first.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// if let Some(taint) = pool.taint() {
    ///     println!("{taint}");
    /// }
    /// # assert_eq!(pool.taint(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn taint(&self) -> Option<Taint> {
        self.core.first_taint()
    }

    /// Whether the pool is tainted: see [`taint`](Self::taint).
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.core.is_tainted()
    }

    /// Puts back into the zone whatever shared slots, idle caches and the depots hold, and asks other caches to do
    /// the same at their next call, so that blocks can form again.
    pub fn drain(&self) {
        self.core.reap_fences_for(usize::MAX, Floor::None);
        self.core.drain();
        self.core.conclude(Call::Drain);
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

    /// The address of a page, as a number: of a page at address 0 too, which no pointer of Rust's can have.
    ///
    /// ```
    /// # use core::mem::MaybeUninit;
    /// # use pagesheaf::{PageId, Pool, Region};
    /// let builder = Pool::builder(16).region(Region::addresses(0, 16 * 4096));
    /// # let layout = builder.metadata_layout()?;
    /// # let bytes: &'static mut [u8] = Box::leak(vec![0; layout.size() + layout.align()].into_boxed_slice());
    /// # let skip = bytes.as_ptr().align_offset(layout.align());
    /// # let bytes = &mut bytes[skip..];
    /// # // SAFETY: bytes that are not read as such.
    /// # let metadata = unsafe { &mut *(&raw mut *bytes as *mut [MaybeUninit<u8>]) };
    /// // SAFETY: the region is one of addresses.
    /// let pool = unsafe { builder.build_in(core::ptr::null_mut(), metadata) }?;
    /// let page = PageId::new(0);
    /// assert_eq!((pool.address(page), pool.id_at(0), pool.ptr(page)), (Some(0), Some(page), None));
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    #[must_use]
    pub fn address(&self, id: PageId) -> Option<usize> {
        self.offset(id)?;
        Some(self.core.address(id).addr())
    }

    /// Where a page starts. In a pool of addresses the pointer is a number, not to be dereferenced; there is none
    /// for address 0, which [`Self::address`] has. Whoever writes through it leaves every byte initialised (not the padding of a struct).
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
            self.core.refuse_call(id, 0, Fault::AddressOnly, &mut faults);
            false
        } else {
            self.core.reclaim(id, 0, &mut faults)
        };
        // SAFETY: the caller hands over the page, which is in range.
        let page = good.then(|| unsafe { Page::from_raw(self, id) });
        self.core.record_or_panic(&faults, usize::from(good), Call::Reclaim)?;
        Ok(page.expect("a page that was not reclaimed is a fault"))
    }
}

impl<M: Mode, const STEALABLE: bool> Cache<M, STEALABLE> {
    /// A handle to the pool.
    #[must_use]
    pub fn pool(&self) -> Pool<M> {
        Pool { core: self.handle().clone() }
    }
}

impl<M: Mode, const STEALABLE: bool> fmt::Debug for Cache<M, STEALABLE> {
    /// As the pool's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache of {}", self.pool())
    }
}
