//! The reserve: what comes back fills it before others get any.

use std::ops::Range;

use super::marks::{Batch, PAGES, RESERVE, free, marked, take_bulk, take_singles};
use crate::common::*;

/// Brings pages back that nobody has used.
fn online<M: Mode>(pool: &Pool<M>, pages: Range<u32>) {
    // SAFETY: the pages are the pool's own memory, which nobody else uses.
    unsafe { pool.online(pages) }.expect("they are offline");
}

/// Critical calls take from the reserve, and free through caches: others get none of it before it is whole again.
fn a_reserve_does_not_drain_through_caches<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    take_singles(&pool, &mut all);
    let mut cache = pool.cache().expect("a slot");
    (0..20).for_each(|_| next_call(&mut cache));
    let mut reserve = Batch::<M>::empty();
    let mut others = Batch::<M>::empty();
    for round in 0..20 {
        assert_eq!(pool.critical().alloc_bulk(&mut reserve, RESERVE).allocated, RESERVE, "{round}");
        // What the caches have goes there, and what comes back.
        while !reserve.is_empty() {
            let page = reserve.pop().expect("it is not empty");
            match reserve.len() % 3 {
                0 => cache.free(page),
                1 => pool.free(page),
                _ => drop(page),
            }
            assert_eq!(cache.alloc_bulk(&mut others, 2).allocated, 0, "{round}");
            assert_eq!(cache.alloc().err(), Some(ShortReason::Watermark), "{round}");
            assert_eq!(pool.audit().pages.cached, 0, "{round}");
        }
        assert_eq!(free(&pool), RESERVE, "{round}");
    }
    // With the reserve whole, caches keep what they free.
    let mut some = all.split_off(all.len() - 3);
    (0..200).for_each(|_| next_call(&mut cache));
    cache.free_bulk(&mut some);
    assert_eq!((free(&pool), pool.audit().pages.cached), (RESERVE, 3));
    drop((all, cache));
    assert_whole(pool);
}

/// Many pages in one call, more than caches hold: they fill the reserve too, and do not lie in a depot.
fn many_pages_at_once_fill_the_reserve<M: Mode>() {
    type Way<M> = fn(&Pool<M>, &mut Cache<M>, Batch<M>);
    let ways: &[Way<M>] = &[
        |_, cache, mut batch| cache.free_bulk(&mut batch),
        |pool, _, mut batch| pool.free_bulk(&mut batch),
        |_, _, batch| drop(batch),
    ];
    for (at, free_all) in ways.iter().enumerate() {
        let pool = marked::<M>();
        let mut all = take_bulk(&pool);
        take_singles(&pool, &mut all);
        let mut cache = pool.cache().expect("a slot");
        let mut reserve = Batch::<M>::empty();
        assert_eq!(pool.critical().alloc_bulk(&mut reserve, RESERVE).allocated, RESERVE);
        free_all(&pool, &mut cache, reserve);
        let bulk = cache.alloc_bulk(&mut Batch::<M>::empty(), 8);
        assert_eq!((bulk.allocated, bulk.reason), (0, Some(ShortReason::Watermark)), "{at}");
        assert_eq!((free(&pool), pool.audit().pages.cached), (RESERVE, 0), "{at}");
        drop((all, cache));
        assert_whole(pool);
    }
}

/// What lies in depots as the reserve breaks fills it at once.
fn depots_fill_a_broken_reserve<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let in_zone = (0..PAGES as u32).map(PageId::new).filter(|id| !all.ids().contains(id));
    let in_zone: Vec<_> = in_zone.collect();
    let mut cache = pool.cache().expect("a slot");
    (0..20).for_each(|_| next_call(&mut cache));
    cache.free_bulk(&mut all.split_off(all.len() - 30));
    let before = pool.audit().pages;
    assert!(before.cached > 8, "{before}: more than a cache holds");
    let most = before.free as usize - RESERVE;
    let taken = in_zone.iter().filter_map(|&id| pool.critical().alloc_at(id).ok());
    let mut taken: Vec<_> = taken.take(most).collect();
    let now = pool.audit().pages;
    assert_eq!((now.free as usize, now.cached), (RESERVE, before.cached));
    taken.extend(in_zone.iter().find_map(|&id| pool.critical().alloc_at(id).ok()));
    let now = pool.audit().pages;
    assert!(now.free as usize >= RESERVE && now.cached < before.cached, "{now}");
    drop((taken, all, cache));
    assert_whole(pool);
}

/// A pool that begins with less than its reserve fills that first.
fn a_pool_that_grows_fills_its_reserve_first<M: Mode>() {
    let pool = build::<M>(PAGES, |builder| {
        builder.max_caches(1).shared_caches(1).critical_reserve(RESERVE).initially(0)
    });
    let mut cache = pool.cache().expect("a slot");
    online(&pool, 0..RESERVE as u32 - 1);
    assert_eq!(cache.alloc().err(), Some(ShortReason::Watermark));
    let mut all = Batch::<M>::empty();
    assert_eq!(pool.critical().alloc_bulk(&mut all, PAGES).allocated, RESERVE - 1);
    cache.free_bulk(&mut all);
    assert_eq!((free(&pool), pool.audit().pages.cached), (RESERVE - 1, 0));
    online(&pool, 100..150);
    assert_eq!(cache.alloc_bulk(&mut all, PAGES).allocated, 49);
    drop((all, cache));
    assert_whole(pool);
}

/// A cache that holds pages while the reserve is broken gives them up by its next call, whatever that is.
fn a_broken_reserve_is_filled_from_caches<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    (0..20).for_each(|_| next_call(&mut cache));
    cache.free_bulk(&mut all.split_off(all.len() - 4));
    take_singles_to(&pool, &mut all, RESERVE);
    assert_eq!(pool.audit().pages.cached, 4);
    let page = pool.critical().alloc().expect("the reserve");
    next_call(&mut cache);
    assert_eq!((free(&pool), pool.audit().pages.cached), (RESERVE + 3, 0));
    drop((page, all, cache));
    assert_whole(pool);
}

/// Takes single pages out of the zone until so many are left. They come by their numbers, so that nobody is asked.
fn take_singles_to<M: Mode>(pool: &Pool<M>, batch: &mut Batch<M>, left: usize) {
    for id in (0..PAGES as u32).map(PageId::new) {
        if free(pool) == left {
            return;
        }
        if !batch.ids().contains(&id)
            && let Ok(page) = pool.alloc_at(id)
        {
            batch.push(page).expect("room");
        }
    }
    panic!("{left} should be left");
}

every_mode!(
    a_reserve_does_not_drain_through_caches,
    many_pages_at_once_fill_the_reserve,
    depots_fill_a_broken_reserve,
    a_pool_that_grows_fills_its_reserve_first,
    a_broken_reserve_is_filled_from_caches,
);
