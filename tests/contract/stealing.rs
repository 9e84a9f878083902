//! Stealable caches: their pages can be had while their threads do nothing, and only then.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use crate::common::*;

/// A fence for tests in which no other thread is in a call: what it says, after what it does.
struct Does<F: Fn() -> bool>(F);

// SAFETY: the tests that use it have one thread, or all others wait for this one, which synchronized with it.
unsafe impl<F: Fn() -> bool> AsymmetricFence for Does<F> {
    fn fence_others(&self) -> bool {
        (self.0)()
    }
}

/// Whether the system makes fences for this process.
#[cfg(all(feature = "std", target_os = "linux"))]
fn system_fences() -> bool {
    let [register, fence] =
        [libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED]
            // SAFETY: neither does anything to memory.
            .map(|command| unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) });
    (register, fence) == (0, 0)
}

/// Elsewhere threads make their own; without `std` nobody makes any.
#[cfg(not(all(feature = "std", target_os = "linux")))]
fn system_fences() -> bool {
    cfg!(feature = "std")
}

/// Steals while all other threads wait for this one: by the system's fence, where it makes one.
fn steal<M: Mode>(pool: &Pool<M>) -> usize {
    if system_fences() {
        return pool.steal_idle();
    }
    println!("skipped: the system makes no fence");
    pool.steal_idle_with(&Does(|| true))
}

fn pool_for<M: Mode>(caches: usize) -> Pool<M> {
    build::<M>(64, |builder| builder.max_caches(caches).shared_caches(1).magazine_capacity(16))
}

/// A stealable cache with so many pages at hand.
fn filled<M: Mode>(pool: &Pool<M>, pages: usize) -> Cache<M, true> {
    let mut cache = pool.cache_stealable().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, pages).allocated, pages);
    cache.free_bulk(&mut batch);
    cache
}

/// A pool of which a stealable cache has pages at hand; how many. All others are in the batch.
struct Scene<M: Mode> {
    pool: Pool<M>,
    sleeper: Cache<M, true>,
    out: PageBatch<M, 64>,
    pages: usize,
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool = pool_for::<M>(2);
        let sleeper = filled(&pool, 16);
        let mut out = PageBatch::empty();
        let all = pool.alloc_bulk(&mut out, 64);
        assert_eq!(all.reason, Some(ShortReason::Cached));
        let pages = 64 - all.allocated;
        let mut holders = pool.holders();
        let holder = holders.next().expect("it holds pages");
        assert_eq!((holder.state, holder.pages), (HolderState::Stealable, pages), "{pool:#}");
        assert!(pages >= 16 && holders.next().is_none());
        drop(holders);
        Scene { pool, sleeper, out, pages }
    }

    /// What the pool has for who asks.
    fn take(&mut self, want: usize) -> BulkAlloc {
        self.pool.alloc_bulk(&mut self.out, want)
    }

    fn end(self) {
        drop((self.sleeper, self.out));
        assert_whole(self.pool);
    }
}

fn a_cache_that_does_nothing_is_stolen_from<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let pages = scene.pages;
    assert_eq!(steal(&scene.pool), pages);
    assert_eq!((scene.pool.holders().count(), steal(&scene.pool)), (0, 0));
    assert_eq!(scene.take(pages), BulkAlloc { allocated: pages, reason: None });
    // Its owner finds it empty, and goes on.
    assert_eq!(scene.sleeper.alloc().err(), Some(ShortReason::Exhausted));
    scene.sleeper.free_bulk(&mut scene.out);
    assert!(scene.sleeper.alloc().is_ok());
    assert!(steal(&scene.pool) > 0);
    scene.end();
}

/// By the system: a thread of its own sleeps, and has said so to nobody.
fn a_sleeping_thread_is_stolen_from<M: Mode>() {
    let pool = pool_for::<M>(8);
    let (asleep, wait) = mpsc::channel();
    let wake: Vec<_> = (0..7)
        .map(|_| {
            let (pool, asleep) = (pool.clone(), asleep.clone());
            let (wake, woken) = mpsc::channel::<()>();
            let thread = thread::spawn(move || {
                let cache = filled(&pool, 9);
                asleep.send(()).expect("somebody waits");
                woken.recv().expect("somebody wakes it");
                drop(cache);
            });
            (wake, thread)
        })
        .collect();
    wake.iter().for_each(|_| wait.recv().expect("each falls asleep"));
    let mut eighth = pool.cache_stealable().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    let before = eighth.alloc_bulk(&mut batch, 64);
    assert!(before.allocated < 64 && before.reason == Some(ShortReason::Cached), "{before:?}");
    assert!(steal(&pool) > 0);
    let missing = 64 - batch.len();
    let bulk = eighth.alloc_bulk(&mut batch, missing);
    assert_eq!((batch.len(), bulk.reason), (64, None), "{pool:#}");
    eighth.free_bulk(&mut batch);
    for (wake, thread) in wake {
        wake.send(()).expect("it waits");
        thread.join().expect("no panic");
    }
    drop(eighth);
    assert_whole(pool);
}

/// Where the fence is refused, the owner is asked instead, and gives its pages up at its next call.
fn a_refused_fence_falls_back_to_asking<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let pages = scene.pages;
    assert_eq!(scene.pool.steal_idle_with(&Does(|| false)), 0);
    let holder = scene.pool.holders().next().expect("it keeps them");
    assert_eq!((holder.state, holder.pages), (HolderState::Stealable, pages));
    let none = scene.sleeper.alloc_bulk(&mut PageBatch::<M>::new(), 0);
    assert_eq!(none.reason, None);
    assert_eq!(scene.pool.holders().count(), 0);
    assert_eq!(scene.take(pages).allocated, pages);
    scene.end();
}

/// While somebody makes the fence the owner can call its cache, whose pages it gets none of.
fn an_owner_goes_on_beside_a_claim<M: Mode>() {
    let Scene { pool, sleeper, out, pages } = Scene::<M>::new();
    let (sleeper, out) = (RefCell::new(sleeper), RefCell::new(out));
    let calls = || {
        let (mut cache, mut batch) = (sleeper.borrow_mut(), out.borrow_mut());
        assert_eq!(cache.alloc().err(), Some(ShortReason::Cached));
        let page = batch.pop().expect("some are out");
        cache.free(page);
        let page = cache.alloc().expect("it lies in a shared cache");
        batch.push(page).expect("there is room");
        cache.drain();
        true
    };
    assert_eq!(pool.steal_idle_with(&Does(calls)), pages);
    let (sleeper, out) = (sleeper.into_inner(), out.into_inner());
    let mut scene = Scene { pool, sleeper, out, pages };
    assert_eq!(scene.take(pages).allocated, pages);
    scene.end();
}

/// Whether the thief has made a fence or not, and also if the fence panics.
fn an_owner_goes_for_good_beside_a_claim<M: Mode>() {
    for fence in [Some(true), Some(false), None] {
        let Scene { pool, sleeper, mut out, pages } = Scene::<M>::new();
        let sleeper = Cell::new(Some(sleeper));
        let drops = Does(|| {
            drop(sleeper.take());
            fence.expect("a fence that panics")
        });
        let stolen = catch_unwind(AssertUnwindSafe(|| pool.steal_idle_with(&drops)));
        match fence {
            Some(true) => assert_eq!(stolen.ok(), Some(pages)),
            Some(false) => assert_eq!(stolen.ok(), Some(0)),
            None => assert!(stolen.is_err()),
        }
        assert_eq!(pool.alloc_bulk(&mut out, pages).allocated, pages, "{pool:#}");
        // The slot is free, for a cache of either kind.
        let caches = (pool.cache().expect("a slot"), pool.cache_stealable().expect("a slot"));
        drop((caches, out));
        assert_whole(pool);
    }
}

/// A fence that panics leaves all as it was.
fn a_fence_that_panics_claims_nothing<M: Mode>() {
    let scene = Scene::<M>::new();
    let pages = scene.pages;
    let panics = Does(|| panic!("no fence"));
    let caught = catch_unwind(AssertUnwindSafe(|| scene.pool.steal_idle_with(&panics)));
    assert!(caught.is_err());
    let holder = scene.pool.holders().next().expect("it has its pages");
    assert_eq!((holder.state, holder.pages), (HolderState::Stealable, pages));
    assert_eq!(steal(&scene.pool), pages);
    scene.end();
}

/// A thief that steals while another makes its fence leaves alone what that has claimed.
fn a_slot_is_claimed_once<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let (pool, pages) = (scene.pool.clone(), scene.pages);
    let again = Does(|| {
        assert_eq!(pool.steal_idle_with(&Does(|| true)), 0);
        true
    });
    assert_eq!(scene.pool.steal_idle_with(&again), pages);
    assert_eq!(scene.take(pages).allocated, pages);
    drop(pool);
    scene.end();
}

/// Idle ones are taken from without a fence, and so are plain caches that are idle; others keep their pages.
fn idle_caches_need_no_fence<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let pool = scene.pool.clone();
    let refuses = Does(|| panic!("nobody need make one"));
    // It was asked for its pages, and has given up those that it had.
    scene.sleeper.free_bulk(&mut scene.out);
    let pages = pool.holders().map(|holder| holder.pages).sum();
    assert!(pages > 0);
    assert_eq!(scene.sleeper.idle(|| pool.steal_idle_with(&refuses)), pages);
    assert_eq!(scene.take(64), BulkAlloc { allocated: 64, reason: None });
    let mut plain = pool.cache().expect("a cache");
    plain.free_bulk(&mut scene.out);
    let held = pool.holders().next().expect("it holds pages").pages;
    assert!(pool.holders().all(|holder| holder.state == HolderState::InUse) && held > 0);
    assert_eq!(pool.steal_idle_with(&refuses), 0);
    let parked = plain.park();
    assert_eq!(pool.steal_idle_with(&refuses), held);
    drop((parked, pool));
    scene.end();
}

/// As a plain one, in the middle of a claim too.
fn a_stealable_cache_is_parked_and_resumed<M: Mode>() {
    let Scene { pool, sleeper, out, pages } = Scene::<M>::new();
    let sleeper = Cell::new(Some(sleeper));
    let parks = Does(|| {
        sleeper.set(sleeper.take().map(|cache| cache.park().resume()));
        true
    });
    assert_eq!(pool.steal_idle_with(&parks), pages);
    let parked = sleeper.take().expect("it was put back").park();
    let mut scene = Scene { pool, sleeper: parked.resume(), out, pages };
    scene.sleeper.free_bulk(&mut scene.out);
    assert!(scene.sleeper.alloc().is_ok() && steal(&scene.pool) > 0);
    scene.end();
}

/// One that goes idle beside a claim is idle when the claim has ended, whether a fence was made or not.
fn a_cache_goes_idle_beside_a_claim<M: Mode>() {
    for fence in [true, false] {
        let Scene { pool, sleeper, mut out, pages } = Scene::<M>::new();
        let (sleeper, parked) = (Cell::new(Some(sleeper)), Cell::new(None));
        let parks = Does(|| {
            parked.set(sleeper.take().map(Cache::park));
            fence
        });
        assert_eq!(pool.steal_idle_with(&parks), if fence { pages } else { 0 });
        let parked = parked.take().expect("it is parked");
        let got = pool.alloc_bulk(&mut out, pages);
        assert_eq!(got, BulkAlloc { allocated: pages, reason: None }, "{pool:#}");
        let mut sleeper = parked.resume();
        sleeper.free_bulk(&mut out);
        assert!(sleeper.alloc().is_ok() && steal(&pool) > 0);
        Scene { pool, sleeper, out, pages }.end();
    }
}

/// Threads that allocate and free, beside one that steals all the time: no page has two owners, none is lost.
fn stealing_beside_threads_at_work_loses_nothing<M: Mode>() {
    let pool = pool_for::<M>(3);
    let worker = |seed: u64| {
        let pool = pool.clone();
        move || {
            let mut cache = pool.cache_stealable().expect("a cache");
            let mut random = Random::new(seed);
            for round in 0..often(1000) as u32 {
                let mut batch = PageBatch::<M, 16>::empty();
                let got = cache.alloc_bulk(&mut batch, 1 + random.below(16)).allocated;
                for at in 0..got {
                    mark(&mut batch[at], round ^ seed as u32);
                }
                thread::yield_now();
                assert!(batch.iter().all(|bytes| is_marked(bytes, round ^ seed as u32)));
                if random.below(4) == 0 { batch.clear() } else { cache.free_bulk(&mut batch) }
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|seed| scope.spawn(worker(seed << 20))).collect();
        while !workers.iter().all(|worker| worker.is_finished()) {
            pool.steal_idle();
            thread::yield_now();
        }
    });
    assert_whole(pool);
}

every_mode!(
    a_cache_that_does_nothing_is_stolen_from,
    a_sleeping_thread_is_stolen_from,
    a_refused_fence_falls_back_to_asking,
    an_owner_goes_on_beside_a_claim,
    an_owner_goes_for_good_beside_a_claim,
    a_fence_that_panics_claims_nothing,
    a_slot_is_claimed_once,
    idle_caches_need_no_fence,
    a_stealable_cache_is_parked_and_resumed,
    a_cache_goes_idle_beside_a_claim,
    stealing_beside_threads_at_work_loses_nothing,
);
