//! Shared pages, where the mode counts references.

use crate::common::*;

/// A pool, or one of its caches.
pub enum Through<'a, M: Mode> {
    Pool(&'a Pool<M>),
    Cache(&'a mut Cache<M>),
}

/// What a mode can do with shared pages: everything, or nothing.
pub trait Shares<M: Mode> {
    /// Whether it is everything.
    const COUNTS: bool;
    /// A reference to a page.
    type Shared: Send;
    /// Refuses in a mode that does not count.
    fn share(page: Page<M>) -> Result<Self::Shared, Page<M>>;
    fn bytes(shared: &Self::Shared) -> (PageId, &[u8]);
    /// How many references there are.
    fn count(shared: &Self::Shared) -> u32;
    fn again(shared: &Self::Shared) -> Self::Shared;
    /// Makes so many at once, and hands out the second figure of them.
    fn many(shared: &Self::Shared, n: u32, taken: usize) -> Vec<Self::Shared>;
    fn unique(shared: Self::Shared) -> Result<Page<M>, Self::Shared>;
    /// # Safety
    /// As `Pool::retain_bulk`.
    unsafe fn retain(front: Through<'_, M>, ids: &[PageId]) -> Option<Result<usize, PageError>>;
    /// # Safety
    /// As `Pool::release_bulk`.
    unsafe fn release(front: Through<'_, M>, ids: &[PageId]) -> Option<Result<usize, PageError>>;
    /// # Safety
    /// As `Pool::retain_many`.
    unsafe fn retain_many(front: Through<'_, M>, id: PageId, n: u32) -> Option<()>;
    /// # Safety
    /// As `Pool::release_many`.
    unsafe fn release_many(front: Through<'_, M>, id: PageId, n: u32) -> Option<bool>;
}

/// The mode counts.
pub struct Counted;

impl<M: Refcounted> Shares<M> for Counted {
    const COUNTS: bool = true;
    type Shared = SharedPage<M>;

    fn share(page: Page<M>) -> Result<SharedPage<M>, Page<M>> {
        Ok(page.into_shared())
    }

    fn bytes(shared: &SharedPage<M>) -> (PageId, &[u8]) {
        (shared.id(), shared)
    }

    fn count(shared: &SharedPage<M>) -> u32 {
        shared.refcount()
    }

    fn again(shared: &SharedPage<M>) -> SharedPage<M> {
        shared.clone()
    }

    fn many(shared: &SharedPage<M>, n: u32, taken: usize) -> Vec<SharedPage<M>> {
        shared.retain_many(n).take(taken).collect()
    }

    fn unique(shared: SharedPage<M>) -> Result<Page<M>, SharedPage<M>> {
        shared.try_into_unique()
    }

    unsafe fn retain(front: Through<'_, M>, ids: &[PageId]) -> Option<Result<usize, PageError>> {
        Some(match front {
            // SAFETY: passed on to the caller.
            Through::Pool(pool) => unsafe { pool.retain_bulk(ids) },
            // SAFETY: passed on to the caller.
            Through::Cache(cache) => unsafe { cache.retain_bulk(ids) },
        })
    }

    unsafe fn release(front: Through<'_, M>, ids: &[PageId]) -> Option<Result<usize, PageError>> {
        Some(match front {
            // SAFETY: passed on to the caller.
            Through::Pool(pool) => unsafe { pool.release_bulk(ids) },
            // SAFETY: passed on to the caller.
            Through::Cache(cache) => unsafe { cache.release_bulk(ids) },
        })
    }

    unsafe fn retain_many(front: Through<'_, M>, id: PageId, n: u32) -> Option<()> {
        let retained = match front {
            // SAFETY: passed on to the caller.
            Through::Pool(pool) => unsafe { pool.retain_many(id, n) },
            // SAFETY: passed on to the caller.
            Through::Cache(cache) => unsafe { cache.retain_many(id, n) },
        };
        retained.expect("the page is out");
        Some(())
    }

    unsafe fn release_many(front: Through<'_, M>, id: PageId, n: u32) -> Option<bool> {
        let released = match front {
            // SAFETY: passed on to the caller.
            Through::Pool(pool) => unsafe { pool.release_many(id, n) },
            // SAFETY: passed on to the caller.
            Through::Cache(cache) => unsafe { cache.release_many(id, n) },
        };
        Some(released.expect("the page is out"))
    }
}

/// The mode does not count.
pub struct Uncounted;

impl<M: Mode> Shares<M> for Uncounted {
    const COUNTS: bool = false;
    type Shared = std::convert::Infallible;

    fn share(page: Page<M>) -> Result<Self::Shared, Page<M>> {
        Err(page)
    }

    fn bytes(shared: &Self::Shared) -> (PageId, &[u8]) {
        match *shared {}
    }

    fn count(shared: &Self::Shared) -> u32 {
        match *shared {}
    }

    fn again(shared: &Self::Shared) -> Self::Shared {
        *shared
    }

    fn many(shared: &Self::Shared, _: u32, _: usize) -> Vec<Self::Shared> {
        match *shared {}
    }

    fn unique(shared: Self::Shared) -> Result<Page<M>, Self::Shared> {
        Err(shared)
    }

    unsafe fn retain(_: Through<'_, M>, _: &[PageId]) -> Option<Result<usize, PageError>> {
        None
    }

    unsafe fn release(_: Through<'_, M>, _: &[PageId]) -> Option<Result<usize, PageError>> {
        None
    }

    unsafe fn retain_many(_: Through<'_, M>, _: PageId, _: u32) -> Option<()> {
        None
    }

    unsafe fn release_many(_: Through<'_, M>, _: PageId, _: u32) -> Option<bool> {
        None
    }
}
