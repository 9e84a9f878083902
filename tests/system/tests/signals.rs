//! Allocating and freeing in a signal handler that interrupts a thread inside the allocator: 134,400 times.
//!
//! The signals come from a timer that the handler sets anew, for a moment later, when it is done. So the thread is
//! interrupted as often whether or not it has a processor for itself, and nobody waits for anybody.
#![cfg(all(feature = "std", target_os = "linux"))]

#[macro_use]
#[path = "../../common/mod.rs"]
mod common;

use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::*;

/// How often each of the twelve tests interrupts a call of the allocator.
const INSIDE: u64 = 11_200;

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
    /// What the signals come from, until the test is over.
    timer: libc::timer_t,
    over: AtomicBool,
}

/// The scene of the test that runs.
static SCENE: AtomicPtr<()> = AtomicPtr::new(null_mut());

fn use_pages<M: Mode>(front: &mut impl Front<M>, run: u64) -> u64 {
    let mut batch = PageBatch::<M, 32>::empty();
    let BulkAlloc { allocated, .. } = front.alloc_bulk(&mut batch, run as usize % 33);
    batch.iter_mut().for_each(|bytes| bytes[0] = run as u8);
    match run % 3 {
        0 => front.free_bulk(&mut batch),
        1 => drop(batch),
        _ => batch.into_iter().for_each(|page| front.free(page)),
    }
    if run % 16 == 5 {
        drop(front.alloc_block(Order::new(2).expect("legal")));
    }
    allocated as u64
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
    if !scene.over.load(Ordering::Relaxed) {
        again(scene.timer, run);
    }
}

/// Sets the timer to 2 to 17 microseconds from now. A signal handler may do that.
fn again(timer: libc::timer_t, run: u64) {
    let tv_nsec = 2_000 + (run.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as libc::c_long;
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let once =
        libc::itimerspec { it_interval: never, it_value: libc::timespec { tv_sec: 0, tv_nsec } };
    // SAFETY: the timer lives until its test is over, and the time is a legal one.
    unsafe { libc::timer_settime(timer, 0, &raw const once, null_mut()) };
}

/// A timer that sends the signal to this thread.
fn timer_of_this_thread() -> libc::timer_t {
    // SAFETY: all zeros is a valid `sigevent`.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = libc::SIGUSR1;
    // SAFETY: always allowed.
    event.sigev_notify_thread_id = unsafe { libc::gettid() };
    let mut timer = null_mut();
    // SAFETY: both are valid for the call.
    let made = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    timer
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

/// Allocates and frees until it has been interrupted often enough.
fn work<M: Mode>(front: &mut impl Front<M>, scene: &Scene<M>) {
    let mut random = Random::new(3);
    let (mut one, mut two) = (PageBatch::<M, 64>::empty(), PageBatch::<M, 64>::empty());
    while scene.inside.load(Ordering::Relaxed) < INSIDE {
        let (want, first) = (random.below(65), random.below(2) == 0);
        scene.calling.store(true, Ordering::Relaxed);
        for _ in 0..16 {
            _ = front.alloc_bulk(&mut one, want);
            _ = front.alloc_bulk(&mut two, 8);
            front.free_bulk(if first { &mut one } else { &mut two });
            front.free_bulk(if first { &mut two } else { &mut one });
        }
        scene.calling.store(false, Ordering::Relaxed);
        _ = (front.alloc_bulk(&mut one, want), front.alloc_bulk(&mut two, 8));
        assert!(distinct(&[one.ids(), two.ids()].concat()));
        let runs = scene.runs.load(Ordering::Relaxed);
        assert!(runs < 4 * INSIDE, "of {runs} signals too few came inside the allocator");
    }
}

/// Ends the program if the handler hangs: nothing else could.
fn watch<M: Mode>(scene: &Scene<M>, done: &mpsc::Receiver<()>) {
    let mut before = u64::MAX;
    while done.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        let runs = scene.runs.load(Ordering::Relaxed);
        if runs == before {
            eprintln!("the handler hangs in run {runs} [{}]", ModeFlags::of::<M>());
            std::process::abort();
        }
        before = runs;
    }
}

/// Waits for pages again and again, until the signals end. Says how often they came.
fn wait_for_pages<M: Mode>(pool: &Pool<M>, scene: &AtomicBool) -> u64 {
    let (mut batch, mut served) = (PageBatch::<M, 64>::empty(), 0);
    while !scene.load(Ordering::Relaxed) {
        let got = pool.alloc_bulk_exact_timeout(&mut batch, 60, Duration::from_millis(100));
        served += u64::from(got.is_ok());
        batch.clear();
    }
    served
}

/// Interrupts a thread that works on a cache or on the pool, with a handler that has a cache or the pool. Another
/// thread may wait for pages meanwhile.
fn interrupted<M: Mode>(thread_has_cache: bool, handler_has_cache: bool, waits: bool) {
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pool = build::<M>(150, |builder| builder.magazine_capacity(8).shared_caches(2));
    let cache = handler_has_cache.then(|| UnsafeCell::new(pool.cache().expect("a cache")));
    let scene = Scene {
        cache,
        handle: UnsafeCell::new(pool.clone()),
        runs: AtomicU64::new(0),
        inside: AtomicU64::new(0),
        got: AtomicU64::new(0),
        calling: AtomicBool::new(false),
        timer: timer_of_this_thread(),
        over: AtomicBool::new(false),
    };
    SCENE.store((&raw const scene).cast_mut().cast(), Ordering::Release);
    install::<M>();
    let shared = Shared(&scene);
    thread::scope(|scope| {
        let (_done, when_done) = mpsc::channel();
        scope.spawn(move || {
            let shared = shared;
            watch(shared.0, &when_done);
        });
        let over = &scene.over;
        let waiter = waits.then(|| scope.spawn(|| wait_for_pages(&pool, over)));
        let finally = Over(&scene);
        again(scene.timer, 0);
        if thread_has_cache {
            work(&mut pool.cache().expect("a cache"), &scene);
        } else {
            work(&mut pool.clone(), &scene);
        }
        drop(finally);
        if let Some(waiter) = waiter {
            assert!(waiter.join().expect("it ends") > 0, "nobody woke who waits");
        }
    });
    let (runs, got) = (scene.runs.load(Ordering::Relaxed), scene.got.load(Ordering::Relaxed));
    assert!(scene.inside.load(Ordering::Relaxed) >= INSIDE);
    assert!(got > runs, "the handler got {got} pages only in {runs} runs");
    drop(scene);
    assert_whole(pool);
}

/// A scene, shared with the thread that watches it.
struct Shared<'a, M: Mode>(&'a Scene<M>);

// SAFETY: that thread reads the number of runs only; the cache and the handle are the handler's.
unsafe impl<M: Mode> Send for Shared<'_, M> {}

/// Ends the signals, also when a test fails.
struct Over<'a, M: Mode>(&'a Scene<M>);

impl<M: Mode> Drop for Over<'_, M> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
        // SAFETY: the timer is the test's. A signal that it has sent is delivered before this returns.
        unsafe { libc::timer_delete(self.0.timer) };
    }
}

fn a_cache_is_interrupted_by_a_handler_with_a_cache<M: Mode>() {
    interrupted::<M>(true, true, false);
}

fn the_pool_is_interrupted_by_a_handler_with_the_pool<M: Mode>() {
    interrupted::<M>(false, false, false);
}

fn a_cache_is_interrupted_by_a_handler_with_the_pool<M: Mode>() {
    interrupted::<M>(true, false, false);
}

/// What the handler frees, and what the thread that it interrupts frees, comes to who waits.
fn a_handler_wakes_who_waits<M: Mode>() {
    interrupted::<M>(true, false, true);
}

mod presets {
    stamp!(
        bare,
        Bare,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
            a_handler_wakes_who_waits,
        ]
    );
    stamp!(
        checked,
        Checked,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
            a_handler_wakes_who_waits,
        ]
    );
    stamp!(
        hardened,
        Hardened,
        [
            a_cache_is_interrupted_by_a_handler_with_a_cache,
            the_pool_is_interrupted_by_a_handler_with_the_pool,
            a_cache_is_interrupted_by_a_handler_with_the_pool,
            a_handler_wakes_who_waits,
        ]
    );
}
