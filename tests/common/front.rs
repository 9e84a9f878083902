//! The calls that caches and pools both have, as a trait, so that one body tests both.

use std::mem::MaybeUninit;

use pagesheaf::{
    Block, BulkAlloc, Cache, ExactError, Mode, Order, Page, PageBatch, PageError, PageId,
    PlaceError, Pool, Refcounted, ShortReason,
};

/// A cache or a pool. The methods are theirs.
pub trait Front<M: Mode> {
    fn alloc(&mut self) -> Result<Page<M>, ShortReason>;
    fn alloc_zeroed(&mut self) -> Result<Page<M>, ShortReason>;
    fn free(&mut self, page: Page<M>);
    fn alloc_bulk<const N: usize>(&mut self, batch: &mut PageBatch<M, N>, want: usize)
    -> BulkAlloc;
    fn alloc_bulk_zeroed<const N: usize>(
        &mut self,
        batch: &mut PageBatch<M, N>,
        n: usize,
    ) -> BulkAlloc;
    fn alloc_bulk_exact<const N: usize>(
        &mut self,
        batch: &mut PageBatch<M, N>,
        want: usize,
    ) -> Result<(), ExactError>;
    fn fill_vacant(&mut self, pages: &mut [Option<Page<M>>]) -> BulkAlloc;
    fn free_bulk<const N: usize>(&mut self, batch: &mut PageBatch<M, N>);
    fn free_all(&mut self, pages: impl IntoIterator<Item = Page<M>>);
    fn alloc_block(&mut self, order: Order) -> Result<Block<M>, ShortReason>;
    fn alloc_blocks_bulk(&mut self, order: Order, out: &mut [Option<Block<M>>]) -> BulkAlloc;
    fn free_block(&mut self, block: Block<M>);
    fn alloc_raw(&mut self) -> Result<PageId, ShortReason>;
    /// # Safety
    /// As the cache's.
    unsafe fn free_raw(&mut self, id: PageId) -> Result<(), PageError>;
    fn alloc_block_raw(&mut self, order: Order) -> Result<PageId, ShortReason>;
    fn alloc_blocks_bulk_raw<'o>(
        &mut self,
        order: Order,
        out: &'o mut [MaybeUninit<PageId>],
    ) -> (&'o mut [PageId], Option<ShortReason>);
    /// # Safety
    /// As the cache's.
    unsafe fn free_block_raw(&mut self, first: PageId, order: Order) -> Result<(), PageError>;
    fn alloc_at(&mut self, id: PageId) -> Result<Page<M>, PlaceError>;
    fn alloc_at_raw(&mut self, id: PageId) -> Result<(), PlaceError>;
    fn alloc_block_at(&mut self, first: PageId, order: Order) -> Result<Block<M>, PlaceError>;
    fn alloc_block_at_raw(&mut self, first: PageId, order: Order) -> Result<(), PlaceError>;
    fn alloc_bulk_raw<'o>(
        &mut self,
        out: &'o mut [MaybeUninit<PageId>],
    ) -> (&'o mut [PageId], Option<ShortReason>);
    /// # Safety
    /// As the cache's.
    unsafe fn free_bulk_raw(&mut self, ids: &[PageId]) -> Result<(), PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn free_bulk_ignoring_refcounts(&mut self, ids: &[PageId]) -> Result<(), PageError>;
    fn lend_bulk<'o, const N: usize>(
        &mut self,
        batch: &mut PageBatch<M, N>,
        out: &'o mut [MaybeUninit<PageId>],
    ) -> &'o mut [PageId];
    /// # Safety
    /// As the cache's.
    unsafe fn reclaim_bulk<const N: usize>(
        &mut self,
        ids: &[PageId],
        batch: &mut PageBatch<M, N>,
    ) -> Result<usize, PageError>;
}

/// A cache or a pool of pages with reference counts.
pub trait SharedFront<M: Refcounted>: Front<M> {
    /// # Safety
    /// As the cache's.
    unsafe fn retain_bulk(&mut self, ids: &[PageId]) -> Result<usize, PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn release_bulk(&mut self, ids: &[PageId]) -> Result<usize, PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn retain_many(&mut self, id: PageId, n: u32) -> Result<(), PageError>;
    /// # Safety
    /// As the cache's.
    unsafe fn release_many(&mut self, id: PageId, n: u32) -> Result<bool, PageError>;
}

macro_rules! front {
    ($type:ident) => {
        impl<M: Mode> Front<M> for $type<M> {
            fn alloc(&mut self) -> Result<Page<M>, ShortReason> {
                $type::alloc(self)
            }
            fn alloc_zeroed(&mut self) -> Result<Page<M>, ShortReason> {
                $type::alloc_zeroed(self)
            }
            fn free(&mut self, page: Page<M>) {
                $type::free(self, page);
            }
            fn alloc_bulk<const N: usize>(
                &mut self,
                b: &mut PageBatch<M, N>,
                want: usize,
            ) -> BulkAlloc {
                $type::alloc_bulk(self, b, want)
            }
            fn alloc_bulk_zeroed<const N: usize>(
                &mut self,
                batch: &mut PageBatch<M, N>,
                want: usize,
            ) -> BulkAlloc {
                $type::alloc_bulk_zeroed(self, batch, want)
            }
            fn alloc_bulk_exact<const N: usize>(
                &mut self,
                batch: &mut PageBatch<M, N>,
                want: usize,
            ) -> Result<(), ExactError> {
                $type::alloc_bulk_exact(self, batch, want)
            }
            fn fill_vacant(&mut self, pages: &mut [Option<Page<M>>]) -> BulkAlloc {
                $type::fill_vacant(self, pages).into()
            }
            fn free_bulk<const N: usize>(&mut self, batch: &mut PageBatch<M, N>) {
                $type::free_bulk(self, batch);
            }
            fn free_all(&mut self, pages: impl IntoIterator<Item = Page<M>>) {
                $type::free_all(self, pages);
            }
            fn alloc_block(&mut self, order: Order) -> Result<Block<M>, ShortReason> {
                $type::alloc_block(self, order)
            }
            fn alloc_blocks_bulk(
                &mut self,
                order: Order,
                out: &mut [Option<Block<M>>],
            ) -> BulkAlloc {
                $type::alloc_blocks_bulk(self, order, out).into()
            }
            fn free_block(&mut self, block: Block<M>) {
                $type::free_block(self, block);
            }
            fn alloc_raw(&mut self) -> Result<PageId, ShortReason> {
                $type::alloc_raw(self)
            }
            unsafe fn free_raw(&mut self, id: PageId) -> Result<(), PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::free_raw(self, id) }
            }
            fn alloc_block_raw(&mut self, order: Order) -> Result<PageId, ShortReason> {
                $type::alloc_block_raw(self, order)
            }
            fn alloc_blocks_bulk_raw<'o>(
                &mut self,
                order: Order,
                out: &'o mut [MaybeUninit<PageId>],
            ) -> (&'o mut [PageId], Option<ShortReason>) {
                $type::alloc_blocks_bulk_raw(self, order, out)
            }
            unsafe fn free_block_raw(
                &mut self,
                first: PageId,
                order: Order,
            ) -> Result<(), PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::free_block_raw(self, first, order) }
            }
            fn alloc_at(&mut self, id: PageId) -> Result<Page<M>, PlaceError> {
                $type::alloc_at(self, id)
            }
            fn alloc_at_raw(&mut self, id: PageId) -> Result<(), PlaceError> {
                $type::alloc_at_raw(self, id)
            }
            fn alloc_block_at(
                &mut self,
                first: PageId,
                order: Order,
            ) -> Result<Block<M>, PlaceError> {
                $type::alloc_block_at(self, first, order)
            }
            fn alloc_block_at_raw(
                &mut self,
                first: PageId,
                order: Order,
            ) -> Result<(), PlaceError> {
                $type::alloc_block_at_raw(self, first, order)
            }
            fn alloc_bulk_raw<'o>(
                &mut self,
                out: &'o mut [MaybeUninit<PageId>],
            ) -> (&'o mut [PageId], Option<ShortReason>) {
                $type::alloc_bulk_raw(self, out)
            }
            unsafe fn free_bulk_raw(&mut self, ids: &[PageId]) -> Result<(), PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::free_bulk_raw(self, ids) }
            }
            unsafe fn free_bulk_ignoring_refcounts(
                &mut self,
                ids: &[PageId],
            ) -> Result<(), PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::free_bulk_ignoring_refcounts(self, ids) }
            }
            fn lend_bulk<'o, const N: usize>(
                &mut self,
                batch: &mut PageBatch<M, N>,
                out: &'o mut [MaybeUninit<PageId>],
            ) -> &'o mut [PageId] {
                $type::lend_bulk(self, batch, out)
            }
            unsafe fn reclaim_bulk<const N: usize>(
                &mut self,
                ids: &[PageId],
                batch: &mut PageBatch<M, N>,
            ) -> Result<usize, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::reclaim_bulk(self, ids, batch) }
            }
        }

        impl<M: Refcounted> SharedFront<M> for $type<M> {
            unsafe fn retain_bulk(&mut self, ids: &[PageId]) -> Result<usize, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::retain_bulk(self, ids) }
            }
            unsafe fn release_bulk(&mut self, ids: &[PageId]) -> Result<usize, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::release_bulk(self, ids) }
            }
            unsafe fn retain_many(&mut self, id: PageId, n: u32) -> Result<(), PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::retain_many(self, id, n) }
            }
            unsafe fn release_many(&mut self, id: PageId, n: u32) -> Result<bool, PageError> {
                // SAFETY: passed on to the caller.
                unsafe { $type::release_many(self, id, n) }
            }
        }
    };
}

front!(Cache);
front!(Pool);
