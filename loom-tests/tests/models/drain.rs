//! Draining, pressure and exhaustion: pages that are wanted elsewhere get there, and none is lost
//! on the way.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::{Mode, PageBatch, ShortReason};

use crate::common::{is_whole, pool, visit};

every_mode! {
    /// A drain against a cache that allocates and frees: each page has one owner, and all are there
    /// afterwards.
    all, Composite, at least 150;
    fn drain_against_alloc_loses_nothing<M: Mode>() {
        let pool = pool::<M>(2, 1, 1, 1);
        let owners = Owners::new(2);
        let mut cache = pool.cache().expect("a slot");
        // One page lies in the shared slot, where the drain and the cache look for it.
        drop(pool.alloc());
        let other = pool.clone();
        race(
            move || other.drain(),
            || {
                for _ in 0..2 {
                    let page = visit(&owners, || cache.alloc()).expect("there are two");
                    cache.free(page);
                }
            },
        );
        drop(cache);
        is_whole(&pool);
    }
}

every_mode! {
    /// A drain against a cache that puts a magazine into the depot: it reads the ids that it moves
    /// to the zone.
    all_and_compact, Composite, at least 10;
    fn drain_against_a_flush_loses_nothing<M: Mode>() {
        let pool = pool::<M>(3, 1, 0, 1);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = PageBatch::<M, 3>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 3).allocated, 3);
        let other = pool.clone();
        race(move || other.drain(), || cache.free_bulk(&mut batch));
        drop(cache);
        pool.drain();
        is_whole(&pool);
    }
}

every_mode! {
    /// A drain against the shared slot that it wants to empty while another allocates and frees
    /// through it.
    all, Composite, at least 100;
    fn drain_against_a_shared_slot_loses_nothing<M: Mode>() {
        let pool = pool::<M>(2, 0, 1, 1);
        let owners = Owners::new(2);
        drop(pool.alloc());
        let other = pool.clone();
        race(
            move || other.drain(),
            || {
                let page = visit(&owners, || pool.alloc()).expect("there are two");
                pool.free(page);
            },
        );
        is_whole(&pool);
    }
}

every_mode! {
    /// A cache takes what its thread has dropped, while another thread drops a page through the
    /// same shared slot.
    all, Composite, at least 200;
    fn a_cache_takes_what_was_dropped_against_a_drop<M: Mode>() {
        let pool = pool::<M>(2, 1, 1, 1);
        let owners = Owners::new(2);
        let mut cache = pool.cache().expect("a slot");
        let (first, second) = (pool.alloc().expect("a page"), pool.alloc().expect("a page"));
        drop(first);
        owners.takes(second.id());
        let others = Arc::clone(&owners);
        race(
            move || {
                others.gives(second.id());
                drop(second);
            },
            || {
                if let Some(page) = visit(&owners, || cache.alloc()) {
                    cache.free(page);
                }
            },
        );
        drop(cache);
        is_whole(&pool);
    }
}

every_mode! {
    /// A pool that has run dry gives a page again once one is back, whoever frees it and however.
    all, Composite, at least 100;
    fn exhaustion_recovers<M: Mode>() {
        let pool = pool::<M>(1, 1, 1, 1);
        let owners = Owners::new(1);
        let page = pool.alloc().expect("a page");
        let other = (pool.clone(), Arc::clone(&owners));
        let mut cache = pool.cache().expect("a slot");
        owners.takes(page.id());
        race(
            move || {
                other.1.gives(page.id());
                other.0.free(page);
            },
            || {
                if let Some(page) = visit(&owners, || cache.alloc()) {
                    cache.free(page);
                }
            },
        );
        let page = visit(&owners, || cache.alloc()).expect("it is back");
        cache.free(page);
        drop(cache);
        is_whole(&pool);
    }
}

every_mode! {
    /// A page in an idle cache reaches another one after the idle one's next call.
    all, Exhaustive, at least 10;
    fn pressure_empties_an_idle_cache<M: Mode>() {
        let pool = pool::<M>(2, 2, 0, 2);
        let owners = Owners::new(2);
        let mut idle = pool.cache().expect("a slot");
        let mut wanting = pool.cache().expect("a slot");
        let (first, second) = (idle.alloc().expect("a page"), idle.alloc().expect("a page"));
        idle.free(first);
        let others = Arc::clone(&owners);
        owners.takes(second.id());
        let (idle, ()) = race(
            move || {
                others.gives(second.id());
                idle.free(second);
                idle
            },
            || {
                if let Some(page) = visit(&owners, || wanting.alloc()) {
                    wanting.free(page);
                }
            },
        );
        // Asked for by a call that came back short, and given up at the next call.
        let mut idle = idle;
        if let Err(short) = wanting.alloc().map(|page| wanting.free(page)) {
            assert_eq!(short, ShortReason::Cached);
            let page = idle.alloc().expect("it has them, or the zone");
            idle.free(page);
            let page = visit(&owners, || wanting.alloc()).expect("the other one was given up");
            wanting.free(page);
        }
        drop(idle);
        for _ in 0..2 {
            let page = visit(&owners, || wanting.alloc()).expect("nobody else has them");
            wanting.free(page);
        }
        drop(wanting);
        is_whole(&pool);
    }
}
