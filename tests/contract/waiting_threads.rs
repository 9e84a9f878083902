//! Threads that wait for pages, and wakers that do what they should not.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use super::waiting::{Count, poll};
use crate::common::*;

type Batch<M> = PageBatch<M, 64>;

/// Longer than any test takes, unless something is wrong.
const LONG: Duration = Duration::from_secs(60);

const SHORT: Duration = Duration::from_millis(2);

fn taken<M: Mode>(pages: usize) -> (Pool<M>, Batch<M>) {
    let pool = build::<M>(pages, |builder| builder.max_caches(3).shared_caches(2));
    let mut all = Batch::empty();
    pool.alloc_bulk_exact(&mut all, pages).expect("a new pool");
    (pool, all)
}

/// Two threads wait for all pages, one with a cache, while a third gives them back one by one.
fn threads_are_served_as_pages_come<M: Mode>() {
    let (pool, all) = taken::<M>(16);
    let served = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (pool, served) = (&pool, &served);
        scope.spawn(move || {
            let mut batch = Batch::empty();
            pool.alloc_bulk_timeout(&mut batch, 16, LONG).expect("they come");
            assert_eq!(batch.len(), 16);
            served.fetch_add(1, Ordering::SeqCst);
            pool.free_bulk(&mut batch);
        });
        scope.spawn(move || {
            let (mut cache, mut batch) = (pool.cache().expect("a slot"), Batch::empty());
            cache.alloc_bulk_exact_timeout(&mut batch, 16, LONG).expect("they come");
            served.fetch_add(1, Ordering::SeqCst);
            cache.free_bulk(&mut batch);
        });
        let mut cache = pool.cache().expect("a slot");
        for (at, page) in all.into_iter().enumerate() {
            if at % 4 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
            if at % 2 == 0 { cache.free(page) } else { drop(page) }
        }
    });
    assert_eq!(served.into_inner(), 2);
    assert_whole(pool);
}

/// What had come stays, of the call that may be short; nothing does of the other.
fn a_wait_that_times_out_says_what_it_had<M: Mode>() {
    let (pool, mut all) = taken::<M>(16);
    drop(all.pop());
    let (mut some, mut none) = (Batch::empty(), Batch::empty());
    let mut cache = pool.cache().expect("a slot");
    let whole = cache.alloc_bulk_exact_timeout(&mut none, 2, SHORT).expect_err("there is one");
    assert_eq!((whole.want, whole.had, whole.reason), (2, 1, WaitReason::TimedOut));
    assert!(none.is_empty());
    let short = pool.alloc_bulk_timeout(&mut some, 2, SHORT).expect_err("there is one");
    assert_eq!((short.want, short.had, short.reason), (2, 1, WaitReason::TimedOut));
    assert_eq!((some.len(), out(&pool)), (1, 16));
    let zero = pool.alloc_bulk_timeout(&mut none, 1, Duration::ZERO).expect_err("there is none");
    assert_eq!((zero.had, none.len()), (0, 0));
    assert_adds_up(&pool);
    all.append(&mut some).expect("there is room");
    assert_eq!(cache.alloc_bulk_timeout(&mut none, 17, LONG).expect_err("16").reason, {
        WaitReason::TooMany { most: 16 }
    });
    drop((all, cache));
    pool.alloc_bulk_timeout(&mut none, 16, Duration::ZERO).expect("all are free");
    drop(none);
    assert_whole(pool);
}

/// Caches that sleep are looked at, whoever made them and however they sleep.
fn a_wait_takes_from_caches_that_do_nothing<M: Mode>() {
    for stealable in [false, true] {
        let (pool, mut all) = taken::<M>(16);
        let wait = || {
            let mut batch = Batch::empty();
            pool.alloc_bulk_timeout(&mut batch, 16, LONG).expect("they can be taken");
            batch
        };
        if stealable {
            let mut cache = pool.cache_stealable().expect("a slot");
            cache.free_bulk(&mut all);
            // Its thread sleeps, and has told nobody.
            drop(wait());
            drop(cache);
        } else {
            let mut cache = pool.cache().expect("a slot");
            cache.free_bulk(&mut all);
            drop(cache.idle(wait));
        }
        assert_whole(pool);
    }
}

/// A thread behind a task in one line: the task is served first, and what it frees is the thread's.
fn a_thread_waits_behind_a_task<M: Mode>() {
    let (pool, all) = taken::<M>(4);
    let mut batch = Batch::empty();
    thread::scope(|scope| {
        {
            let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 4));
            assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
            scope.spawn(|| {
                let mut batch = Batch::empty();
                pool.alloc_bulk_timeout(&mut batch, 2, LONG).expect("they come");
            });
            drop(all);
            // The list may be busy for a moment, while the thread comes.
            while poll(wait.as_mut(), Waker::noop()).is_pending() {
                thread::yield_now();
            }
        }
        batch.clear();
    });
    assert_whole(pool);
}

/// A waker whose calls and drops panic.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker's own");
    }
}

/// Whoever frees knows nothing of it, and nobody is left in the line.
fn a_waker_that_panics_harms_nobody<M: Mode>() {
    let (pool, mut all) = taken::<M>(4);
    let (mut first, mut second) = (Batch::empty(), Batch::empty());
    let (count, waker) = Count::new();
    let panics = Waker::from(Arc::new(Panics));
    {
        let mut one = Box::pin(pool.alloc_bulk_async(&mut first, 4));
        let mut two = pin!(pool.alloc_bulk_async(&mut second, 4));
        assert!(poll(one.as_mut(), &panics).is_pending());
        assert!(poll(two.as_mut(), &waker).is_pending());
        count.take();
        drop(all.pop());
        pool.free_bulk(&mut all);
        drop(one);
        assert!(count.take() > 0);
        assert_eq!(poll(two.as_mut(), &waker), Poll::Ready(Ok(())));
    }
    drop(second);
    assert_whole(pool);
}

every_mode!(
    threads_are_served_as_pages_come,
    a_wait_that_times_out_says_what_it_had,
    a_wait_takes_from_caches_that_do_nothing,
    a_thread_waits_behind_a_task,
    a_waker_that_panics_harms_nobody,
);
