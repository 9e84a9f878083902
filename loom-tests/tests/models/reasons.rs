//! Reasons that are true: nobody is told that no page is free while one is, or is in the middle of a
//! call, wherever it lies and however it gets there.
//!
//! The page lies in an idle cache, so that an all-or-none request finds none nearby, and compares
//! figures.

use loom_tests::{Device, every_mode, race};
use pagesheaf::{Cache, Mode, PageBatch, ParkedCache, Pool, ShortReason};

use crate::common::{builder, is_whole, pool};

/// A pool of two pages with so many shared slots, and three caches.
fn two_pages<M: Mode>(shared: usize) -> (Pool<M>, [Cache<M>; 3]) {
    let pool = pool::<M>(2, 3, shared, 1);
    let caches = [(); 3].map(|()| pool.cache().expect("a slot"));
    (pool, caches)
}

/// Asks for a page, which cannot be told that there is none.
fn asks<M: Mode>(cache: &mut Cache<M>) {
    let mut one = PageBatch::<M, 1>::empty();
    if let Err(error) = cache.alloc_bulk_exact(&mut one, 1) {
        assert_ne!(error.reason, ShortReason::Exhausted, "a page is free");
    }
}

/// Takes both pages, if they are there, frees one of them into a cache, which goes idle, and asks
/// for it.
fn takes_and_asks<M: Mode>(
    [mut first, mut idle, mut asker]: [Cache<M>; 3],
) -> Option<ParkedCache<M>> {
    let mut both = PageBatch::<M, 2>::empty();
    if first.alloc_bulk(&mut both, 2).allocated < 2 {
        return None;
    }
    idle.free(both.pop().expect("two"));
    let parked = idle.park();
    asks(&mut asker);
    Some(parked)
}

every_mode! {
    /// Pages are freed without a slot: they are counted before another can have them.
    all_and_compact, Composite, at least 20;
    fn what_is_freed_is_counted_before_it_is_had<M: Mode>() {
        let (pool, mut caches) = two_pages::<M>(0);
        let mut both = PageBatch::<M, 2>::empty();
        assert_eq!(caches[0].alloc_bulk(&mut both, 2).allocated, 2);
        let other = pool.clone();
        let ((), parked) = race(move || other.free_bulk(&mut both), || takes_and_asks(caches));
        drop(parked);
        is_whole(&pool);
    }
}

every_mode! {
    /// The same of pages that are dropped through a shared slot.
    all_and_compact, Composite, at least 20;
    fn what_is_dropped_is_counted_before_it_is_had<M: Mode>() {
        let (pool, mut caches) = two_pages::<M>(1);
        let mut both = PageBatch::<M, 2>::empty();
        assert_eq!(caches[0].alloc_bulk(&mut both, 2).allocated, 2);
        let ((), parked) = race(move || drop(both), || takes_and_asks(caches));
        drop(parked);
        is_whole(&pool);
    }
}

every_mode! {
    /// The same of pages whose ticket has passed: they come back by who looks.
    all_and_compact, Composite, at least 100;
    fn what_has_passed_is_counted_before_it_is_had<M: Mode>() {
        let (device, fences) = Device::new();
        // No allocation looks.
        let pool = builder::<M>(2, 3, 0, 2).fences(fences).defer_wakes(true).build();
        let pool = pool.expect("a small pool");
        let mut caches = [(); 3].map(|()| pool.cache().expect("a slot"));
        let mut both = PageBatch::<M, 2>::empty();
        assert_eq!(caches[0].alloc_bulk(&mut both, 2).allocated, 2);
        pool.free_bulk_after(&mut both, 1).expect("a magazine is left");
        device.pass(1);
        let other = pool.clone();
        let (reaped, parked) = race(move || other.reap_fences(), || takes_and_asks(caches));
        assert_eq!(reaped, 2);
        drop(parked);
        is_whole(&pool);
    }
}

every_mode! {
    /// One page is freed, and taken again, while another caller compares figures: the other page
    /// lies in an idle cache all along.
    all_and_compact, Composite, at least 50;
    fn a_page_that_moves_hides_no_other<M: Mode>() {
        let (pool, [mut taker, mut idle, mut asker]) = two_pages::<M>(0);
        let (moves, stays) = (idle.alloc().expect("a page"), idle.alloc().expect("a page"));
        idle.free(stays);
        let parked = idle.park();
        let (taken, ()) = race(
            move || {
                taker.free(moves);
                taker.alloc().ok()
            },
            || asks(&mut asker),
        );
        drop((taken, parked, asker));
        is_whole(&pool);
    }
}
