//! Threads that wait: none sleeps while the pages that it waits for are free. loom reports one that sleeps for ever.

use std::time::Duration;

use loom_tests::{every_mode, race};
use pagesheaf::{Mode, PageBatch, Pool, WaitReason};

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

every_mode! {
    /// A thread waits for the only page, and so does the one that drops it: who has it first wakes the
    /// other as it gives it up.
    one, Dry, at least 100_000;
    fn two_threads_in_line_are_both_served<M: Mode>() {
        let (pool, page) = taken::<M>(1, 0);
        let other = pool.clone();
        race(
            move || wait_for(&other, 1),
            || {
                drop(page);
                wait_for(&pool, 1);
            },
        );
        is_whole(&pool);
    }
}

every_mode! {
    /// A thread waits for both pages, and has one in hand perhaps, when a critical one comes for both: it
    /// gives back what it has, and both are served.
    one, Dry, at least 100;
    fn a_thread_that_loses_its_turn_gives_back<M: Mode>() {
        let (pool, pages) = taken::<M>(2, 0);
        let other = pool.clone();
        race(
            move || wait_for(&other, 2),
            || {
                drop(pages);
                let mut batch = PageBatch::<M, 2>::empty();
                let done = pool.critical().alloc_bulk_timeout(&mut batch, 2, Duration::MAX);
                done.expect("it can be served");
            },
        );
        is_whole(&pool);
    }
}

every_mode! {
    /// The time of a thread that waits for both pages is up, while one is dropped and a task comes to wait
    /// for it: the task is behind the thread perhaps, and gets what that gives back.
    one, Dry, at least 100;
    fn a_thread_whose_time_is_up_wakes_the_next<M: Mode>() {
        let (pool, mut pages) = taken::<M>(2, 0);
        let mut task = Task::new(&pool, 1);
        let (page, other) = (pages.pop(), pool.clone());
        let (error, _) = race(
            move || {
                let mut batch = PageBatch::<M, 2>::empty();
                other.alloc_bulk_exact_timeout(&mut batch, 2, Duration::ZERO)
            },
            || {
                drop(page);
                task.poll()
            },
        );
        assert_eq!(error.map_err(|error| error.reason), Err(WaitReason::TimedOut));
        task.settle();
        drop(pages);
        is_whole(&pool);
    }
}
