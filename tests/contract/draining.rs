//! A cache gives up what it holds when it is told to.

use crate::common::*;

fn a_drained_cache_holds_nothing<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.magazine_capacity(16));
    let mut cache: Cache<M> = pool.cache().unwrap();
    let mut batch = PageBatch::new();
    let bulk = cache.alloc_bulk(&mut batch, 8);
    assert_eq!(bulk.allocated, 8);
    cache.free_bulk(&mut batch);
    assert!(pool.audit().pages.cached > 0);
    cache.drain();
    assert_eq!(pool.audit().pages.cached, 0);
    assert_eq!(pool.audit().pages.free, 64);
}

/// The zone gives none, once there is enough: neither for one magazine, nor for two that were dropped before.
fn a_cache_is_refilled_with_what_its_thread_dropped<M: Mode>() {
    // Freed pages wait in these modes.
    if waits::<M>() {
        return;
    }
    for dropped in [1, 2] {
        let pool = build::<M>(64, |builder| builder.magazine_capacity(8).shared_caches(1));
        let mut cache: Cache<M> = pool.cache().unwrap();
        let mut round = || {
            let mut batches: [PageBatch<M>; 2] = Default::default();
            for batch in &mut batches[..dropped] {
                assert_eq!(cache.alloc_bulk(batch, 8).allocated, 8);
            }
        };
        (0..2).for_each(|_| round());
        let free = pool.audit().pages.free;
        (0..20).for_each(|_| round());
        let pages = pool.audit().pages;
        assert!(pages.adds_up() && (pages.out, pages.free) == (0, free), "{pages}");
        if let Some(stats) = pool.stats() {
            let Calls { shared_refills, depot_refills, depot_flushes, .. } = stats.calls;
            assert!(shared_refills >= 20 * dropped as u64, "{stats}");
            assert_eq!((depot_refills, depot_flushes), (0, 0), "{stats}");
        }
    }
}

/// Little is left alone: a lock for a few pages would cost more than they are worth.
fn a_cache_leaves_what_is_less_than_half_a_magazine<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.magazine_capacity(8).shared_caches(1));
    let mut cache: Cache<M> = pool.cache().unwrap();
    for dropped in [3, 4] {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(cache.alloc_bulk(&mut batch, dropped).allocated, dropped);
        drop(batch);
        cache.drain();
        drop(cache.alloc().unwrap());
        if let Some(stats) = pool.stats().filter(|_| !waits::<M>()) {
            assert_eq!(stats.calls.shared_refills, u64::from(dropped == 4), "{stats}");
        }
        pool.drain();
    }
}

every_mode!(
    a_drained_cache_holds_nothing,
    a_cache_is_refilled_with_what_its_thread_dropped,
    a_cache_leaves_what_is_less_than_half_a_magazine,
);
