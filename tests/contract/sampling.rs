//! Sampled poison: `poison_every(n)`.
//!
//! A stray write goes through a pointer to a page that is free. No thread but the test's uses the pool, so it finds the
//! write or does not, but nothing is undefined.

use crate::common::*;

/// Pages of a call.
const N: usize = 32;

/// A pool of heap pages that poisons one page in `every`.
fn sampled<M: Mode>(pages: usize, every: u32) -> Pool<M> {
    build::<M>(pages, |builder| builder.page_size(64).poison_every(every))
}

/// Poisoned pages that were looked at so far, where calls are counted.
fn looks<M: Mode>(pool: &Pool<M>) -> u64 {
    pool.stats().expect("a mode with statistics").poison_checks
}

/// Allocates `N` pages and frees them, so many times. Returns how many pages came and went.
fn rounds<M: Mode>(cache: &mut Cache<M>, times: usize) -> u64 {
    let mut batch = PageBatch::<M, N>::empty();
    let mut pages = 0;
    for _ in 0..times {
        pages += cache.alloc_bulk(&mut batch, N).allocated as u64;
        cache.free_bulk(&mut batch);
    }
    pages
}

fn sampling_needs_a_mode_that_poisons<M: Mode>() {
    let refused = |every| Pool::builder(4).mode::<M>().poison_every(every).build().map(drop);
    let mode = ModeFlags::of::<M>();
    let none = refused(0).expect_err("one page in none");
    assert_eq!(none, BuildError::PoisonEvery { pages: 0, mode });
    assert_eq!(none.to_string(), "poison_every(0) poisons one page in none: use 1 for every page");
    if poisons::<M>() {
        // Every page, and hardly any.
        drop(sampled::<M>(4, 1));
        drop(sampled::<M>(4, u32::MAX));
    } else {
        let error = refused(16).expect_err("no poison to sample");
        assert_eq!(error, BuildError::PoisonEvery { pages: 16, mode });
        assert_eq!(
            error.to_string(),
            format!(
                "poison_every needs a mode that poisons: choose one, such as Hardened, or leave it out [{mode}]"
            )
        );
    }
}

fn every_page_is_looked_at_if_nothing_is_said<M: Mode>() {
    if !M::STATS {
        return;
    }
    let silent = build::<M>(256, |builder| builder.page_size(64));
    let pages = rounds(&mut silent.cache().expect("a cache"), 100);
    assert_eq!(looks(&silent), pages);
    let told = sampled::<M>(256, 1);
    let pages = rounds(&mut told.cache().expect("a cache"), 100);
    assert_eq!(looks(&told), pages);
    let report = told.stats().expect("statistics").to_string();
    assert!(report.contains("; poison verified on 3200 pages"), "{report}");
}

fn about_one_page_in_n_is_looked_at<M: Mode>() {
    if !M::STATS {
        return;
    }
    for every in [2, 16, 100] {
        let pool = sampled::<M>(1024, every);
        let pages = rounds(&mut pool.cache().expect("a cache"), 2000);
        let (looks, fair) = (looks(&pool), pages / u64::from(every));
        assert!(
            looks > fair * 8 / 10 && looks < fair * 12 / 10,
            "{looks} of {pages}, 1 in {every}"
        );
    }
}

/// What is dropped without a cache, and what is freed when all slots are busy, has its turn too.
fn pages_that_are_dropped_are_sampled<M: Mode>() {
    if !M::STATS {
        return;
    }
    let pool = sampled::<M>(1024, 8);
    let mut cache = pool.cache().expect("a cache");
    let mut pages = 0;
    for _ in 0..2000 {
        let mut batch = PageBatch::<M, N>::empty();
        pages += cache.alloc_bulk(&mut batch, N).allocated as u64;
    }
    let looks = looks(&pool);
    assert!(looks > pages / 12 && looks < pages / 6, "{looks} of {pages}");
}

/// So have the pages of blocks, which go past the magazines.
fn pages_of_blocks_are_sampled<M: Mode>() {
    if !M::STATS {
        return;
    }
    let pool = sampled::<M>(64, 8);
    let mut cache = pool.cache().expect("a cache");
    let order = Order::new(2).expect("an order");
    for _ in 0..4000 {
        let block = cache.alloc_block(order).expect("a block");
        cache.free_block(block);
    }
    let (looks, pages) = (looks(&pool), 4000 * order.pages() as u64);
    assert!(looks > pages / 12 && looks < pages / 6, "{looks} of {pages}");
}

/// Changes a byte of a page that is free, as nobody should.
fn stray<M: Mode>(pool: &Pool<M>, id: PageId) {
    let byte = pool.ptr(id).expect("a page of the pool").as_ptr();
    // SAFETY: the region lives as long as the pool; that the page is free is what is tried.
    unsafe { byte.write(!byte.read()) };
}

/// Whose turn it is does not depend on the page's number: of all pages, a write after the free is found in time.
fn every_page_has_its_turn<M: Mode>() {
    const PAGES: usize = 64;
    let pool = sampled::<M>(PAGES, 4);
    let mut cache = pool.cache().expect("a cache");
    let mut found = Vec::new();
    // A page escapes 200 turns, of which each is its own once in four times, once in 10^25 times.
    for _ in 0..200 {
        let mut batch = PageBatch::<M, PAGES>::empty();
        let left = cache.alloc_bulk(&mut batch, PAGES).allocated;
        found = pool.bad_pages().collect();
        assert_eq!(left + found.len(), PAGES, "a page is handed out or withheld");
        let ids = batch.ids().to_vec();
        cache.free_bulk(&mut batch);
        ids.into_iter().for_each(|id| stray(&pool, id));
    }
    assert_eq!(found.len(), PAGES, "each was found");
    assert_eq!(format!("{:?}", found[0]), format!("BadPage({})", found[0]));
    assert!(found.iter().all(|bad| bad.fault == Fault::Poison { offset: 0 }), "{found:?}");
}

/// Nor on the rhythm of a program: where a page comes back in every fourth call, it has its turn.
fn a_page_in_step_with_the_sample_has_its_turn<M: Mode>() {
    let pool = sampled::<M>(4, 4);
    let mut cache = pool.cache().expect("a cache");
    for _ in 0..200 {
        let mut batch = PageBatch::<M, 4>::empty();
        if cache.alloc_bulk(&mut batch, 4).allocated < 4 {
            break;
        }
        // In the order of their numbers, so that this page is every fourth, but not the first.
        let mut pages: Vec<_> = batch.into_iter().collect();
        pages.sort_by_key(Page::id);
        pages.into_iter().for_each(|page| cache.free(page));
        stray(&pool, PageId::new(1));
    }
    assert_eq!(pool.bad_pages().map(|bad| bad.page).collect::<Vec<_>>(), [PageId::new(1)]);
}

/// Of a page that has no poison nothing is known, so nothing is said: a stray write to it is not found, and never
/// taken for one to another.
fn a_write_to_a_page_without_poison_is_not_reported<M: Mode>() {
    const PAGES: usize = 64;
    let pool = sampled::<M>(PAGES, u32::MAX);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, PAGES>::empty();
    // The first page of the pool and the first free are sampled; then hardly any page.
    for _ in 0..2 {
        assert_eq!(cache.alloc_bulk(&mut batch, PAGES).allocated, PAGES);
        cache.free_bulk(&mut batch);
    }
    assert_eq!(cache.alloc_bulk(&mut batch, PAGES).allocated, PAGES);
    let ids = batch.ids().to_vec();
    cache.free_bulk(&mut batch);
    ids.iter().for_each(|&id| stray(&pool, id));
    let before = pool.stats().map(|stats| stats.poison_checks);
    assert_eq!(cache.alloc_bulk(&mut batch, PAGES).allocated, PAGES);
    assert_eq!(pool.stats().map(|stats| stats.poison_checks), before, "none was looked at");
    cache.free_bulk(&mut batch);
    drop(cache);
    assert_whole(pool);
}

/// Owners write what they like: to pages of zeros, to lent pages, and to blocks, which leave without a poisoned mark
/// and come back sampled. A write is never reported if its page was out.
fn writes_of_owners_are_not_reported<M: Mode>() {
    for every in [1, 3, 16] {
        let pool = sampled::<M>(256, every);
        let mut cache = pool.cache().expect("a cache");
        let mut random = Random::new(u64::from(every));
        let order = Order::new(2).expect("an order");
        for round in 0..often(2000) as u32 {
            match random.below(5) {
                0 => {
                    let mut page = cache.alloc_zeroed().expect("a page");
                    assert!(page.iter().all(|&byte| byte == 0), "not zeroed");
                    mark(&mut page, round);
                    cache.free(page);
                }
                1 => {
                    let id = cache.alloc().expect("a page").lend();
                    stray(&pool, id);
                    // SAFETY: the page was lent just now, and its bytes are initialised.
                    let page = unsafe { pool.reclaim(id) }.expect("it is lent");
                    cache.free(page);
                }
                2 => {
                    let Ok(mut block) = cache.alloc_block(order) else { continue };
                    mark(&mut block, round);
                    cache.free_block(block);
                }
                3 => {
                    let mut batch = PageBatch::<M, N>::empty();
                    let _ = cache.alloc_bulk_zeroed(&mut batch, N);
                    batch.iter_mut().for_each(|page| mark(page, round));
                    // Dropped, and so freed without the cache.
                    drop(batch);
                }
                _ => drain(&pool, &mut cache),
            }
        }
        drop(cache);
        assert_whole(pool);
    }
}

/// All pages go to the zone, where blocks are made of them.
fn drain<M: Mode>(pool: &Pool<M>, cache: &mut Cache<M>) {
    cache.drain();
    pool.drain();
}

every_preset!(sampling_needs_a_mode_that_poisons);
every_poisoning_mode!(
    every_page_is_looked_at_if_nothing_is_said,
    about_one_page_in_n_is_looked_at,
    pages_that_are_dropped_are_sampled,
    pages_of_blocks_are_sampled,
    every_page_has_its_turn,
    a_page_in_step_with_the_sample_has_its_turn,
    a_write_to_a_page_without_poison_is_not_reported,
    writes_of_owners_are_not_reported,
);
