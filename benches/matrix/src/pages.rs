//! The modes of the allocator as contenders.

use std::hint::black_box;
use std::time::Duration;

use pagesheaf::{Cache, Checked, Mode, Page, PageBatch, Pool, Region};

use crate::clock::Cores;
use crate::ring::Ring;
use crate::sample::{self, Contender};
use crate::shapes::KEPT;

/// Pages of each pool.
const PAGES: usize = 1 << 14;

/// A mode, by its owned calls: a cache of its own for each thread, and batches.
pub struct Modal<M: Mode> {
    cache: Cache<M>,
    other: Cache<M>,
    batch: PageBatch<M>,
    kept: Vec<PageBatch<M>>,
    ring: Ring<PageBatch<M>>,
}

impl<M: Mode> Modal<M> {
    pub fn new() -> Self {
        let pool = Pool::builder(PAGES).mode::<M>().region(Region::mapped());
        let pool: Pool<M> = pool.build().expect("a pool");
        let (mut cache, other) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        scatter(&mut cache);
        let kept = std::iter::repeat_with(PageBatch::new).take(KEPT).collect();
        Modal { cache, other, batch: PageBatch::new(), kept, ring: Ring::new(PageBatch::new) }
    }
}

/// Shuffles the order in which pages will be handed out.
fn scatter<M: Mode>(cache: &mut Cache<M>) {
    let mut pages: Vec<Page<M>> = std::iter::from_fn(|| cache.alloc().ok()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..pages.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        pages.swap(at, (random % (at as u64 + 1)) as usize);
    }
    pages.into_iter().for_each(|page| cache.free(page));
}

/// Allocates and frees `bulk` pages, so many times.
#[inline(always)]
fn pairs<M: Mode>(cache: &mut Cache<M>, batch: &mut PageBatch<M>, bulk: usize, rounds: usize) {
    let bulk = black_box(bulk);
    let mut new = 0;
    for _ in 0..rounds {
        new += cache.alloc_bulk(batch, bulk).new;
        black_box(&mut *batch);
        cache.free_bulk(batch);
    }
    assert_eq!(new, bulk * rounds, "a bulk was short");
}

impl<M: Mode> Contender for Modal<M> {
    fn hot_pair(&mut self, bulk: usize, rounds: usize) {
        pairs(&mut self.cache, &mut self.batch, bulk, rounds);
    }

    fn keep(&mut self, bulk: usize, rounds: usize) {
        let kept = &mut self.kept[..KEPT / bulk];
        let bulk = black_box(bulk);
        for _ in 0..rounds {
            let mut new = 0;
            for batch in &mut *kept {
                new += self.cache.alloc_bulk(batch, bulk).new;
            }
            assert_eq!(new, bulk * kept.len(), "a bulk was short");
            for batch in &mut *kept {
                self.cache.free_bulk(batch);
            }
        }
    }

    fn two_threads(&mut self, bulk: usize, rounds: usize, cores: Cores) -> Duration {
        let Modal { cache, other, batch, .. } = self;
        sample::beside(
            cores,
            |go_on| {
                let mut batch = PageBatch::new();
                while go_on() {
                    pairs(other, &mut batch, bulk, 16);
                }
            },
            || pairs(cache, batch, bulk, rounds),
        )
    }

    fn pipe(&mut self, bulk: usize, count: usize, cores: Cores) -> Duration {
        let Modal { cache, other, ring, .. } = self;
        let ring = &*ring;
        let bulk = black_box(bulk);
        sample::beside(
            cores,
            |_| ring.consume(count, |batch| other.free_bulk(batch)),
            || {
                let mut new = 0;
                ring.produce(count, |batch| new += cache.alloc_bulk(batch, bulk).new);
                ring.wait();
                assert_eq!(new, bulk * count, "a bulk was short");
            },
        )
    }
}

/// One page at a time, in the mode `Checked`.
pub struct Single(Cache<Checked>);

impl Single {
    pub fn new() -> Self {
        Single(Modal::new().cache)
    }
}

impl Contender for Single {
    fn hot_pair(&mut self, bulk: usize, rounds: usize) {
        for _ in 0..rounds * bulk {
            let page = self.0.alloc().expect("a page");
            self.0.free(black_box(page));
        }
    }
}
