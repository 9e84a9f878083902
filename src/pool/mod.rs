//! Pools: handles through which pages come and go without a cache, and all that is known of a pool.
//!
//! Invariant: a pool borrows shared slots call by call.

mod blocks;
mod build;
mod calls;
mod close;
mod devices;
mod fork;
mod holders;
mod maintain;
mod named;
mod resize;
mod static_pool;
mod stats;
mod steal;

use core::fmt;

pub use build::{BuildReport, Builder, OnBadPage};
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
use crate::error::{CacheError, Call, Taint};
use crate::handle::Handle;
use crate::mapping::RegionInfo;
use crate::mode::{DefaultMode, Mode, ModeFlags};
use crate::zone::Floor;

/// A pool of pages of one size. Cloning it makes another handle to the same pool.
///
/// Allocating and freeing through `&Pool` goes through shared cache slots and never blocks; a thread that does much
/// of either makes a [`Cache`] of its own with [`Pool::cache`].
///
/// Pages need no handle: dropped after the last one, they free the pool's memory with the last of them. That last
/// drop may unmap the region, which is the one thing here that a signal handler should not do.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1024).build()?;
/// let other = pool.clone();
/// let page = std::thread::spawn(move || other.alloc()).join().expect("no panic")?;
/// assert_eq!((page.len(), pool.audit().pages.out), (4096, 1));
/// drop(page);
/// pool.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(transparent)]
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
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// std::thread::scope(|threads| {
    ///     for _ in 0..2 {
    ///         threads.spawn(|| {
    ///             let mut cache = pool.cache().expect("there are slots for at least 8");
    ///             cache.alloc().map(|page| cache.free(page))
    ///         });
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CacheError::NoSlot`] when as many caches live as the pool was built for: see
    /// [`Builder::max_caches`].
    pub fn cache(&self) -> Result<Cache<M>, CacheError> {
        Cache::new(self.core.clone(), None)
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
        build::hidden_by_call(
            self.core.slots.len(),
            self.core.magazines.capacity(),
            self.capacity(),
        )
    }

    /// The pool's mode, as a value.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// assert_eq!(pool.mode().to_string(), "Checked (refcount, checks, stats)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mode(&self) -> ModeFlags {
        ModeFlags::of::<M>()
    }

    /// What the region turned out to be.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// println!("{}", pool.region_info()); // mapped, 409600 bytes at 0x7f…, guarded
    /// assert_eq!(pool.region_info().bytes, 100 * 4096);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// drop(pool.alloc()?);
    /// assert!(!pool.is_tainted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.core.is_tainted()
    }

    /// Puts back into the zone whatever shared slots, idle caches and the depots hold, and asks other caches to do
    /// the same at their next call, so that blocks can form again.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 200)?;
    /// pool.free_bulk(&mut batch);
    /// pool.drain();
    /// assert_eq!((pool.audit().pages.free, pool.audit().pages.cached), (1000, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self) {
        self.core.reap_fences_for(usize::MAX, Floor::None);
        self.core.drain();
        self.core.conclude(Call::Drain);
    }
}

impl<M: Mode> Pool<M> {
    /// The handle.
    pub(crate) fn handle(&self) -> &Handle<M> {
        &self.core
    }
}

crate::calls::address_methods!([M: Mode] Pool<M>, self);

impl<M: Mode, const STEALABLE: bool> Cache<M, STEALABLE> {
    /// The pool. It is no handle of its own, which [`Pool::close`] would find: clone it for one.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let cache = pool.cache()?;
    /// assert_eq!(cache.pool().audit().pages.capacity, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pool(&self) -> &Pool<M> {
        // SAFETY: a pool is a handle and nothing else, and transparent.
        unsafe { &*core::ptr::from_ref(self.handle()).cast::<Pool<M>>() }
    }
}

impl<M: Mode, const STEALABLE: bool> fmt::Debug for Cache<M, STEALABLE> {
    /// As the pool's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache of {}", self.pool())
    }
}
