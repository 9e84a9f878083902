//! Closing: the last of handles and pages frees the pool, nobody earlier, nobody twice.
//!
//! "Early" is any access to the core that is not ordered before its end: the end of each of its
//! words counts as a write.

use loom_tests::{Memory, every_mode, race, race3};
use pagesheaf::{Mode, PageBatch, Pool};

use crate::common::pool;

const NEVER: [usize; 2] = [0, 0];
const ONCE: [usize; 2] = [1, 1];

/// A pool with two shared slots' worth of ways in, and its memory.
fn watched<M: Mode>(caches: usize, shared: usize) -> (Memory, Pool<M>) {
    Memory::of(|| pool::<M>(2, caches, shared, 1))
}

every_mode! {
    /// The last handle against the last page.
    all, Exhaustive, at least 4;
    fn the_last_handle_against_the_last_page_frees_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(0, 1);
        let mut page = pool.alloc().expect("a page");
        race(
            move || {
                page.fill(1);
                drop(page);
            },
            move || drop(pool),
        );
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// Two pages dropped on two threads, after the handle and against each other.
    all, Exhaustive, at least 200;
    fn two_pages_dropped_after_the_handle_free_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(0, 1);
        let (first, second) = (pool.alloc().expect("a page"), pool.alloc().expect("a page"));
        drop(pool);
        assert_eq!(memory.frees(), NEVER);
        race(move || drop(first), move || drop(second));
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// The same without slots, where drops go straight to the zone, and the handle goes meanwhile.
    all, Exhaustive, at least 400;
    fn two_pages_and_the_handle_free_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(1, 0);
        let (first, second) = (pool.alloc().expect("a page"), pool.alloc().expect("a page"));
        race3(move || drop(first), move || drop(second), move || drop(pool));
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// A batch dropped on another thread against the cache that it came from.
    all, Exhaustive, at least 2;
    fn a_batch_against_its_cache_frees_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(1, 0);
        let mut cache = pool.cache().expect("a slot");
        drop(pool);
        let mut batch = PageBatch::<M, 2>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 2).allocated, 2);
        race(move || drop(batch), move || drop(cache));
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// Two handles that are used and dropped on two threads.
    all, Composite, at least 100;
    fn two_handles_free_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(1, 1);
        let mut cache = pool.cache().expect("a slot");
        race(
            move || {
                let page = cache.alloc().expect("there are two");
                cache.free(page);
            },
            move || pool.free(pool.alloc().expect("there are two")),
        );
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// The last reference to a shared page, after the handle.
    refcounted, Exhaustive, at least 10;
    fn the_last_reference_frees_the_core_once<M: Refcounted>() {
        let (memory, pool) = watched::<M>(0, 1);
        let first = pool.alloc().expect("a page").into_shared();
        let second = first.clone();
        drop(pool);
        race(move || drop(first), move || drop(second));
        assert_eq!(memory.frees(), ONCE);
    }
}

every_mode! {
    /// A close that fails leaves the pool whole, and one that succeeds is the end of it.
    all, Exhaustive, at least 250;
    fn a_close_against_the_last_page_frees_the_core_once<M: Mode>() {
        let (memory, pool) = watched::<M>(0, 1);
        let page = pool.alloc().expect("a page");
        let ((), leaked) = race(move || drop(page), move || pool.close().err());
        if let Some(leaked) = leaked {
            assert_eq!((memory.frees(), leaked.handles()), (NEVER, 0));
            leaked.into_pool().close().expect("the page is back");
        }
        assert_eq!(memory.frees(), ONCE);
    }
}
