//! Buffers that are pages of a pool.

use pagesheaf::{Cache, DefaultMode, PageBatch, PageId, Pool};

use super::super::Outcome;
use super::supply::{Batch, DEPTH, Lent, PATIENCE, Supply};

/// A thread's cache. The key of a page is its number.
pub struct Paged {
    pool: Pool,
    cache: Cache,
}

impl Paged {
    /// For a thread with this name.
    pub fn new(pool: &Pool, name: &'static str) -> Outcome<Self> {
        Ok(Paged { pool: pool.clone(), cache: pool.cache_named(name).build()? })
    }
}

/// What a request says of a page. Registered buffers are the pool's regions.
fn lent(pool: &Pool, id: PageId) -> Lent {
    let address = pool.ptr(id).expect("a page of this pool").as_ptr();
    let index = pool.region_of(id).expect("a page of this pool") as u16;
    Lent { key: id.index(), address, index }
}

fn pages(keys: &[u32]) -> impl Iterator<Item = PageId> {
    keys.iter().copied().map(PageId::new)
}

impl Batch for PageBatch<DefaultMode, DEPTH> {
    fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.iter()
    }
}

impl Supply for Paged {
    type Batch = PageBatch<DefaultMode, DEPTH>;

    fn lend_new(&mut self, n: usize, to: &mut Vec<Lent>) {
        to.extend(self.cache.lend_new(n).ids().map(|id| lent(&self.pool, id)));
    }

    fn wait_and_lend(&mut self, n: usize, to: &mut Vec<Lent>) -> Outcome<()> {
        let mut batch = PageBatch::empty();
        // For one: who waits for more keeps what has come until it has all, and reads nothing.
        self.cache.alloc_bulk_timeout(&mut batch, 1, PATIENCE)?;
        self.lend(&mut batch, 1, to);
        self.lend_new(n - 1, to);
        Ok(())
    }

    fn lend(&mut self, batch: &mut Self::Batch, n: usize, to: &mut Vec<Lent>) {
        to.extend(self.cache.lend(batch).ids().take(n).map(|id| lent(&self.pool, id)));
    }

    unsafe fn reclaim(&mut self, keys: &[u32]) -> Outcome<Self::Batch> {
        let mut batch = PageBatch::empty();
        // SAFETY: the kernel is done with the pages, as the caller promises, and wrote bytes.
        unsafe { self.cache.reclaim_at(pages(keys), &mut batch) }?;
        Ok(batch)
    }

    unsafe fn free_lent(&mut self, keys: &[u32]) -> Outcome<()> {
        // SAFETY: as above; nobody else knows the keys, so nobody uses the pages any more.
        unsafe { self.cache.free_lent(pages(keys)) }?;
        Ok(())
    }

    fn idle<R>(&mut self, sleep: impl FnOnce() -> R) -> R {
        self.cache.idle(sleep)
    }
}
