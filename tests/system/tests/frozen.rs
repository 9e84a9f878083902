//! Threads that stand still inside a call, or are many: pages that are free are never said not to be.
#![cfg(all(feature = "std", target_os = "linux"))]

#[macro_use]
#[path = "../../common/mod.rs"]
mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use common::*;

const PAGES: usize = 64;
/// Pages that the thread which stands still allocates at a time.
const EACH: usize = 16;

static STOPPED: AtomicBool = AtomicBool::new(false);
static GO: AtomicBool = AtomicBool::new(false);

/// The thread stands still, wherever it is, until it is told to go on.
extern "C" fn stop(_: libc::c_int) {
    STOPPED.store(true, Ordering::SeqCst);
    while !GO.swap(false, Ordering::SeqCst) {
        // SAFETY: always allowed, also in a signal handler.
        unsafe { libc::sched_yield() };
    }
}

/// As many pages as there are to be had, and why not more.
fn all<M: Mode>(pool: &Pool<M>) -> (usize, Option<ShortReason>) {
    let mut batch = PageBatch::<M, PAGES>::empty();
    loop {
        let want = PAGES - batch.len();
        let bulk = pool.alloc_bulk(&mut batch, want);
        if bulk.allocated == 0 || batch.len() == PAGES {
            return (batch.len(), bulk.reason);
        }
    }
}

/// How often fewer pages could be had than those that the thread which stands still can own. It hides no more than is
/// said.
fn beside_a_frozen_thread<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> usize {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let pool = build::<M>(PAGES, how);
    // SAFETY: the handler touches two atomics.
    unsafe { libc::signal(libc::SIGUSR2, stop as extern "C" fn(libc::c_int) as usize) };
    let (thread, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let (rounds, mut busy) = (often(200), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: always allowed.
            thread.store(unsafe { libc::pthread_self() } as u64, Ordering::SeqCst);
            while !done.load(Ordering::Relaxed) {
                let _ = pool.alloc_bulk(&mut PageBatch::<M, EACH>::empty(), EACH);
            }
        });
        while thread.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let id = thread.load(Ordering::SeqCst) as libc::pthread_t;
        for _ in 0..rounds {
            // SAFETY: the thread lives until `done` is said.
            unsafe { libc::pthread_kill(id, libc::SIGUSR2) };
            while !STOPPED.swap(false, Ordering::SeqCst) {
                thread::yield_now();
            }
            let (had, reason) = all(&pool);
            let exact = pool.alloc_bulk_exact(&mut PageBatch::<M, PAGES>::empty(), PAGES - EACH);
            GO.store(true, Ordering::SeqCst);
            let free = PAGES - EACH;
            busy += usize::from(had < free);
            assert!(had + pool.hidden_by_call() >= free, "{had} could be had");
            assert!(had >= free || reason == Some(ShortReason::Busy), "{had}: {reason:?}");
            let exact = exact.err().map(|error| error.reason);
            assert!(exact.is_none_or(|why| why == ShortReason::Busy), "{exact:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{}: some hidden in {busy} of {rounds} moments", pool.mode());
    assert_whole(pool);
    busy
}

/// A pool as it is if nothing is said, and one whose shared slots can hold all of it.
fn what_a_frozen_thread_hides_is_bounded<M: Mode>() {
    beside_a_frozen_thread::<M>(|builder| builder.max_caches(0).shared_caches(2));
    beside_a_frozen_thread::<M>(|builder| builder.magazine_capacity(PAGES).shared_caches(2));
}

/// Magazines that hold the pool: there are no shared slots, if nothing is said, and nothing is hidden.
fn a_tiny_pool_hides_nothing<M: Mode>() {
    let pool = build::<M>(PAGES, |builder| builder.magazine_capacity(PAGES));
    drop(pool.alloc().expect("a page"));
    assert_eq!(pool.audit().pages.free, PAGES as u64, "it lies in no shared slot");
    let hidden =
        beside_a_frozen_thread::<M>(|builder| builder.magazine_capacity(PAGES).max_caches(1));
    assert_eq!(hidden, 0, "moments in which some were hidden");
}

/// Eight threads want half of the pages together: each is served at once where nothing is hidden.
fn of_eight_threads_none_is_short<M: Mode>() {
    for shared in [None, Some(2)] {
        let pool = build::<M>(PAGES, |builder| {
            let builder = builder.magazine_capacity(32);
            if let Some(slots) = shared { builder.shared_caches(slots) } else { builder }
        });
        let (short, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut in_a_row = 0;
                    for _ in 0..often(500) {
                        let mut batch = PageBatch::<M, 4>::empty();
                        let bulk = pool.alloc_bulk(&mut batch, 4);
                        short.fetch_add(u64::from(bulk.reason.is_some()), Ordering::Relaxed);
                        in_a_row = if bulk.reason.is_some() { in_a_row + 1 } else { 0 };
                        most.fetch_max(in_a_row, Ordering::Relaxed);
                        let expected = [None, Some(ShortReason::Busy)];
                        assert!(expected.contains(&bulk.reason), "{bulk:?}");
                    }
                });
            }
        });
        let short = short.into_inner();
        let most = most.into_inner();
        println!("{}: {short} short, {most} in a row, with {shared:?} shared slots", pool.mode());
        assert!(shared.is_some() || short == 0, "{short} short");
        assert_whole(pool);
    }
}

every_mode!(
    what_a_frozen_thread_hides_is_bounded,
    a_tiny_pool_hides_nothing,
    of_eight_threads_none_is_short,
);
