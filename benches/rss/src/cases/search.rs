//! A search of the zone costs the same in pools of 64 MiB and of 64 GiB, of which 99 % are out.
//!
//! The steps of a search are counted by a unit test, which allows four words of a level. These
//! figures are times, measured in turns, so they say less: the zone of the large pool has 2 MiB and
//! not 2 KiB, so its words come from farther caches. A search that went through the words would take
//! a thousand times as long; the bound is 4.

use std::mem::MaybeUninit;
use std::time::Instant;

use pagesheaf::{Bare, Cache, PageId, Pool, Region};

use crate::rows::Rows;

/// No memory of this process lies here.
const NOWHERE: usize = 1 << 44;

/// The pages of 64 MiB, and of 64 GiB.
const PAGES: [usize; 2] = [64 << 20 >> 12, 64 << 30 >> 12];

/// Pages of a refill.
const BULK: usize = 64;

pub fn search(rows: &mut Rows) {
    let pools = PAGES.map(pool);
    let mut caches = pools.each_ref().map(|pool| pool.cache().expect("a cache"));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        for (cache, times) in caches.iter_mut().zip(&mut times) {
            times.push(refills(cache));
        }
    }
    let [small, large] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    rows.unbounded("a page from 64 MiB of which 99 % are out, and back", "Bare", small, "ns");
    let figure = "a page from 64 GiB of which 99 % are out, and back";
    rows.bounded(figure, "Bare", large, "ns", small * 4.0);
}

/// A pool of which one page in a hundred is free, in the zone.
fn pool(pages: usize) -> Pool<Bare> {
    let region = Region::addresses(NOWHERE, pages * 4096);
    let builder = Pool::builder(pages).mode::<Bare>().region(region);
    let pool = builder.max_caches(2).magazine_capacity(BULK).build().expect("a pool");
    let mut ids = vec![MaybeUninit::uninit(); pages];
    let (all, _) = pool.alloc_bulk_raw(&mut ids);
    assert_eq!(all.len(), pages);
    let mut free: Vec<PageId> = all.iter().copied().step_by(101).collect();
    // In no order.
    let n = free.len();
    (1..n).for_each(|at| free.swap(at, at.wrapping_mul(0x9e37_79b9) % (at + 1)));
    // SAFETY: they are out, are addresses only, and are freed once.
    unsafe { pool.free_bulk_raw(&free) }.expect("they were out");
    pool.drain();
    pool
}

/// Refills a cache some times, and drains it. Returns ns a page.
fn refills(cache: &mut Cache<Bare>) -> f64 {
    const ROUNDS: usize = 16;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let mut ids = [MaybeUninit::uninit(); BULK];
        let (got, _) = cache.alloc_bulk_raw(&mut ids);
        assert_eq!(got.len(), BULK);
        // SAFETY: they were just allocated, are addresses only, and are freed once.
        unsafe { cache.free_bulk_raw(got) }.expect("they were out");
        cache.drain();
    }
    start.elapsed().as_secs_f64() * 1e9 / (ROUNDS * BULK) as f64
}
