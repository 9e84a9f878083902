//! The allocating calls of a static, which say that it is not built.
//!
//! Invariant: each does what the pool's call of that name does, or says `NotBuilt` and does nothing.

use core::mem::MaybeUninit;

use super::StaticPool;
use crate::cache::Cache;
use crate::error::{
    BulkAlloc, CacheError, ExactError, NotBuilt, ShortReason, WaitError, WaitReason,
};
use crate::mode::Mode;
use crate::owned::{Block, Page, PageBatch};
use crate::page::{Order, PageId};
use crate::pool::Pool;
use crate::tracker::Caller;

impl<M: Mode> StaticPool<M> {
    /// As [`Pool::alloc`](crate::Pool::alloc).
    ///
    /// ```
    /// # use pagesheaf::{Pool, ShortReason, StaticPool};
    /// static POOL: StaticPool = StaticPool::new();
    /// assert_eq!(POOL.alloc().err(), Some(ShortReason::NotBuilt));
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// POOL.init(Pool::builder(100))?;
    /// POOL.alloc()?.fill(7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why there was none; [`ShortReason::NotBuilt`] before the pool is built.
    #[inline]
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc(&self) -> Result<Page<M>, ShortReason> {
        self.get()?.alloc()
    }

    /// As [`Pool::alloc_zeroed`](crate::Pool::alloc_zeroed).
    ///
    /// ```
    /// # use pagesheaf::{Pool, StaticPool};
    /// # static POOL: StaticPool = StaticPool::new();
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # POOL.init(Pool::builder(100))?;
    /// assert_eq!(POOL.alloc_zeroed()?[4095], 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`alloc`](Self::alloc).
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_zeroed(&self) -> Result<Page<M>, ShortReason> {
        self.get()?.alloc_zeroed()
    }

    /// As [`Pool::alloc_bulk`](crate::Pool::alloc_bulk). Before the pool is built, the result is
    /// short by all pages.
    ///
    /// ```
    /// # use pagesheaf::{BulkAlloc, PageBatch, Pool, ShortReason, StaticPool};
    /// static POOL: StaticPool = StaticPool::new();
    /// let mut batch = PageBatch::new();
    /// let none = BulkAlloc { allocated: 0, reason: Some(ShortReason::NotBuilt) };
    /// assert_eq!(POOL.alloc_bulk(&mut batch, 64), none);
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// POOL.init(Pool::builder(100))?;
    /// assert_eq!(POOL.alloc_bulk(&mut batch, 64).allocated, 64);
    /// POOL.get()?.free_bulk(&mut batch); // or drop it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
    ) -> BulkAlloc {
        match self.get() {
            Ok(pool) => pool.alloc_bulk(batch, want),
            Err(NotBuilt) => BulkAlloc { allocated: 0, reason: Some(ShortReason::NotBuilt) },
        }
    }

    /// As [`Pool::alloc_bulk_exact`](crate::Pool::alloc_bulk_exact).
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool, ShortReason, StaticPool};
    /// static POOL: StaticPool = StaticPool::new();
    /// let mut batch = PageBatch::new();
    /// let error = POOL.alloc_bulk_exact(&mut batch, 64).expect_err("no pool");
    /// assert_eq!((error.want, error.had, error.reason), (64, 0, ShortReason::NotBuilt));
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// POOL.init(Pool::builder(100))?;
    /// POOL.alloc_bulk_exact(&mut batch, 64)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// How many there were, and why not more; the batch is as it was.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_exact<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
    ) -> Result<(), ExactError> {
        match self.get() {
            Ok(pool) => pool.alloc_bulk_exact(batch, want),
            Err(NotBuilt) => Err(ExactError { want, had: 0, reason: ShortReason::NotBuilt }),
        }
    }

    /// The pool, for a call that wants so many pages and would wait for them.
    pub(crate) fn get_to_wait(&self, want: usize) -> Result<&Pool<M>, WaitError> {
        let reason = WaitReason::Refused(ShortReason::NotBuilt);
        self.get().map_err(|NotBuilt| WaitError { want, had: 0, reason })
    }

    /// As [`Pool::alloc_bulk_async`](crate::Pool::alloc_bulk_async). It does not wait for the pool to
    /// be built.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, StaticPool, WaitError};
    /// static POOL: StaticPool = StaticPool::new();
    ///
    /// async fn take(batch: &mut PageBatch) -> Result<(), WaitError> {
    ///     POOL.alloc_bulk_async(batch, 64).await
    /// }
    /// # let _ = take;
    /// ```
    ///
    /// # Errors
    /// When the request can never be served; [`ShortReason::NotBuilt`] before the pool is built.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_async<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
    ) -> impl Future<Output = Result<(), WaitError>> {
        self.alloc_bulk_async_with(batch, want, core::future::pending::<()>)
    }

    /// As [`Pool::alloc_bulk_async_with`](crate::Pool::alloc_bulk_async_with). It does not wait for the
    /// pool to be built.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, StaticPool, WaitError};
    /// # async fn sleep() {}
    /// static POOL: StaticPool = StaticPool::new();
    ///
    /// async fn take(batch: &mut PageBatch) -> Result<(), WaitError> {
    ///     POOL.alloc_bulk_async_with(batch, 64, || sleep()).await
    /// }
    /// # let _ = take;
    /// ```
    ///
    /// # Errors
    /// As [`alloc_bulk_async`](Self::alloc_bulk_async).
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_async_with<T: Future<Output = ()>, const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
        sleep: impl FnMut() -> T,
    ) -> impl Future<Output = Result<(), WaitError>> {
        let caller = Caller::here();
        async move {
            let pool = self.get_to_wait(want)?;
            pool.alloc_bulk_async_with(batch, want, sleep).await?;
            pool.core.tracker.moved(|| batch.last_ids(want), caller);
            Ok(())
        }
    }

    /// As [`Pool::alloc_block`](crate::Pool::alloc_block).
    ///
    /// ```
    /// # use pagesheaf::{Order, Pool, StaticPool};
    /// # static POOL: StaticPool = StaticPool::new();
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # POOL.init(Pool::builder(100))?;
    /// assert_eq!(POOL.alloc_block(Order::try_from(2)?)?.len(), 4 * 4096);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`alloc`](Self::alloc); free pages may be there, but not side by side.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_block(&self, order: Order) -> Result<Block<M>, ShortReason> {
        self.get()?.alloc_block(order)
    }

    /// As [`Pool::alloc_raw`](crate::Pool::alloc_raw). The page goes back by the pool's `free_raw`.
    ///
    /// ```
    /// # use pagesheaf::{Pool, StaticPool};
    /// # static POOL: StaticPool = StaticPool::new();
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # POOL.init(Pool::builder(100))?;
    /// let id = POOL.alloc_raw()?;
    /// // SAFETY: the page is ours alone, and nobody wrote it.
    /// unsafe { POOL.get()?.free_raw(id) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`alloc`](Self::alloc).
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_raw(&self) -> Result<PageId, ShortReason> {
        self.get()?.alloc_raw()
    }

    /// As [`Pool::alloc_bulk_raw`](crate::Pool::alloc_bulk_raw).
    ///
    /// ```
    /// # use std::mem::MaybeUninit;
    /// # use pagesheaf::{ShortReason, StaticPool};
    /// static POOL: StaticPool = StaticPool::new();
    /// let mut out = [MaybeUninit::uninit(); 8];
    /// assert_eq!(POOL.alloc_bulk_raw(&mut out), (&mut [][..], Some(ShortReason::NotBuilt)));
    /// ```
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_raw<'o>(
        &self,
        out: &'o mut [MaybeUninit<PageId>],
    ) -> (&'o mut [PageId], Option<ShortReason>) {
        match self.get() {
            Ok(pool) => pool.alloc_bulk_raw(out),
            Err(NotBuilt) => (&mut [], Some(ShortReason::NotBuilt)),
        }
    }

    /// As [`Pool::cache`](crate::Pool::cache): the cache has a handle of its own.
    ///
    /// ```
    /// # use pagesheaf::{CacheError, Pool, StaticPool};
    /// static POOL: StaticPool = StaticPool::new();
    /// assert_eq!(POOL.cache().err(), Some(CacheError::NotBuilt));
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// POOL.init(Pool::builder(100))?;
    /// let mut cache = POOL.cache()?;
    /// let page = cache.alloc()?;
    /// cache.free(page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CacheError::NoSlot`] when as many caches live as the pool was built for;
    /// [`CacheError::NotBuilt`] before it is built.
    pub fn cache(&self) -> Result<Cache<M>, CacheError> {
        self.get()?.cache()
    }
}
