//! The arm for shuttle: the real arm's words, sizes and copies, with a point before each access at which the scheduler
//! may go on with another task.
//!
//! Invariant: whatever two tasks may both touch is reached behind a [`step`], and whoever waits for another yields: the
//! tasks take turns on one thread of the system, so one that spins would spin for ever.
//!
//! Every access takes effect at once, for all: shuttle knows no weaker order. So this arm finds nothing that rests on
//! an ordering or a fence, which are loom's to find, and in it fences do nothing. What it has that loom has not: whole
//! pools of real sizes, many tasks, and time.

extern crate std;

/// The point before an access, in `numbers`.
macro_rules! step {
    () => {
        super::step()
    };
}

/// A word that nobody else writes now: no other task makes a difference.
macro_rules! peek {
    ($word:expr) => {
        $word.0.load(Ordering::Relaxed)
    };
}

#[path = "defects.rs"]
mod defects;
#[path = "numbers.rs"]
mod numbers;

use core::cell::{Cell, RefCell};
use core::num::NonZero;
use core::ptr;
use core::time::Duration;
use std::rc::Rc;
use std::thread::panicking;
use std::thread_local;
use std::vec::Vec;

use bytemuck::NoUninit;
use shuttle::current;
use shuttle::rand::{RngCore, thread_rng};
use shuttle::thread::{self, Thread};

pub(crate) use defects::has_defect;
pub(crate) use numbers::{
    DEPOTS, DEPOTS_MAX, FETCHES_AHEAD, LONG, SHORT, STARTS, STEP, TAG_BITS, Turn, UnsafeCell,
    ZERO_BYTES, all_below, const_in_real, copy_in, copy_out, fetch_ahead, load_exclusive,
    load_gated,
};

use super::Ordering;

/// Lets the scheduler go on with any task. One that panics comes to its end first.
fn step() {
    if !panicking() {
        // Time does not pass in it: it is a point at which tasks are switched, and nothing else.
        thread::sleep(Duration::ZERO);
    }
}

/// An atomic as it lies in memory in a real build.
#[repr(transparent)]
pub(crate) struct Atomic<T>(atomic::Atomic<T>);

impl<T: NoUninit> Atomic<T> {
    pub(crate) const fn new(value: T) -> Self {
        Atomic(atomic::Atomic::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> T {
        step();
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: T, order: Ordering) {
        step();
        self.0.store(value, order);
    }

    pub(crate) fn swap(&self, value: T, order: Ordering) -> T {
        step();
        self.0.swap(value, order)
    }

    pub(crate) fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        step();
        self.0.compare_exchange(current, new, success, failure)
    }

    /// It never fails for no reason, so that a schedule leads to the same everywhere.
    pub(crate) fn compare_exchange_weak(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.compare_exchange(current, new, success, failure)
    }
}

macro_rules! arithmetic {
    ($($word:ty)+) => {$(
        impl Atomic<$word> {
            arithmetic! { @ $word: fetch_add fetch_sub fetch_or fetch_and }
        }
    )+};
    (@ $word:ty: $($step:ident)+) => {$(
        #[allow(dead_code, reason = "not every width needs each")]
        pub(crate) fn $step(&self, value: $word, order: Ordering) -> $word {
            step();
            self.0.$step(value, order)
        }
    )+};
}
arithmetic!(u8 u32 u64);

/// The scheduler's, so that a schedule leads to the same everywhere.
pub(crate) fn entropy<T>(_of: *const T) -> u64 {
    thread_rng().next_u64()
}

/// The task's number.
pub(crate) fn thread_key() -> usize {
    usize::from(current::me()) + 1
}

/// Nothing is reordered: here and below.
pub(crate) fn light_fence() {}

/// None.
pub(crate) fn brief_fence() {}

/// None.
pub(super) fn full_fence() {}

/// All tasks see the same already.
pub(crate) fn fence_all_threads() -> bool {
    true
}

/// There is no system.
pub(crate) fn register_fences() {}

/// None.
pub(crate) fn publish_fence() {}

/// None.
pub(crate) fn wait_fence() {}

/// None: whoever is in the middle of a call tells at its end, or a task sleeps for ever.
pub(crate) const LOOKS: u32 = 0;

/// Few, so that it happens.
pub(crate) const PATIENCE: u64 = 8;

/// Lets all others run first.
pub(crate) fn pause() {
    thread::yield_now();
}

/// When the time of one who waits is up. The clock is of steps, of whichever tasks: a microsecond each.
pub(crate) struct Deadline(Option<u64>);

impl Deadline {
    /// So long from now; never, if that is beyond what the clock can say.
    pub(crate) fn after(timeout: Duration) -> Self {
        let micros = u64::try_from(timeout.as_micros()).ok();
        Deadline(micros.and_then(|micros| Self::now().checked_add(micros)))
    }

    /// How long it is until then.
    pub(crate) fn left(&self) -> Duration {
        let left = |end: u64| Duration::from_micros(end.saturating_sub(Self::now()));
        self.0.map_or(Duration::MAX, left)
    }

    fn now() -> u64 {
        current::context_switches() as u64
    }
}

/// Sleeps of less are for a time. Longer ones are until somebody wakes the task: who relies on the look that is due
/// then at what nobody tells of would hide that a wake-up was lost.
const LONG_SLEEP: Duration = Duration::from_millis(1);

/// One that sleeps on a word.
struct Asleep {
    word: *const Atomic<u32>,
    bits: NonZero<u32>,
    task: Thread,
    woken: Rc<Cell<bool>>,
}

thread_local! {
    /// What the system has for the words on which threads sleep. All tasks of a run are one thread of the system's.
    static ASLEEP: RefCell<Vec<Asleep>> = const { RefCell::new(Vec::new()) };
}

/// Wakes the tasks that sleep on the word for one of `bits`.
pub(crate) fn wake_threads(word: &Atomic<u32>, bits: NonZero<u32>) {
    step();
    let wakes = |it: &mut Asleep| ptr::eq(it.word, word) && it.bits.get() & bits.get() != 0;
    let woken: Vec<_> = ASLEEP.with_borrow_mut(|all| all.extract_if(.., wakes).collect());
    for asleep in woken {
        asleep.woken.set(true);
        asleep.task.unpark();
    }
}

/// Sleeps while the word is `seen`, at most for so long, or until somebody wakes one of `bits`: for ever, if nobody
/// does, which shuttle reports.
pub(crate) fn sleep_on(word: &Atomic<u32>, seen: u32, bits: NonZero<u32>, most: Duration) {
    step();
    // The word is compared as it falls asleep, and not again.
    if peek!(word) != seen {
        return;
    }
    let woken = Rc::new(Cell::new(false));
    let asleep = Asleep { word, bits, task: thread::current(), woken: Rc::clone(&woken) };
    ASLEEP.with_borrow_mut(|all| all.push(asleep));
    let end = Deadline::after(most);
    while !woken.get() {
        if most >= LONG_SLEEP {
            thread::park();
        } else if end.left().is_zero() {
            break;
        } else {
            pause();
        }
    }
    ASLEEP.with_borrow_mut(|all| all.retain(|it| !Rc::ptr_eq(&it.woken, &woken)));
}
