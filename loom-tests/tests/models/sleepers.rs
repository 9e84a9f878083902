//! Threads that wait: none sleeps while the pages that it waits for are free. loom reports one that sleeps for ever.

use std::time::Duration;

use loom_tests::{every_mode, race};
use pagesheaf::{Mode, PageBatch, Pool};

use crate::common::is_whole;
use crate::waiting::{Task, taken};

/// Waits for so many pages as long as it takes, and drops them.
fn wait_for<M: Mode>(pool: &Pool<M>, want: usize) {
    let mut batch = PageBatch::<M, 2>::empty();
    pool.alloc_bulk_timeout(&mut batch, want, Duration::MAX).expect("it can be served");
    assert_eq!(batch.len(), want);
}

/// The only page is dropped while a thread comes to wait for it, in a pool with so many shared slots.
fn a_drop_against_a_thread<M: Mode>(shared: usize) {
    let (pool, page) = taken::<M>(1, shared);
    race(move || drop(page), || wait_for(&pool, 1));
    is_whole(&pool);
}

every_mode! {
    /// A page is dropped, past all slots, while a thread comes to wait for it.
    all, Composite, at least 100;
    fn a_free_is_seen_by_a_thread_that_comes_to_wait<M: Mode>() {
        a_drop_against_a_thread::<M>(0);
    }
}

every_mode! {
    /// The same, where the page goes into a shared slot.
    all, Composite, at least 100;
    fn a_drop_into_a_shared_slot_wakes_a_thread<M: Mode>() {
        a_drop_against_a_thread::<M>(1);
    }
}

every_mode! {
    /// The first in line is a task, which has been woken for the only page and gives up, while a thread
    /// comes to wait: the thread is woken in its place.
    all, Composite, at least 100;
    fn who_gives_up_wakes_a_thread<M: Mode>() {
        let (pool, page) = taken::<M>(1, 0);
        let mut task = Task::new(&pool, 1);
        assert!(!task.poll());
        drop(page);
        race(move || drop(task), || wait_for(&pool, 1));
        is_whole(&pool);
    }
}
