//! As many pages as are wanted: batches on the heap, one after the other.
//!
//! Invariant: pages are in the order in which they came, over all batches; any batch may be empty.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use pagesheaf::{BatchError, BulkAlloc, DefaultMode, Mode, Page, PageBatch, ShortReason};

/// A batch that grows: batches of `N` pages on the heap. For a list of pages whose length nobody knows, such as what a
/// request collects on its way; a [`PageBatch`] has a fixed room and needs no heap.
///
/// Pages of several pools can be in it. All calls for batches can be made for it, batch by batch:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pagesheaf::Pool;
/// use pagesheaf_buf::PageVec;
///
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1024).build()?;
/// let mut cache = pool.cache()?;
/// let mut pages = PageVec::new();
/// let bulk = pages.grow(1000, |batch, want| cache.alloc_bulk(batch, want));
/// assert_eq!((bulk.allocated, pages.len()), (1000, 1000));
///
/// pages.push(pool.alloc()?);
/// pages.iter_mut().for_each(|page| page[0] = 7);
/// pages.batches_mut().for_each(|batch| cache.free_bulk(batch));
/// assert!(pages.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct PageVec<M: Mode = DefaultMode, const N: usize = 256> {
    batches: Vec<Box<PageBatch<M, N>>>,
}

impl<M: Mode> PageVec<M, 256> {
    /// None, in batches of 256. The first page takes a batch on the heap: 4 bytes a page and a few more.
    #[must_use]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize> PageVec<M, N> {
    /// None, in batches of `N`.
    ///
    /// # Panics
    /// In the compiler, if `N` is 0.
    #[must_use]
    pub const fn empty() -> Self {
        const { assert!(N > 0, "a batch has room for a page") };
        PageVec { batches: Vec::new() }
    }

    /// How many pages there are. It asks each batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.iter().all(|batch| batch.is_empty())
    }

    /// The last batch, if it has room and `joins` says that it will do; else a new one. Batches at the end that were
    /// emptied go first.
    fn last(&mut self, joins: impl FnOnce(&PageBatch<M, N>) -> bool) -> &mut PageBatch<M, N> {
        while let [.., before, last] = &self.batches[..]
            && before.is_empty()
            && last.is_empty()
        {
            self.batches.pop();
        }
        let will_do = |last: &PageBatch<M, N>| last.remaining_capacity() > 0 && joins(last);
        if !self.batches.last().is_some_and(|last| will_do(last)) {
            self.batches.push(Box::new(PageBatch::empty()));
        }
        self.batches.last_mut().expect("there is one")
    }

    /// Appends up to `want` pages by a call that appends pages to a batch, such as
    /// [`Cache::alloc_bulk`](pagesheaf::Cache::alloc_bulk): it is called for each batch, with what is wanted for that,
    /// until one comes short. Returns how many have come in all, and why no more.
    pub fn grow(
        &mut self,
        want: usize,
        mut alloc: impl FnMut(&mut PageBatch<M, N>, usize) -> BulkAlloc,
    ) -> BulkAlloc {
        let (mut got, mut is_fresh) = (0, false);
        loop {
            let batch = self.last(|last| !is_fresh || last.is_empty());
            let missing = batch.remaining_capacity().min(want - got);
            let BulkAlloc { allocated, reason } = alloc(batch, missing);
            got += allocated;
            // The last batch may have pages of another pool.
            is_fresh = reason == Some(ShortReason::OtherPool) && !batch.is_empty();
            if got == want || !is_fresh && (reason.is_some() || allocated == 0) {
                return BulkAlloc { allocated: got, reason };
            }
        }
    }

    /// Appends a page.
    pub fn push(&mut self, page: Page<M>) {
        let Err(refused) = self.last(|_| true).push(page) else { return };
        debug_assert_eq!(refused.reason, BatchError::OtherPool, "it has room");
        let pushed = self.last(PageBatch::is_empty).push(refused.page);
        pushed.expect("an empty batch takes a page of any pool");
    }

    /// The last page.
    pub fn pop(&mut self) -> Option<Page<M>> {
        loop {
            if let Some(page) = self.batches.last_mut()?.pop() {
                return Some(page);
            }
            self.batches.pop();
        }
    }

    /// Moves all pages of a batch to the end.
    pub fn append<const K: usize>(&mut self, batch: &mut PageBatch<M, K>) {
        self.extend(batch.drain(..));
    }

    /// Frees all pages, without a cache.
    pub fn clear(&mut self) {
        self.batches.clear();
    }

    /// The batches, of which some may be empty: for calls that take pages out of a batch, to be freed or lent.
    pub fn batches_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut PageBatch<M, N>> {
        self.batches.iter_mut().map(|batch| &mut **batch)
    }

    /// The batches, of which some may be empty.
    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &PageBatch<M, N>> {
        self.batches.iter().map(|batch| &**batch)
    }

    /// The bytes of each page.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.batches().flat_map(|batch| batch.iter())
    }

    /// The same, to be written.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.batches_mut().flat_map(|batch| batch.iter_mut())
    }

    /// The pages.
    pub fn into_pages(self) -> impl Iterator<Item = Page<M>> {
        self.batches.into_iter().flat_map(|batch| *batch)
    }
}

impl<M: Mode, const N: usize> Extend<Page<M>> for PageVec<M, N> {
    fn extend<I: IntoIterator<Item = Page<M>>>(&mut self, pages: I) {
        pages.into_iter().for_each(|page| self.push(page));
    }
}

impl<M: Mode, const N: usize> FromIterator<Page<M>> for PageVec<M, N> {
    fn from_iter<I: IntoIterator<Item = Page<M>>>(pages: I) -> Self {
        let mut all = PageVec::empty();
        all.extend(pages);
        all
    }
}

impl<M: Mode, const N: usize> Default for PageVec<M, N> {
    fn default() -> Self {
        PageVec::empty()
    }
}

impl<M: Mode, const N: usize> fmt::Debug for PageVec<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.batches().filter(|batch| !batch.is_empty())).finish()
    }
}
