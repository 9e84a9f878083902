//! Idle caches: their pages stay where they are, and whoever runs dry gets them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use crate::common::*;

/// A pool of 64 pages for two caches, of which the first has 16 and the second none; all others are out.
struct Scene<M: Mode> {
    pool: Pool<M>,
    sleeper: Cache<M>,
    other: Cache<M>,
    out: PageBatch<M, 64>,
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool =
            build::<M>(64, |builder| builder.max_caches(2).shared_caches(1).magazine_capacity(16));
        let (mut sleeper, other) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        let mut out = PageBatch::empty();
        assert_eq!(sleeper.alloc_bulk(&mut out, 64).allocated, 64);
        let mut back = out.split_off(48);
        sleeper.free_bulk(&mut back);
        assert!(pool.holders().eq([held(&pool, 0, HolderState::InUse, 16)]), "{pool:#}");
        Scene { pool, sleeper, other, out }
    }

    fn end(self) {
        drop((self.sleeper, self.other, self.out));
        assert_whole(self.pool);
    }
}

/// What the pool says of this cache, which must be this.
#[track_caller]
fn held<M: Mode>(pool: &Pool<M>, number: usize, state: HolderState, pages: usize) -> Holder {
    let holder = pool.holders().find(|holder| holder.number == number).expect("it holds pages");
    assert_eq!((holder.state, holder.pages), (state, pages), "{pool:#}");
    holder
}

/// Allocates so many, and why not more.
fn take<M: Mode>(front: &mut impl Front<M>, want: usize) -> (usize, Option<ShortReason>) {
    let BulkAlloc { allocated, reason } = front.alloc_bulk(&mut PageBatch::<M, 64>::empty(), want);
    (allocated, reason)
}

fn idle_pages_can_be_had<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let cached = (0, Some(ShortReason::Cached));
    assert_eq!((take(&mut scene.other, 5), take(&mut scene.pool, 5)), (cached, cached));
    scene.end();
    // Nobody has asked this one: it keeps its pages until somebody takes them.
    let Scene { pool, mut sleeper, mut other, out } = Scene::<M>::new();
    let mut had = PageBatch::<M, 64>::empty();
    sleeper.idle(|| {
        assert_eq!(other.alloc_bulk(&mut had, 5), BulkAlloc { allocated: 5, reason: None });
        let bulk = pool.alloc_bulk(&mut had, 11);
        let short = BulkAlloc { allocated: 11, reason: None };
        // The other cache may hold what came with its five pages.
        assert!(bulk == short || bulk.reason == Some(ShortReason::Cached), "{bulk:?}");
        let mut rest = || {
            let missing = 17 - had.len();
            other.alloc_bulk(&mut had, missing)
        };
        // Then the pool found nothing, and is served first, once.
        let first = rest();
        let rest = if first.reason == Some(ShortReason::Busy) { rest() } else { first };
        assert_eq!((had.len(), rest.reason), (16, Some(ShortReason::Exhausted)));
    });
    assert_eq!(pool.holders().count(), 0);
    sleeper.free_bulk(&mut had);
    if let Some(stats) = pool.stats() {
        assert!(stats.calls.idle_refills > 0, "{stats}");
    }
    Scene { pool, sleeper, other, out }.end();
}

/// Without shared caches too, where calls of the pool have no slot at all.
fn a_pool_without_slots_gets_idle_pages<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.max_caches(2).shared_caches(0));
    let mut caches = [(); 2].map(|()| pool.cache().expect("a cache"));
    for cache in &mut caches {
        let mut batch = PageBatch::<M, 64>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 4).allocated, 4);
        cache.free_bulk(&mut batch);
    }
    assert!(pool.holders().map(|holder| holder.pages).sum::<usize>() >= 8, "{pool:#}");
    let parked = caches.map(Cache::park);
    assert_eq!(take(&mut pool.clone(), 64), (64, None));
    drop(parked);
    assert_whole(pool);
}

fn nothing_moves_when_a_cache_goes_idle<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let Scene { pool, sleeper, .. } = &mut scene;
    let before = pool.audit();
    let answer = sleeper.idle(|| {
        held(pool, 0, HolderState::Idle, 16);
        "an answer"
    });
    assert_eq!((answer, pool.audit()), ("an answer", before));
    held(pool, 0, HolderState::InUse, 16);
    // The next call takes the fast path again: all sixteen lie where they lay.
    assert_eq!(take(sleeper, 16), (16, None));
    scene.end();
}

fn a_panic_ends_the_idle_time<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let Scene { pool, sleeper, other, .. } = &mut scene;
    let caught = catch_unwind(AssertUnwindSafe(|| sleeper.idle(|| panic!("the caller's"))));
    assert!(caught.is_err());
    held(pool, 0, HolderState::InUse, 16);
    assert_eq!(take(other, 1), (0, Some(ShortReason::Cached)));
    scene.end();
}

fn a_parked_cache_keeps_its_pages<M: Mode>() {
    let Scene { pool, sleeper, mut other, out } = Scene::<M>::new();
    let parked = sleeper.park();
    assert_eq!(parked.number(), 0);
    held(&pool, 0, HolderState::Idle, 16);
    assert!(format!("{parked:?}").starts_with("ParkedCache of "), "{parked:?}");
    assert!(pool.cache().is_err(), "the slot is the parked cache's");
    let sleeper = parked.resume();
    held(&pool, 0, HolderState::InUse, 16);
    // Once more, and on another thread.
    let parked = thread::spawn(move || sleeper.park()).join().expect("no panic");
    let mut had = PageBatch::<M, 64>::empty();
    assert_eq!(other.alloc_bulk(&mut had, 15).allocated, 15);
    let mut sleeper = parked.resume();
    assert_eq!(take(&mut sleeper, 1), (0, Some(ShortReason::Cached)), "the other has the last");
    drop(had);
    Scene { pool, sleeper, other, out }.end();
}

fn a_parked_cache_is_dropped_as_a_cache<M: Mode>() {
    let Scene { pool, sleeper, other, out } = Scene::<M>::new();
    drop(sleeper.park());
    assert_eq!((pool.holders().count(), pool.audit().pages.free), (0, 16));
    let sleeper = pool.cache().expect("its slot is free");
    Scene { pool, sleeper, other, out }.end();
}

fn a_forgotten_parked_cache_loses_no_page<M: Mode>() {
    let Scene { pool, sleeper, mut other, out } = Scene::<M>::new();
    std::mem::forget(sleeper.park());
    assert_eq!(take(&mut other, 17), (16, Some(ShortReason::Exhausted)));
    drop((other, out));
    assert_adds_up(&pool);
    assert_eq!(take(&mut pool.clone(), 64), (64, None));
    // Its handle is lost.
    assert_eq!(pool.close().expect_err("a handle lives").handles(), 1);
}

fn a_block_forms_of_idle_pages<M: Mode>() {
    let Scene { pool, mut sleeper, mut other, out } = Scene::<M>::new();
    drop(out);
    pool.drain();
    let order = ORDER_6;
    let block = sleeper.idle(|| other.alloc_block(order)).expect("nobody else has pages");
    assert_eq!(block.len(), 64 * pool.page_size());
    other.free_block(block);
    let block = sleeper.idle(|| pool.alloc_block(order)).expect("nobody else has pages");
    drop(block);
    Scene { pool, sleeper, other, out: PageBatch::empty() }.end();
}

fn an_exact_call_gets_idle_pages<M: Mode>() {
    let mut batch = PageBatch::<M, 64>::empty();
    let mut scene = Scene::<M>::new();
    let error = scene.other.alloc_bulk_exact(&mut batch, 16).expect_err("the sleeper has them");
    assert_eq!(error.reason, ShortReason::Cached);
    scene.end();
    let mut scene = Scene::<M>::new();
    let Scene { sleeper, other, .. } = &mut scene;
    let exact = sleeper.idle(|| other.alloc_bulk_exact(&mut batch, 16));
    assert_eq!(exact, Ok(()));
    drop(batch);
    scene.end();
}

/// All pages lie in the caches of seven threads that sleep, each in its own way.
fn the_eighth_gets_all<M: Mode>(sleep: impl Fn(Cache<M>, &Barrier, &Barrier) + Sync) {
    let pool =
        build::<M>(64, |builder| builder.max_caches(8).shared_caches(1).magazine_capacity(16));
    let mut eighth = pool.cache().expect("a cache");
    let (asleep, awake) = (Barrier::new(8), Barrier::new(8));
    let mut shares = [(); 7].map(|()| PageBatch::<M, 64>::empty());
    for (at, share) in shares.iter_mut().enumerate() {
        let pages = 9 + usize::from(at == 0);
        assert_eq!(eighth.alloc_bulk(share, pages).allocated, pages);
    }
    thread::scope(|scope| {
        let (pool, asleep, awake, sleep) = (&pool, &asleep, &awake, &sleep);
        for mut share in shares {
            let mut cache = pool.cache().expect("a cache");
            scope.spawn(move || {
                cache.free_bulk(&mut share);
                sleep(cache, asleep, awake);
            });
        }
        asleep.wait();
        let holders: Vec<_> = pool.holders().collect();
        let held = holders.iter().map(|holder| holder.pages).sum::<usize>();
        assert_eq!((holders.len(), held), (7, 64), "{pool:#}");
        assert!(holders.iter().all(|holder| holder.state == HolderState::Idle), "{pool:#}");
        let mut batch = PageBatch::<M, 64>::empty();
        let bulk = eighth.alloc_bulk(&mut batch, 64);
        assert_eq!(bulk, BulkAlloc { allocated: 64, reason: None });
        assert_eq!(pool.holders().count(), 0);
        drop(batch);
        awake.wait();
    });
    drop(eighth);
    assert_whole(pool);
}

fn seven_are_idle_and_the_eighth_gets_all<M: Mode>() {
    the_eighth_gets_all::<M>(|mut cache, asleep, awake| {
        cache.idle(|| {
            asleep.wait();
            awake.wait();
        });
    });
}

fn seven_are_parked_and_the_eighth_gets_all<M: Mode>() {
    the_eighth_gets_all::<M>(|cache, asleep, awake| {
        let parked = cache.park();
        asleep.wait();
        awake.wait();
        drop(parked.resume());
    });
}

fn a_report_says_who_has_the_pages<M: Mode>() {
    let Scene { pool, sleeper, other, mut out } = Scene::<M>::new();
    assert_eq!((sleeper.number(), other.number()), (0, 1));
    pool.free(out.pop().expect("a page"));
    let texts: Vec<_> = pool.holders().map(|holder| holder.to_string()).collect();
    assert_eq!(texts, ["cache 0 (in use) holds 16 pages", "cache 2 (shared) holds 1 page"]);
    let parked = sleeper.park();
    let report = format!("{pool:#}");
    let lines: Vec<_> = report.lines().skip(1).collect();
    let wanted = [
        "  cache 0 (idle) holds 16 pages",
        "  cache 1 (in use) holds 0 pages",
        "  cache 2 (shared) holds 1 page",
    ];
    assert_eq!(lines.len(), 3, "{report}");
    for (line, wanted) in lines.iter().zip(wanted) {
        let rest = line.strip_prefix(wanted).unwrap_or_else(|| panic!("{wanted}: {report}"));
        assert_eq!(rest.starts_with(": allocated "), M::STATS, "{report}");
    }
    assert!(ShortReason::Cached.to_string().contains("Pool::holders"));
    Scene { pool, sleeper: parked.resume(), other, out }.end();
}

/// Caches that come and go, sleep and work, and a pool that is too small for all of them.
fn sleepers_and_workers_lose_no_page<M: Mode>() {
    let pool =
        build::<M>(48, |builder| builder.max_caches(8).shared_caches(2).magazine_capacity(8));
    thread::scope(|scope| {
        for seed in 1..4 {
            let pool = &pool;
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let mut cache = pool.cache().expect("a cache");
                for _ in 0..often(1000) {
                    let mut batch = PageBatch::<M, 64>::empty();
                    let bulk = cache.alloc_bulk(&mut batch, random.below(30));
                    assert_eq!(bulk.allocated, batch.len());
                    batch.iter_mut().for_each(|page| page.fill(seed as u8));
                    match random.below(4) {
                        0 => cache.idle(thread::yield_now),
                        1 => {
                            let parked = cache.park();
                            thread::yield_now();
                            cache = parked.resume();
                        }
                        2 if random.below(8) == 0 => {
                            drop(cache.park());
                            cache = pool.cache().expect("its slot, or another one");
                        }
                        _ => {}
                    }
                    assert!(batch.iter().all(|page| page.iter().all(|&it| it == seed as u8)));
                    cache.free_bulk(&mut batch);
                }
            });
        }
    });
    assert_whole(pool);
}

every_mode!(
    idle_pages_can_be_had,
    a_pool_without_slots_gets_idle_pages,
    nothing_moves_when_a_cache_goes_idle,
    a_panic_ends_the_idle_time,
    a_parked_cache_keeps_its_pages,
    a_parked_cache_is_dropped_as_a_cache,
    a_forgotten_parked_cache_loses_no_page,
    a_block_forms_of_idle_pages,
    an_exact_call_gets_idle_pages,
    seven_are_idle_and_the_eighth_gets_all,
    seven_are_parked_and_the_eighth_gets_all,
    a_report_says_who_has_the_pages,
    sleepers_and_workers_lose_no_page,
);
