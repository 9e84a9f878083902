//! Allocating and freeing in a signal handler that interrupts a thread inside the allocator: 108,000 times.
#![cfg(all(feature = "std", target_os = "linux"))]

#[macro_use]
mod common;

use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::*;

/// Handler runs of each of the nine tests.
const RUNS: u64 = 12_000;

/// What the handler works on.
struct Scene<M: Mode> {
    /// The handler's own cache; `None` when it goes through its handle to the pool.
    cache: Option<UnsafeCell<Cache<M>>>,
    handle: UnsafeCell<Pool<M>>,
    /// How often the handler ran to its end.
    runs: AtomicU64,
    /// How often it interrupted a call of the allocator.
    inside: AtomicU64,
    /// How many pages it got.
    got: AtomicU64,
    /// Whether the interrupted thread is inside a call.
    calling: AtomicBool,
}

/// The scene of the test that runs.
static SCENE: AtomicPtr<()> = AtomicPtr::new(null_mut());

fn use_pages<M: Mode>(front: &mut impl Front<M>, run: u64) -> u64 {
    let mut batch = PageBatch::<M, 32>::with_capacity();
    let Bulk { new, .. } = front.alloc_bulk(&mut batch, run as usize % 33);
    batch.iter_mut().for_each(|bytes| bytes[0] = run as u8);
    match run % 3 {
        0 => front.free_bulk(&mut batch),
        1 => drop(batch),
        _ => batch.into_iter().for_each(|page| front.free(page)),
    }
    if run % 16 == 5 {
        drop(front.alloc_block(Order::new(2).expect("legal")));
    }
    new as u64
}

extern "C" fn handler<M: Mode>(_: libc::c_int) {
    // SAFETY: the scene outlives the signals of its test, and is of this mode.
    let scene = unsafe { &*SCENE.load(Ordering::Acquire).cast::<Scene<M>>() };
    let run = scene.runs.load(Ordering::Relaxed);
    let got = match &scene.cache {
        // SAFETY: only the handler uses this cache, on one thread, and it does not interrupt itself.
        Some(cache) => use_pages(unsafe { &mut *cache.get() }, run),
        // SAFETY: as above, of this handle.
        None => use_pages(unsafe { &mut *scene.handle.get() }, run),
    };
    scene.got.fetch_add(got, Ordering::Relaxed);
    scene.inside.fetch_add(u64::from(scene.calling.load(Ordering::Relaxed)), Ordering::Relaxed);
    scene.runs.store(run + 1, Ordering::Release);
}

/// Makes `handler` the process's handler of the signal.
fn install<M: Mode>() {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler::<M> as extern "C" fn(libc::c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the action is a handler that only does what signal handlers may.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, null_mut()) }, 0);
}

/// Allocates and frees until the test is over.
fn work<M: Mode>(front: &mut impl Front<M>, scene: &Scene<M>, stop: &AtomicBool) {
    let mut random = Random::new(3);
    let (mut one, mut two) =
        (PageBatch::<M, 64>::with_capacity(), PageBatch::<M, 64>::with_capacity());
    while !stop.load(Ordering::Acquire) {
        let (want, first) = (random.below(65), random.below(2) == 0);
        scene.calling.store(true, Ordering::Relaxed);
        for _ in 0..4 {
            _ = front.alloc_bulk(&mut one, want);
            _ = front.alloc_bulk(&mut two, 8);
            front.free_bulk(if first { &mut one } else { &mut two });
            front.free_bulk(if first { &mut two } else { &mut one });
        }
        scene.calling.store(false, Ordering::Relaxed);
        assert!(distinct(&[one.ids(), two.ids()].concat()));
    }
}

/// Sends the signal and waits until its handler has run, again and again.
fn interrupt<M: Mode>(thread: libc::pthread_t, scene: &Scene<M>) {
    for run in 0..RUNS {
        // SAFETY: the thread runs until this is done.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
        let since = Instant::now();
        let mut spins = 0_u32;
        while scene.runs.load(Ordering::Acquire) == run {
            spins += 1;
            if spins.is_multiple_of(1 << 10) {
                thread::yield_now();
                assert!(
                    since.elapsed() < Duration::from_secs(20),
                    "the handler hangs in run {run}"
                );
            }
        }
    }
}

/// Interrupts a thread that works on a cache or on the pool, with a handler that has a cache or the pool.
fn interrupted<M: Mode>(thread_has_cache: bool, handler_has_cache: bool) {
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pool = build::<M>(150, |builder| builder.magazine(8).shared_caches(2));
    let cache = handler_has_cache.then(|| UnsafeCell::new(pool.cache().expect("a cache")));
    let scene = Scene {
        cache,
        handle: UnsafeCell::new(pool.clone()),
        runs: AtomicU64::new(0),
        inside: AtomicU64::new(0),
        got: AtomicU64::new(0),
        calling: AtomicBool::new(false),
    };
    SCENE.store((&raw const scene).cast_mut().cast(), Ordering::Release);
    install::<M>();
    let stop = AtomicBool::new(false);
    let shared = Shared(&scene);
    thread::scope(|scope| {
        let (send, me) = mpsc::channel();
        let (pool, stop) = (&pool, &stop);
        scope.spawn(move || {
            let shared = shared;
            // SAFETY: always allowed.
            send.send(unsafe { libc::pthread_self() }).expect("the test waits");
            if thread_has_cache {
                work(&mut pool.cache().expect("a cache"), shared.0, stop);
            } else {
                work(&mut pool.clone(), shared.0, stop);
            }
        });
        let _finally = Stop(stop);
        interrupt(me.recv().expect("the thread says who it is"), &scene);
    });
    let (inside, got) = (scene.inside.load(Ordering::Relaxed), scene.got.load(Ordering::Relaxed));
    assert_eq!(scene.runs.load(Ordering::Relaxed), RUNS);
    assert!(inside > RUNS / 4, "only {inside} of {RUNS} signals came inside the allocator");
    assert!(got > RUNS, "the handler got {got} pages only");
    drop(scene);
    assert_whole(pool);
}

/// A scene, shared with the thread that its handler interrupts.
struct Shared<'a, M: Mode>(&'a Scene<M>);

impl<M: Mode> Clone for Shared<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Mode> Copy for Shared<'_, M> {}

// SAFETY: that thread touches the atomic fields only; the cache and the handle are the handler's.
unsafe impl<M: Mode> Send for Shared<'_, M> {}

/// Ends the work, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn a_cache_is_interrupted_by_a_handler_with_a_cache<M: Mode>() {
    interrupted::<M>(true, true);
}

fn the_pool_is_interrupted_by_a_handler_with_the_pool<M: Mode>() {
    interrupted::<M>(false, false);
}

fn a_cache_is_interrupted_by_a_handler_with_the_pool<M: Mode>() {
    interrupted::<M>(true, false);
}

mod presets {
    stamp!(
        bare,
        Bare,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
        ]
    );
    stamp!(
        checked,
        Checked,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
        ]
    );
    stamp!(
        hardened,
        Hardened,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
        ]
    );
}
