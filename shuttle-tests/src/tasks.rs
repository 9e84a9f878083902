//! Tasks: shuttle's, or, in any other build, threads of the system.

#[cfg(not(pagesheaf_shuttle))]
use std::thread;

#[cfg(pagesheaf_shuttle)]
use shuttle::thread;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub use thread::{JoinHandle, spawn, yield_now};

/// The numbers that an execution is made of come from this one.
#[cfg(pagesheaf_shuttle)]
pub fn seed() -> u64 {
    shuttle::rand::RngCore::next_u64(&mut shuttle::rand::thread_rng())
}

/// Another at each call.
#[cfg(not(pagesheaf_shuttle))]
pub fn seed() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// How many steps the execution has had so far.
pub fn steps() -> u64 {
    #[cfg(pagesheaf_shuttle)]
    return shuttle::current::context_switches() as u64;
    #[cfg(not(pagesheaf_shuttle))]
    0
}

/// Waits for all. One that panicked has said why.
pub fn join<T>(tasks: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    tasks.into_iter().map(|task| task.join().expect("no panic")).collect()
}

/// What wakes a task that polls a future.
struct Alarm {
    woken: AtomicBool,
    task: thread::Thread,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.unpark();
    }
}

/// Polls a future when it is woken, and sleeps meanwhile; at most so often, if that is said. `None` if it was not
/// ready.
pub fn poll<F: Future>(future: F, most: Option<usize>) -> Option<F::Output> {
    let alarm = Arc::new(Alarm { woken: AtomicBool::new(false), task: thread::current() });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
        polls += 1;
        if most.is_some_and(|most| polls >= most) {
            return None;
        }
        // Who waits for a moment wakes itself: the others are to have that moment.
        yield_now();
        while !alarm.woken.swap(false, Ordering::SeqCst) {
            thread::park();
        }
    }
}
