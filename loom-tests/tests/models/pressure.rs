//! Who finds nothing, and who wants all or none: what is freed gets where it can be had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use loom_tests::{Owners, every_mode, race};
use pagesheaf::models::{Lock, Turn};
use pagesheaf::{Cache, Mode, Page, PageBatch, Pool, ShortReason};

use crate::common::{is_whole, pool};

/// Two caches of a pool, of which the first has all pages and the second was dry.
fn one_is_dry<M: Mode>(pages: usize) -> (Pool<M>, [Cache<M>; 2], PageBatch<M, 4>) {
    let pool = pool::<M>(pages, 2, 0, 2);
    let mut caches = [(); 2].map(|()| pool.cache().expect("a slot"));
    let mut batch = PageBatch::empty();
    assert_eq!(caches[0].alloc_bulk(&mut batch, pages).allocated, pages);
    assert_eq!(caches[1].alloc().expect_err("all are out"), ShortReason::Exhausted);
    (pool, caches, batch)
}

/// What is had is owned for a moment.
fn visit<M: Mode>(owners: &Owners, page: &Page<M>) {
    owners.takes(page.id());
    owners.gives(page.id());
}

every_mode! {
    /// A cache frees the only page when another one was dry: it is there for the other one when
    /// both are done, however they met.
    all, Composite, at least 2_000;
    fn a_free_answers_who_was_dry<M: Mode>() {
        let (pool, [mut giver, mut dry], mut batch) = one_is_dry::<M>(1);
        let owners = Owners::new(1);
        owners.takes(batch.ids()[0]);
        let others = Arc::clone(&owners);
        let (giver, got) = race(
            move || {
                others.gives(batch.ids()[0]);
                giver.free_bulk(&mut batch);
                giver
            },
            || dry.alloc().inspect(|page| visit(&owners, page)).ok(),
        );
        let page = got.or_else(|| dry.alloc().ok()).expect("it was freed where it can be had");
        drop(page);
        drop((giver, dry));
        is_whole(&pool);
    }
}

every_mode! {
    /// A cache that was asked allocates as many as there are, again: it leaves one to the one that
    /// was dry.
    all, Composite, at least 2_000;
    fn an_asked_allocation_leaves_a_page<M: Mode>() {
        let (pool, [mut greedy, mut dry], mut batch) = one_is_dry::<M>(2);
        let owners = Owners::new(2);
        greedy.free_bulk(&mut batch);
        let others = Arc::clone(&owners);
        let ((greedy, batch), got) = race(
            move || {
                let bulk = greedy.alloc_bulk(&mut batch, 2);
                assert!(bulk.allocated < 2, "{bulk:?}");
                batch.ids().iter().for_each(|&id| others.takes(id));
                (greedy, batch)
            },
            || dry.alloc().inspect(|page| owners.takes(page.id())).ok(),
        );
        let page = got.or_else(|| dry.alloc().ok()).expect("one was left");
        drop((page, batch));
        drop((greedy, dry));
        is_whole(&pool);
    }
}

/// Tries for the turn; whether it had it, alone.
fn has_a_turn(turn: &Turn, inside: &AtomicU32, lock: &Lock) -> bool {
    let Some(_taken) = turn.try_take() else { return false };
    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "two have the turn");
    // Something that the other one does, too: it may come meanwhile.
    drop(lock.try_lock());
    inside.fetch_sub(1, Ordering::Relaxed);
    true
}

every_mode! {
    /// Two tries do not have the turn at once, one of two gets it, and it is given back.
    any, Exhaustive, at least 300;
    fn a_turn_is_one_requests<M: Mode>() {
        let turn = Arc::new((Turn::new(), AtomicU32::new(0), Lock::new()));
        let other = Arc::clone(&turn);
        let (a, b) = race(
            move || has_a_turn(&other.0, &other.1, &other.2),
            || has_a_turn(&turn.0, &turn.1, &turn.2),
        );
        assert!(a || b);
        assert!(turn.0.try_take().is_some());
    }
}

/// A pool of two pages that lie in the zone, and two caches that a request for two is too much for.
fn scarce<M: Mode>() -> (Pool<M>, [Cache<M>; 2]) {
    let pool = pool::<M>(2, 2, 0, 1);
    let caches = [(); 2].map(|()| pool.cache().expect("a slot"));
    (pool, caches)
}

every_mode! {
    /// An all-or-none request against one for a page: what it took and could not use is where the
    /// other one gets it, and nobody is told that no page is free while one is.
    all, Composite, at least 2_000;
    fn what_an_exact_request_puts_back_can_be_had<M: Mode>() {
        let (pool, [mut exact, mut single]) = scarce::<M>();
        let owners = Owners::new(2);
        let others = Arc::clone(&owners);
        let ((exact, batch), page) = race(
            move || {
                let mut batch = PageBatch::<M, 2>::empty();
                let got = exact.alloc_bulk_exact(&mut batch, 2);
                batch.ids().iter().for_each(|&id| others.takes(id));
                assert!(got.is_ok() || batch.is_empty());
                (exact, batch)
            },
            || single.alloc().inspect(|page| owners.takes(page.id())),
        );
        if batch.is_empty() {
            assert!(!matches!(page, Err(ShortReason::Exhausted)), "one was free all along");
            // The first one may have asked for pages: then this one is held back, once.
            let mut soon = || single.alloc().or_else(|_| single.alloc());
            let page = page.or_else(|_| soon()).expect("the other one got none");
            drop((page, soon().expect("what was put back")));
        } else {
            assert!(page.is_err());
        }
        drop((batch, exact, single));
        is_whole(&pool);
    }
}
