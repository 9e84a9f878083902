//! A page is freed legally while its word still names a place that another thread is filling: the look at that
//! place must not take the page for one that is free.

use std::sync::Arc;

use loom_tests::{every_mode, race};
use pagesheaf::models::{Store, Word};
use pagesheaf::{PageBatch, PageId};

use crate::common::{is_whole, pool};

every_mode! {
    /// The magazine's owner pushes others where the page was, and pops them again.
    any, Exhaustive, at least 70;
    fn a_foreign_free_against_push_and_pop_raises_no_false_alarm<M: Mode>() {
        let page = PageId::new(1);
        let store = Arc::new(Store::new(1, 2));
        let mut held = store.pop_empty().expect("an empty one");
        held.put(PageId::new(0));
        let word = Word::new();
        word.rest(held.put(page));
        assert_eq!(held.take(), Some(page));
        let looker = Arc::clone(&store);
        let (freed, ()) = race(
            move || word.try_free::<M>(0, |place| looker.holds(place, page)),
            || {
                held.put(PageId::new(2));
                held.take();
                held.put(PageId::new(3));
            },
        );
        freed.expect("the page is out");
    }
}

every_mode! {
    /// The magazine goes through the depot, and somebody else fills it.
    any, Exhaustive, at least 20;
    fn a_foreign_free_against_a_magazine_that_moves_raises_no_false_alarm<M: Mode>() {
        let page = PageId::new(1);
        let store = Arc::new(Store::new(1, 1));
        let word = Word::new();
        let mut held = store.pop_empty().expect("an empty one");
        word.rest(held.put(page));
        held.push();
        let other = Arc::clone(&store);
        let (freed, ()) = race(
            move || {
                let mut held = other.pop_nonempty().expect("nobody else wants it");
                assert_eq!(held.take(), Some(page));
                held.push();
                word.try_free::<M>(0, |place| other.holds(place, page))
            },
            || {
                if let Some(mut held) = store.pop_empty() {
                    held.put(PageId::new(2));
                    held.push();
                }
            },
        );
        freed.expect("the page is out");
    }
}

every_mode! {
    /// Through the calls: a page of this cache's magazine is freed by the pool while the cache refills its place.
    all, Exhaustive, at least 40;
    fn a_foreign_free_against_a_cache_raises_no_false_alarm<M: Mode>() {
        let pool = pool::<M>(4, 1, 1, 2);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = PageBatch::<M, 4>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 4).allocated, 4);
        // The page that lay on top, and lies there still as far as the slot goes: two frees fill its place.
        let page = batch.pop().expect("four pages");
        let other = pool.clone();
        let ((), mut cache) = race(
            move || other.free(page),
            move || {
                cache.free_bulk(&mut batch);
                drop(cache.alloc());
                cache
            },
        );
        assert!(!pool.is_tainted(), "{pool}");
        drop(cache.alloc());
        drop(cache);
        pool.drain();
        is_whole(&pool);
    }
}

every_mode! {
    /// Pages that left a magazine together come back together, through the pool, while the cache that they left fills
    /// their places: the one look at the magazine that serves for both must not take them for free.
    checking, Composite, at least 30;
    fn a_foreign_run_against_a_cache_raises_no_false_alarm<M: Mode>() {
        let pool = pool::<M>(4, 1, 1, 2);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = PageBatch::<M, 4>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 4).allocated, 4);
        let mut run = batch.split_off(2);
        let other = pool.clone();
        let ((), mut cache) = race(
            move || other.free_bulk(&mut run),
            move || {
                cache.free_bulk(&mut batch);
                drop(cache.alloc());
                cache
            },
        );
        assert!(!pool.is_tainted(), "{pool}");
        cache.drain();
        drop(cache);
        pool.drain();
        is_whole(&pool);
    }
}
