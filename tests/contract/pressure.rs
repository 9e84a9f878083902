//! Who finds nothing gets pages in the end, whoever else allocates and frees meanwhile.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use crate::common::*;

/// A pool whose caches can hold all of its pages.
fn small<M: Mode>(pages: usize, caches: usize) -> Pool<M> {
    build(pages, |builder| {
        builder.max_caches(caches).shared_caches(1).magazine_capacity(pages.min(64))
    })
}

/// Tries of one caller: how many got pages, and the most in a row that got none.
#[derive(Default)]
struct Tries {
    served: usize,
    waiting: usize,
    longest: usize,
}

impl Tries {
    fn count(&mut self, served: bool) {
        self.served += usize::from(served);
        self.waiting = if served { 0 } else { self.waiting + 1 };
        self.longest = self.longest.max(self.waiting);
    }
}

/// One that allocates all pages and frees them, again and again, and after each round `other` tries.
fn beside_a_hog<M: Mode>(
    hog: &mut impl Front<M>,
    name: &str,
    mut other: impl FnMut() -> Result<(), ShortReason>,
) {
    let (mut batch, mut tries) = (PageBatch::<M, 64>::empty(), Tries::default());
    let rounds = as_told(2000);
    for _ in 0..rounds {
        let bulk = hog.alloc_bulk(&mut batch, 64);
        assert!(bulk.reason.is_none_or(|why| why != ShortReason::Exhausted), "{bulk:?}");
        hog.free_bulk(&mut batch);
        let got = other();
        assert_ne!(got, Err(ShortReason::Exhausted), "no page is out");
        tries.count(got.is_ok());
    }
    println!("{name}: {} of {rounds}, longest wait {} rounds", tries.served, tries.longest);
    assert!(tries.longest <= 2, "{name}: {} rounds in a row", tries.longest);
}

fn beside_a_hog_everybody_is_served<M: Mode>() {
    let fresh = || {
        let pool = small::<M>(64, 2);
        let (hog, other) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        (pool, hog, other)
    };
    let (pool, mut hog, mut other) = fresh();
    beside_a_hog(&mut hog, "a cache", || other.alloc().map(|page| other.free(page)));
    drop((hog, other));
    assert_whole(pool);
    let (pool, mut hog, mut other) = fresh();
    beside_a_hog(&mut hog, "a cache that drops", || other.alloc().map(drop));
    drop((hog, other));
    assert_whole(pool);
    let (pool, mut hog, _) = fresh();
    beside_a_hog(&mut hog, "the pool", || pool.alloc().map(drop));
    let (pool, mut hog, mut other) = fresh();
    let four = Order::new(2).expect("legal");
    beside_a_hog(&mut hog, "a block", || {
        other.alloc_block(four).map(|block| other.free_block(block))
    });
    drop((hog, other));
    assert_whole(pool);
    let (_pool, mut hog, mut other) = fresh();
    let mut batch = PageBatch::<M, 64>::empty();
    beside_a_hog(&mut hog, "all or none", || {
        other.alloc_bulk_exact(&mut batch, 60).map_err(|error| error.reason)?;
        other.free_bulk(&mut batch);
        Ok(())
    });
    let (pool, _, mut other) = fresh();
    beside_a_hog(&mut pool.clone(), "beside the pool", || {
        other.alloc().map(|page| other.free(page))
    });
}

/// The other only asks now and then, and the hog only holds pages for a moment between two frees.
fn an_asked_cache_does_not_take_everything_back<M: Mode>() {
    let pool = small::<M>(64, 2);
    let (mut hog, mut other) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(hog.alloc_bulk(&mut batch, 64).allocated, 64);
    hog.free_bulk(&mut batch);
    assert_eq!(other.alloc().expect_err("all are cached"), ShortReason::Cached);
    let bulk = BulkAlloc { allocated: 63, reason: Some(ShortReason::Busy) };
    assert_eq!(hog.alloc_bulk(&mut batch, 64), bulk);
    drop(other.alloc().expect("one was left"));
    // Who has left some is not held back again, and who was served asks no more.
    hog.free_bulk(&mut batch);
    assert_eq!(hog.alloc_bulk(&mut batch, 64).reason, None);
    hog.free_bulk(&mut batch);
    drop((hog, other));
    assert_whole(pool);
}

/// A request wears off: at rest the hog keeps its pages at hand again, and has them all.
fn a_caller_that_never_comes_back_costs_little<M: Mode>() {
    let pool = small::<M>(64, 2);
    let (mut hog, mut gone) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M, 64>::empty();
    for dry in [1, 100] {
        assert_eq!(hog.alloc_bulk(&mut batch, 64).allocated, 64);
        for _ in 0..dry {
            assert_eq!(gone.alloc().expect_err("all are out"), ShortReason::Exhausted);
        }
        hog.free_bulk(&mut batch);
        assert_eq!(pool.audit().pages.free, 64, "what is freed goes where it can be had");
        let mut rounds = 0;
        while pool.audit().pages.cached == 0 {
            rounds += 1;
            assert!(rounds <= 5 * dry, "{rounds} rounds");
            let got = hog.alloc_bulk(&mut batch, 64);
            assert!(got.allocated >= 63, "{got:?}");
            hog.free_bulk(&mut batch);
        }
        println!("{dry} dry calls: {rounds} rounds past the cache");
    }
    assert_eq!(hog.alloc_bulk(&mut batch, 64).reason, None);
}

/// A cache that was dry frees a page of its own, and is dry no more.
fn a_cache_that_freed_a_page_asks_no_more<M: Mode>() {
    let pool = small::<M>(64, 2);
    let (mut hog, mut poor) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M, 64>::empty();
    let page = poor.alloc().expect("a page");
    poor.drain();
    assert_eq!(hog.alloc_bulk(&mut batch, 63).allocated, 63);
    for _ in 0..100 {
        assert_eq!(poor.alloc().expect_err("all are out"), ShortReason::Exhausted);
    }
    poor.free(page);
    drop(poor.alloc().expect("its own"));
    hog.free_bulk(&mut batch);
    let past = |_: &usize| {
        assert!(hog.alloc_bulk(&mut batch, 32).allocated > 0);
        hog.free_bulk(&mut batch);
        pool.holders().all(|holder| holder.number != hog.number())
    };
    let rounds = (0..1000).take_while(past).count();
    assert!(rounds <= 1, "{rounds} rounds");
}

/// How many rounds a cache makes past its slot, when a call of the pool that was dry again and again has got pages.
fn rounds_after<M: Mode>(shared: usize, served: impl FnOnce(&Pool<M>)) -> usize {
    let pool =
        build::<M>(64, |builder| builder.max_caches(1).shared_caches(shared).magazine_capacity(64));
    let mut hog = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(hog.alloc_bulk(&mut batch, 64).allocated, 64);
    for _ in 0..100 {
        assert_eq!(pool.alloc().expect_err("all are out"), ShortReason::Exhausted);
    }
    hog.free_bulk(&mut batch);
    served(&pool);
    let past = |_: &usize| {
        assert!(hog.alloc_bulk(&mut batch, 32).allocated > 0);
        hog.free_bulk(&mut batch);
        pool.holders().all(|holder| holder.state == HolderState::Shared)
    };
    (0..1000).take_while(past).count()
}

/// With a slot, and where there is none.
fn a_pool_that_was_served_asks_no_more<M: Mode>() {
    let four = Order::new(2).expect("legal");
    for shared in [1, 0] {
        let one = rounds_after::<M>(shared, |pool| drop(pool.alloc().expect("a page")));
        let exact = rounds_after::<M>(shared, |pool| {
            assert_eq!(pool.alloc_bulk_exact(&mut PageBatch::<M, 64>::empty(), 3), Ok(()));
        });
        let block = rounds_after::<M>(shared, |pool| drop(pool.alloc_block(four).expect("four")));
        assert!([one, exact, block].iter().all(|&rounds| rounds <= 1), "{one} {exact} {block}");
    }
}

/// So many tries in a row that get nothing are too many. In a hundred races on two processors, most of them beside four
/// other programs, the most were 1,118. Where nobody asks for pages, two of eight threads take all, and the others
/// none.
const LONGEST: usize = 20_000;

/// Each of `threads` threads wants one page, again and again, until each has got `often` of them.
fn race_for_pages<M: Mode>(pool: &Pool<M>, threads: usize, wanted: usize, caches: bool) {
    let unserved = AtomicU32::new(threads as u32);
    // Somebody has waited for too long: that is a failure, and the others would never end.
    let over = AtomicBool::new(false);
    let start = Barrier::new(threads);
    let waits: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                let (unserved, over, start) = (&unserved, &over, &start);
                scope.spawn(move || {
                    let mut cache = caches.then(|| pool.cache().expect("a cache"));
                    let mut tries = Tries::default();
                    start.wait();
                    while unserved.load(Ordering::Relaxed) > 0 && !over.load(Ordering::Relaxed) {
                        let page = match &mut cache {
                            Some(cache) => cache.alloc().map(|page| cache.free(page)),
                            None => pool.alloc().map(|page| pool.free(page)),
                        };
                        tries.count(page.is_ok());
                        if page.is_err() {
                            thread::yield_now();
                        } else if tries.served == wanted {
                            unserved.fetch_sub(1, Ordering::Relaxed);
                        }
                        if tries.longest >= LONGEST {
                            over.store(true, Ordering::Relaxed);
                        }
                    }
                    (tries.served, tries.longest)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let longest = waits.iter().map(|wait| wait.1).max().expect("threads");
    let served: Vec<_> = waits.iter().map(|wait| wait.0).collect();
    println!("{threads} threads, caches {caches}: longest wait {longest} tries; served {served:?}");
    assert!(longest < LONGEST, "{longest} tries in a row");
    assert!(served.iter().all(|&served| served >= wanted));
}

fn of_eight_threads_each_gets_pages<M: Mode>() {
    for caches in [true, false] {
        let pool = small::<M>(2, 8);
        race_for_pages(&pool, 8, often(40), caches);
        assert_whole(pool);
    }
}

/// All pages but one are free, and that one is in the way of the block.
fn what_is_freed_next_completes_a_block<M: Mode>() {
    let pool = small::<M>(64, 2);
    let (mut holder, mut asker) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let page = holder.alloc().expect("a page");
    holder.drain();
    assert_eq!(asker.alloc_block(ORDER_6).expect_err("one is out"), ShortReason::Fragmented);
    // Into the zone, and not into the cache, where no other call could have it.
    holder.free(page);
    assert_eq!(pool.audit().pages.free, 64);
    drop(asker.alloc_block(ORDER_6).expect("all are free"));
    drop((holder, asker));
    assert_whole(pool);
}

/// Nobody is asked for pages that would be of no use.
fn a_block_larger_than_the_pool_asks_nobody<M: Mode>() {
    let pool = small::<M>(64, 2);
    let (mut holder, mut asker) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    drop(holder.alloc().expect("a page"));
    let cached = pool.audit().pages.cached;
    let order = Order::new(7).expect("legal");
    for _ in 0..2 {
        assert_eq!(asker.alloc_block(order).expect_err("128 pages"), ShortReason::Fragmented);
        assert_eq!(pool.alloc_block_raw(order), Err(ShortReason::Fragmented));
        let page = holder.alloc().expect("a page");
        holder.free(page);
    }
    assert_eq!((cached > 0, pool.audit().pages.cached), (true, cached));
    drop((holder, asker));
    assert_whole(pool);
}

/// A call that got some pages leaves other caches alone.
fn a_short_result_with_pages_asks_nobody<M: Mode>() {
    let pool = small::<M>(16, 2);
    let (mut owner, mut other) = (pool.cache().expect("a slot"), pool.cache().expect("a slot"));
    let page = owner.alloc().expect("a new pool");
    owner.free(page);
    let cached = |pool: &Pool<M>| pool.audit().pages.cached as usize;
    let held = cached(&pool);
    let mut batch = PageBatch::<M>::new();
    let got = other.alloc_bulk(&mut batch, 16);
    assert_eq!((got.allocated, got.reason), (16 - held, Some(ShortReason::Cached)));
    next_call(&mut owner);
    assert_eq!(cached(&pool), held, "{pool:#}");
    assert_eq!(other.alloc().err(), Some(ShortReason::Cached));
    next_call(&mut owner);
    assert_eq!(cached(&pool), 0, "who got nothing has asked");
    drop((batch, owner, other));
    assert_whole(pool);
}

every_mode!(
    a_short_result_with_pages_asks_nobody,
    a_block_larger_than_the_pool_asks_nobody,
    beside_a_hog_everybody_is_served,
    an_asked_cache_does_not_take_everything_back,
    a_caller_that_never_comes_back_costs_little,
    a_cache_that_freed_a_page_asks_no_more,
    a_pool_that_was_served_asks_no_more,
    what_is_freed_next_completes_a_block,
    of_eight_threads_each_gets_pages,
);
