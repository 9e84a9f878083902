//! The calls that wait until there are pages: through the pool, because whoever waits has no cache.

use anyhow::{Context, Result};
use pagesheaf::{Mode, PageBatch, Pool};

use crate::contender::{Contender, Setup};

/// `alloc_bulk_async`, and the pool's `free_bulk`.
pub struct Waiting<M: Mode>(Pool<M>);

impl<M: Mode> Contender for Waiting<M> {
    type Bulk<const N: usize> = PageBatch<M, N>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let pool = Pool::builder(setup.pages).mode::<M>();
        let pool = pool.build().context("no pool of so many pages")?;
        Ok((Waiting(pool.clone()), Waiting(pool)))
    }

    fn bulk<const N: usize>() -> PageBatch<M, N> {
        PageBatch::empty()
    }

    fn alloc<const N: usize>(&mut self, bulk: &mut PageBatch<M, N>, n: usize) -> usize {
        self.0.alloc_bulk(bulk, n).allocated
    }

    async fn alloc_waiting<const N: usize>(
        &mut self,
        bulk: &mut PageBatch<M, N>,
        n: usize,
    ) -> usize {
        self.0.alloc_bulk_async(bulk, n).await.map_or(0, |()| n)
    }

    fn free<const N: usize>(&mut self, bulk: &mut PageBatch<M, N>, _: usize) {
        self.0.free_bulk(bulk);
    }
}
