//! Buffers that are pages of a pool. Their numbers are the buffer ids.

use pagesheaf::{Cache, DefaultMode, PageBatch, PageId, Pool};

use super::super::Outcome;
use super::provided::Provided;
use super::supply::{BURST, BYTES, Supply};

/// The server's cache.
pub struct Paged {
    pool: Pool,
    cache: Cache,
    received: PageBatch<DefaultMode, BURST>,
}

impl Paged {
    /// For one server. The pool was built with `id_bits(16)`.
    pub fn new(pool: &Pool) -> Outcome<Self> {
        let cache = pool.cache_named("server").build()?;
        Ok(Paged { pool: pool.clone(), cache, received: PageBatch::empty() })
    }
}

fn pages(ids: &[u16]) -> impl Iterator<Item = PageId> {
    ids.iter().map(|&id| PageId::new(id.into()))
}

/// The buffer id of a page: no number of the pool is too large.
fn buffer(id: PageId) -> u16 {
    id.index() as u16
}

impl Supply for Paged {
    fn capacity(&self) -> usize {
        self.pool.capacity()
    }

    fn fill(&mut self, n: usize, ring: &mut Provided) -> Outcome<usize> {
        let mut lending = self.cache.lend_new(n);
        for id in lending.ids() {
            let address = self.pool.ptr(id).expect("a page of this pool").as_ptr();
            ring.push(address, BYTES as u32, buffer(id));
        }
        Ok(lending.taken())
    }

    unsafe fn receive(&mut self, ids: &[u16]) -> Outcome<()> {
        // SAFETY: the kernel is done with the pages, as the caller promises, and wrote bytes.
        unsafe { self.cache.reclaim_at(pages(ids), &mut self.received) }?;
        Ok(())
    }

    fn received(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let ids = self.received.ids().iter().map(|&id| buffer(id));
        ids.zip(self.received.iter())
    }

    fn send(&mut self, send: impl FnMut(u16)) {
        self.cache.lend(&mut self.received).ids().map(buffer).for_each(send);
    }

    unsafe fn complete(&mut self, ids: &[u16]) -> Outcome<()> {
        // SAFETY: as above; nobody else knows the ids, so nobody uses the pages any more.
        unsafe { self.cache.free_lent(pages(ids)) }?;
        Ok(())
    }

    unsafe fn ring_gone(&mut self) -> Option<usize> {
        self.cache.free_bulk(&mut self.received);
        // SAFETY: no page is lent to anybody else than the kernel, which has none any more, as the
        // caller promises. It wrote bytes.
        unsafe { self.pool.reclaim_all() }
    }

    fn idle<R>(&mut self, sleep: impl FnOnce() -> R) -> R {
        self.cache.idle(sleep)
    }
}
