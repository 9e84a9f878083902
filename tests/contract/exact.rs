//! All or none, where others want the same pages: whoever can be served is, in turn.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::*;

fn hundred<M: Mode>(caches: usize) -> Pool<M> {
    build(100, |builder| builder.max_caches(caches).shared_caches(8))
}

type Batch<M> = PageBatch<M, 100>;

/// With 70 of 100 pages free, one asks for 60 beside one that asks for 90, which cannot be had.
fn a_request_that_can_be_had_is<M: Mode>() {
    let pool = hundred::<M>(2);
    let mut kept = Batch::<M>::empty();
    assert_eq!(pool.alloc_bulk(&mut kept, 30).allocated, 30);
    pool.drain();
    let before = pool.stats();
    let done = AtomicBool::new(false);
    let tries = often(1000) as u64;
    let refused = thread::scope(|scope| {
        let other = scope.spawn(|| {
            let (mut cache, mut batch, mut refused) =
                (pool.cache().expect("a cache"), Batch::<M>::empty(), 0);
            while !done.load(Ordering::Relaxed) || refused == 0 {
                let error = cache.alloc_bulk_exact(&mut batch, 90).expect_err("70 are free");
                assert!(error.had <= 70 && batch.is_empty(), "{error}");
                refused += 1;
            }
            refused
        });
        let (mut cache, mut batch) = (pool.cache().expect("a cache"), Batch::<M>::empty());
        for _ in 0..tries {
            assert_eq!(cache.alloc_bulk_exact(&mut batch, 60), Ok(()));
            cache.free_bulk(&mut batch);
        }
        done.store(true, Ordering::Relaxed);
        other.join().expect("no panic")
    });
    if let (Some(before), Some(after)) = (before, pool.stats()) {
        let (before, after) = (before.calls, after.calls);
        assert_eq!(after.failed_exact - before.failed_exact, refused);
        assert_eq!(after.allocated - before.allocated, 60 * tries);
        assert_eq!(after.freed - before.freed, 60 * tries);
        assert_eq!(after.alloc_calls - before.alloc_calls, tries);
        assert_eq!((after.free_calls - before.free_calls, after.short), (tries, before.short));
    }
    drop(kept);
    assert_whole(pool);
}

/// A magazine would hold as many; still the call looks first.
fn a_small_request_that_falls_short_takes_nothing<M: Mode>() {
    let pool =
        build::<M>(100, |builder| builder.max_caches(1).shared_caches(1).magazine_capacity(64));
    let (mut kept, mut batch) = (Batch::<M>::empty(), Batch::<M>::empty());
    assert_eq!(pool.alloc_bulk(&mut kept, 60).allocated, 60);
    pool.drain();
    let mut cache = pool.cache().expect("a cache");
    let calls = || pool.stats().map(|stats| stats.calls);
    for refused in 1..4 {
        let before = calls();
        let error = cache.alloc_bulk_exact(&mut batch, 41).expect_err("40 are free");
        assert_eq!((error.had, error.reason), (40, ShortReason::Exhausted));
        if let (Some(before), Some(after)) = (before, calls()) {
            let (refills, failed) = (after.zone_refills, after.failed_exact);
            assert_eq!((refills, failed), (before.zone_refills, refused), "{after}");
        }
    }
    assert_eq!(cache.alloc_bulk_exact(&mut batch, 40), Ok(()));
    drop((kept, batch, cache));
    assert_whole(pool);
}

/// Eight threads ask for all pages and keep none of them.
fn of_many_that_want_all_some_are_served<M: Mode>() {
    const THREADS: usize = 8;
    let pool = hundred::<M>(THREADS);
    let (tries, served, busy) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    // Pages have been freed so often.
    let freed = AtomicUsize::new(0);
    // A mode takes up to 25 seconds for 100,000; `cargo xtask test --full` has them, on a quiet machine.
    let (given, most) = (told(), as_told(4_000));
    thread::scope(|scope| {
        for at in 0..THREADS {
            let (pool, tries, served, busy) = (&pool, &tries, &served, &busy);
            let freed = &freed;
            scope.spawn(move || {
                let events = || (served.load(Ordering::Relaxed), freed.load(Ordering::Relaxed));
                let mut cache = (at % 4 > 0).then(|| pool.cache().expect("a cache"));
                let mut batch = Batch::<M>::empty();
                while tries.fetch_add(1, Ordering::Relaxed) < most {
                    let before = events();
                    let result = match &mut cache {
                        Some(cache) => cache.alloc_bulk_exact(&mut batch, 100),
                        None => pool.alloc_bulk_exact(&mut batch, 100),
                    };
                    match result {
                        Ok(()) => {
                            served.fetch_add(1, Ordering::Relaxed);
                            match &mut cache {
                                Some(cache) => cache.free_bulk(&mut batch),
                                None => pool.free_bulk(&mut batch),
                            }
                            freed.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            let ExactError { had, reason, .. } = error;
                            assert!(had < 100 && batch.is_empty(), "{error}");
                            // It met another that tries, one that has them, or one whose cache
                            // has some: nothing else can be true here.
                            match reason {
                                ShortReason::Busy => _ = busy.fetch_add(1, Ordering::Relaxed),
                                ShortReason::Exhausted | ShortReason::Cached => {}
                                other => panic!("{other:?}"),
                            }
                            thread::yield_now();
                            // Where others keep the machine busy, whoever has the pages may not run for
                            // long: tries that cannot succeed until it does say nothing.
                            let start = Instant::now();
                            while given.is_none()
                                && events() == before
                                && start.elapsed() < Duration::from_millis(50)
                            {
                                thread::yield_now();
                            }
                        }
                    }
                }
            });
        }
    });
    let [served, busy] = [served, busy].map(AtomicUsize::into_inner);
    println!("{served} of {most} tries got all pages, {busy} were told to try again");
    assert!(served * THREADS * 4 >= most, "{served} of {most}");
    if let Some(stats) = pool.stats() {
        let calls = stats.calls;
        // Each thread's last number is beyond the most.
        assert_eq!(calls.failed_exact, (most - served) as u64);
        assert_eq!((calls.allocated, calls.freed), (served as u64 * 100, served as u64 * 100));
        assert_eq!((calls.alloc_calls, calls.free_calls), (served as u64, served as u64));
    }
    assert_whole(pool);
}

fn two_that_take_turns_are_always_served<M: Mode>() {
    for (want, magazine) in [1, 40, 50, 60, 100]
        .into_iter()
        .flat_map(|want| [4, 64, 256].map(|magazine| (want, magazine)))
    {
        let pool = build::<M>(100, |builder| {
            builder.max_caches(2).shared_caches(8).magazine_capacity(magazine)
        });
        let mut caches = [pool.cache().expect("a cache"), pool.cache().expect("a cache")];
        let mut batch = Batch::<M>::empty();
        for round in 0..often(200) {
            for cache in &mut caches {
                let got = cache.alloc_bulk_exact(&mut batch, want);
                assert_eq!(got, Ok(()), "{want} in round {round}, magazines of {magazine}");
                cache.free_bulk(&mut batch);
            }
            if want > 50 {
                assert_eq!(pool.alloc_bulk_exact(&mut batch, want), Ok(()));
                pool.free_bulk(&mut batch);
            }
        }
        drop(caches);
        assert_whole(pool);
    }
}

/// A try that falls short says how many could be had, and leaves them where they are.
fn a_failed_try_takes_nothing<M: Mode>() {
    let pool = hundred::<M>(2);
    let mut cache = pool.cache().expect("a cache");
    let (mut kept, mut batch) = (Batch::<M>::empty(), Batch::<M>::empty());
    assert_eq!(cache.alloc_bulk(&mut kept, 30).allocated, 30);
    cache.drain();
    let (pages, calls) = (pool.audit().pages, pool.stats().map(|stats| stats.calls));
    let error = cache.alloc_bulk_exact(&mut batch, 71).expect_err("70 are free");
    assert_eq!((error.want, error.had, error.reason), (71, 70, ShortReason::Exhausted));
    assert_eq!(
        error.to_string(),
        "70 of 71 pages: no more are free: free some, or build a larger pool"
    );
    assert_eq!(pool.audit().pages, pages);
    if let (Some(mut calls), Some(after)) = (calls, pool.stats()) {
        calls.failed_exact += 1;
        assert_eq!(after.calls, calls);
    }
    // The rest is in another cache, which is asked for it.
    let mut other = pool.cache().expect("a cache");
    let page = other.alloc().expect("a page");
    other.free(page);
    let cached = pool.audit().pages.cached as usize;
    let error = cache.alloc_bulk_exact(&mut batch, 70).expect_err("some are in the other cache");
    assert_eq!((error.had, error.reason), (70 - cached, ShortReason::Cached));
    next_call(&mut other);
    assert_eq!(cache.alloc_bulk_exact(&mut batch, 70), Ok(()));
    cache.free_bulk(&mut batch);
    // That would be too little, too: there is no use in another try, and nobody is asked.
    cache.drain();
    let page = other.alloc().expect("a page");
    other.free(page);
    let cached = pool.holders().map(|holder| holder.pages).sum::<usize>();
    let error = cache.alloc_bulk_exact(&mut batch, 71).expect_err("70 are free");
    assert!(cached > 0 && (error.had, error.reason) == (70, ShortReason::Exhausted), "{error}");
    next_call(&mut other);
    assert_eq!(pool.holders().map(|holder| holder.pages).sum::<usize>(), cached);
    other.drain();
    assert_eq!(cache.alloc_bulk_exact(&mut batch, 70), Ok(()));
    assert_eq!(pool.alloc().expect_err("all are out"), ShortReason::Exhausted);
    drop((kept, batch, cache, other));
    assert_whole(pool);
}

/// No state of the pool could serve it, so it says nothing of how full the pool is.
fn a_request_that_never_can_be_had_is_not_counted<M: Mode>() {
    let (pool, other) = (hundred::<M>(1), hundred::<M>(1));
    let mut cache = pool.cache().expect("a cache");
    let (mut batch, mut large) = (Batch::<M>::empty(), PageBatch::<M, 200>::empty());
    let mut theirs = Batch::<M>::empty();
    assert_eq!(other.alloc_bulk(&mut theirs, 1).allocated, 1);
    let before = pool.stats().map(|stats| stats.calls);
    let refused = [
        (101, ShortReason::BatchFull, cache.alloc_bulk_exact(&mut batch, 101)),
        (101, ShortReason::BatchFull, pool.alloc_bulk_exact(&mut batch, 101)),
        (101, ShortReason::TooMany, cache.alloc_bulk_exact(&mut large, 101)),
        (101, ShortReason::TooMany, pool.alloc_bulk_exact(&mut large, 101)),
        (1, ShortReason::OtherPool, cache.alloc_bulk_exact(&mut theirs, 1)),
        (1, ShortReason::OtherPool, pool.alloc_bulk_exact(&mut theirs, 1)),
    ];
    for (wanted, why, result) in refused {
        let ExactError { want, had, reason, .. } = result.expect_err("it never can be had");
        assert_eq!((want, had, reason), (wanted, 0, why));
    }
    assert_eq!(pool.stats().map(|stats| stats.calls), before);
    drop((cache, theirs));
    assert_whole(pool);
    assert_whole(other);
}

/// A request that no slot served is counted, too.
fn a_request_that_fails_without_a_slot_is_counted<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.shared_caches(0));
    let page = pool.alloc().expect("a page");
    let mut batch = Batch::<M>::empty();
    for failed in 1..4 {
        let error = pool.alloc_bulk_exact(&mut batch, 100).expect_err("99 are free");
        assert_eq!(error.reason, ShortReason::Exhausted);
        let calls = pool.stats().map(|stats| stats.calls);
        assert_eq!(calls.map_or(failed, |calls| calls.failed_exact), failed);
    }
    drop(page);
    assert_whole(pool);
}

every_mode!(
    a_request_that_fails_without_a_slot_is_counted,
    a_request_that_can_be_had_is,
    a_small_request_that_falls_short_takes_nothing,
    of_many_that_want_all_some_are_served,
    two_that_take_turns_are_always_served,
    a_failed_try_takes_nothing,
    a_request_that_never_can_be_had_is_not_counted,
);
