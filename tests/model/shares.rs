//! Shared pages, where the mode counts references.

use crate::common::*;

/// What a mode can do with shared pages: everything, or nothing.
pub trait Shares<M: Mode> {
    /// A reference to a page.
    type Shared: Send;
    /// Refuses in a mode that does not count.
    fn share(page: Page<M>) -> Result<Self::Shared, Page<M>>;
    fn bytes(shared: &Self::Shared) -> (PageId, &[u8]);
    fn again(shared: &Self::Shared) -> Self::Shared;
    fn unique(shared: Self::Shared) -> Result<Page<M>, Self::Shared>;
    /// # Safety
    /// As `Pool::retain_bulk`.
    unsafe fn retain(pool: &Pool<M>, ids: &[PageId]) -> Option<Result<usize, FreeError>>;
    /// # Safety
    /// As `Pool::release_bulk`.
    unsafe fn release(pool: &Pool<M>, ids: &[PageId]) -> Option<Result<usize, FreeError>>;
}

/// The mode counts.
pub struct Counted;

impl<M: Refcounted> Shares<M> for Counted {
    type Shared = SharedPage<M>;

    fn share(page: Page<M>) -> Result<SharedPage<M>, Page<M>> {
        Ok(page.into_shared())
    }

    fn bytes(shared: &SharedPage<M>) -> (PageId, &[u8]) {
        (shared.id(), shared)
    }

    fn again(shared: &SharedPage<M>) -> SharedPage<M> {
        shared.clone()
    }

    fn unique(shared: SharedPage<M>) -> Result<Page<M>, SharedPage<M>> {
        shared.try_into_unique()
    }

    unsafe fn retain(pool: &Pool<M>, ids: &[PageId]) -> Option<Result<usize, FreeError>> {
        // SAFETY: passed on to the caller.
        Some(unsafe { pool.retain_bulk(ids) })
    }

    unsafe fn release(pool: &Pool<M>, ids: &[PageId]) -> Option<Result<usize, FreeError>> {
        // SAFETY: passed on to the caller.
        Some(unsafe { pool.release_bulk(ids) })
    }
}

/// The mode does not count.
pub struct Uncounted;

impl<M: Mode> Shares<M> for Uncounted {
    type Shared = std::convert::Infallible;

    fn share(page: Page<M>) -> Result<Self::Shared, Page<M>> {
        Err(page)
    }

    fn bytes(shared: &Self::Shared) -> (PageId, &[u8]) {
        match *shared {}
    }

    fn again(shared: &Self::Shared) -> Self::Shared {
        *shared
    }

    fn unique(shared: Self::Shared) -> Result<Page<M>, Self::Shared> {
        Err(shared)
    }

    unsafe fn retain(_: &Pool<M>, _: &[PageId]) -> Option<Result<usize, FreeError>> {
        None
    }

    unsafe fn release(_: &Pool<M>, _: &[PageId]) -> Option<Result<usize, FreeError>> {
        None
    }
}
