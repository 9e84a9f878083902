//! The whole of it: a page has one owner at a time, whichever way it goes from one to the next.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race, race3};
use pagesheaf::{Cache, Mode, Order, PageError, PageId, Pool};

use crate::common::{is_whole, pool};

/// Allocates, owns and frees a page through a cache.
fn through<M: Mode>(cache: &mut Cache<M>, owners: &Owners) -> bool {
    let Ok(page) = cache.alloc() else { return false };
    owners.takes(page.id());
    owners.gives(page.id());
    cache.free(page);
    true
}

/// The same through the shared slots.
fn past<M: Mode>(pool: &Pool<M>, owners: &Owners) -> bool {
    let Ok(page) = pool.alloc() else { return false };
    owners.takes(page.id());
    owners.gives(page.id());
    pool.free(page);
    true
}

every_mode! {
    /// Two threads through one shared slot: one finds it busy and goes to the zone.
    all_and_compact, Composite, at least 800;
    fn a_page_has_one_owner_through_a_shared_slot<M: Mode>() {
        let pool = pool::<M>(2, 0, 1, 1);
        let owners = Owners::new(2);
        let other = (pool.clone(), Arc::clone(&owners));
        let (a, b) = race(move || past(&other.0, &other.1), || past(&pool, &owners));
        assert!(a || b);
        is_whole(&pool);
    }
}

every_mode! {
    /// One cache flushes to the depot and the zone what another refills from there. Each changes
    /// the depot three times at the most: see `depot`. A quarantine has fewer ways to meet.
    all_and_compact, Composite, at least 100;
    fn a_page_has_one_owner_through_caches_and_the_depot<M: Mode>() {
        // Three are free all along: nobody runs dry, which is another model's (`pressure`).
        let pool = pool::<M>(7, 2, 0, 1);
        let owners = Owners::new(7);
        let (mut first, mut second) = (pool.cache().expect("a slot"), pool.cache().expect("a slot"));
        let pages: Vec<_> = (0..4).map(|_| first.alloc().expect("a page")).collect();
        pages.iter().for_each(|page| owners.takes(page.id()));
        let others = Arc::clone(&owners);
        race(
            move || {
                for page in pages {
                    others.gives(page.id());
                    first.free(page);
                }
            },
            || {
                let pages: Vec<_> = std::iter::from_fn(|| second.alloc().ok()).take(3).collect();
                pages.iter().for_each(|page| owners.takes(page.id()));
                assert_eq!(pages.len(), 3, "three were free all along");
            },
        );
        drop(second);
        pool.drain();
        is_whole(&pool);
    }
}

every_mode! {
    /// A page dropped without a cache reaches a cache that wants it.
    all, Composite, at least 100;
    fn a_dropped_page_has_one_owner_again<M: Mode>() {
        let pool = pool::<M>(1, 1, 1, 1);
        let owners = Owners::new(1);
        let page = pool.alloc().expect("a page");
        owners.takes(page.id());
        let mut cache = pool.cache().expect("a slot");
        let others = Arc::clone(&owners);
        race(
            move || {
                others.gives(page.id());
                drop(page);
            },
            || through(&mut cache, &owners),
        );
        drop(cache);
        is_whole(&pool);
    }
}

every_mode! {
    /// A block out of pages that come and go one by one.
    all_and_compact, Composite, at least 300;
    fn a_block_against_single_pages_has_one_owner<M: Mode>() {
        let pool = pool::<M>(2, 1, 0, 1);
        let owners = Owners::new(2);
        let mut cache = pool.cache().expect("a slot");
        let other = (pool.clone(), Arc::clone(&owners));
        race(
            move || {
                let Ok(block) = other.0.alloc_block(Order::new(1).expect("small")) else { return };
                let ids = [block.id(), PageId::new(block.id().index() + 1)];
                ids.into_iter().for_each(|id| other.1.takes(id));
                ids.into_iter().for_each(|id| other.1.gives(id));
                other.0.free_block(block);
            },
            || through(&mut cache, &owners),
        );
        drop(cache);
        is_whole(&pool);
    }
}

every_mode! {
    /// A block that is claimed and rolled back, because one of its pages was written while it was
    /// free: that page is withheld once, and the other one can be had, now or later. Both calls run
    /// dry, and look everywhere for the reason.
    poisoning, Dry, at least 8_000;
    fn a_block_rolled_back_loses_no_page<M: Mode>() {
        let pool = pool::<M>(2, 0, 1, 1);
        let bad = pool.ptr(PageId::new(0)).expect("there are two");
        // SAFETY: in the region, which nobody else touches now. That the page is free is the
        // mistake.
        unsafe { bad.write(1) };
        let other = pool.clone();
        let (block, page) = race(
            move || other.alloc_block(Order::new(1).expect("small")).is_ok(),
            || pool.alloc().ok(),
        );
        assert!(!block, "one of its pages is bad");
        let page = page.or_else(|| pool.alloc().ok()).expect("the other one is good");
        assert_eq!(page.id(), PageId::new(1));
        pool.alloc().expect_err("there is no third");
        let pages = pool.audit().pages;
        assert!(pages.adds_up(), "{pages}");
        assert_eq!((pages.out, pages.bad), (1, 1), "{pages}");
    }
}

every_mode! {
    /// A raw free that goes through sees what was written through references released elsewhere;
    /// one that comes too early is refused.
    refcounted, Composite, at least 4;
    fn a_raw_free_against_a_release_sees_what_was_written<M: Refcounted>() {
        let pool = pool::<M>(1, 1, 1, 1);
        let owners = Owners::new(1);
        let mut cache = pool.cache().expect("a slot");
        let id = [cache.alloc().expect("a page").into_raw()];
        // SAFETY: the page is out.
        assert_eq!(unsafe { cache.retain_bulk(&id) }, Ok(1));
        let other = (pool.clone(), Arc::clone(&owners));
        let (freed, raw) = race(
            move || {
                other.1.takes(id[0]);
                other.1.gives(id[0]);
                // SAFETY: one of the two references.
                unsafe { other.0.release_bulk(&id) }
            },
            || {
                // SAFETY: if the other reference is still there, this mode refuses.
                let raw = unsafe { cache.free_bulk_raw(&id) };
                if raw.is_ok() {
                    owners.takes(id[0]);
                    owners.gives(id[0]);
                }
                raw
            },
        );
        assert_eq!(freed, Ok(0), "the other one keeps its reference");
        if let Err(error) = raw {
            assert_eq!(error.fault, Fault::Shared { references: 2 });
            // SAFETY: the other reference is gone.
            assert_eq!(unsafe { cache.free_bulk_raw(&id) }, Ok(()));
        }
        drop(cache);
        let audit = pool.audit();
        assert!(audit.pages.adds_up() && audit.pages.out == 0, "{audit}");
    }
}

every_mode! {
    /// Of three raw frees of one page that race, one frees it and each other one is told.
    claiming, Composite, at least 800;
    fn a_racing_double_free_through_the_calls_is_reported_exactly_once<M: Mode>() {
        let pool = pool::<M>(1, 1, 1, 1);
        let mut cache = pool.cache().expect("a slot");
        let id = [cache.alloc().expect("a page").into_raw()];
        let (first, second) = (pool.clone(), pool.clone());
        // SAFETY: two of the three break the promise, which this mode finds.
        let free = move |pool: &Pool<M>| unsafe { pool.free_bulk_raw(&id) };
        let freed: [Result<(), PageError>; 3] = race3(move || free(&first), move || free(&second), || {
            // SAFETY: as above.
            unsafe { cache.free_bulk_raw(&id) }
        })
        .into();
        assert_eq!(freed.iter().filter(|freed| freed.is_ok()).count(), 1);
        let faults = freed.iter().filter_map(|freed| freed.err());
        assert!(faults.into_iter().all(|error| error.fault == Fault::AlreadyFree));
        drop(cache);
        let audit = pool.audit();
        assert!(audit.pages.adds_up() && audit.pages.out == 0, "{audit}");
    }
}
