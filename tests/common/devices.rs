//! The calls by which devices get pages, which caches and pools both have, as a trait.

use pagesheaf::{
    Cache, FromBatch, Lender, Lending, Mode, Page, PageBatch, PageError, PageId, Pool,
};

use super::Front;

/// A cache or a pool. The methods are theirs.
pub trait DeviceFront<M: Mode>: Front<M> {
    fn lend_new(&mut self, n: usize) -> Lending<impl Lender>;
    fn lend<'l, const N: usize>(
        &'l mut self,
        batch: &'l mut PageBatch<M, N>,
    ) -> Lending<FromBatch<'l, M, N>>;
    /// # Safety
    /// As the cache's.
    unsafe fn reclaim_at<const N: usize>(
        &mut self,
        offsets: impl IntoIterator<Item = u64>,
        batch: &mut PageBatch<M, N>,
    ) -> Result<usize, PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn free_lent(
        &mut self,
        offsets: impl IntoIterator<Item = u64>,
    ) -> Result<usize, PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn reclaim(&mut self, id: PageId) -> Result<Page<M>, PageError>;
    fn offset(&self, id: PageId) -> u64;
}

macro_rules! device_front {
    ($type:ident) => {
        impl<M: Mode> DeviceFront<M> for $type<M> {
            fn lend_new(&mut self, n: usize) -> Lending<impl Lender> {
                $type::lend_new(self, n)
            }
            fn lend<'l, const N: usize>(
                &'l mut self,
                batch: &'l mut PageBatch<M, N>,
            ) -> Lending<FromBatch<'l, M, N>> {
                $type::lend(self, batch)
            }
            unsafe fn reclaim_at<const N: usize>(
                &mut self,
                offsets: impl IntoIterator<Item = u64>,
                batch: &mut PageBatch<M, N>,
            ) -> Result<usize, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::reclaim_at(self, offsets, batch) }
            }
            unsafe fn free_lent(
                &mut self,
                offsets: impl IntoIterator<Item = u64>,
            ) -> Result<usize, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::free_lent(self, offsets) }
            }
            unsafe fn reclaim(&mut self, id: PageId) -> Result<Page<M>, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::reclaim(self, id) }
            }
            fn offset(&self, id: PageId) -> u64 {
                $type::offset(self, id).expect("a page of the pool")
            }
        }
    };
}

device_front!(Cache);
device_front!(Pool);
