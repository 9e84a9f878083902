//! The loom arm: the same names over loom's atomics, so that a model sees every access.

extern crate std;

#[path = "defects.rs"]
mod defects;

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::num::NonZero;
use core::time::Duration;

pub(super) use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, fence};
use loom::sync::{Condvar, Mutex};

pub(crate) use defects::has_defect;

use super::{Ordering, defect};
#[allow(unused_imports, reason = "it is of the system, and no model waits until some time")]
pub(crate) use crate::park::Deadline;

/// As the real arm's, but not `const`: loom makes its words at run time.
macro_rules! const_in_real {
    ($($function:tt)*) => {
        $($function)*
    };
}
pub(crate) use const_in_real;

/// What an [`Atomic`] holds, as bits.
pub(crate) trait Word: Copy {
    fn to_bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
}

macro_rules! word {
    ($($word:ty: $to:expr, $from:expr;)*) => {$(
        impl Word for $word {
            fn to_bits(self) -> u64 {
                $to(self)
            }
            fn from_bits(bits: u64) -> Self {
                $from(bits)
            }
        }
    )*};
}
word! {
    u8: u64::from, |bits| bits as u8;
    u32: u64::from, |bits| bits as u32;
    u64: core::convert::identity, core::convert::identity;
}

/// A thin `Atomic<T>` over a loom atomic. Arithmetic is done in 64 bits: no 32-bit word here relies on wrapping.
///
/// loom remembers the last access to a word only, so that a thread's own load hides another thread's earlier load
/// from the write that follows it, and the order in which the write comes first is never tried (loom's issues 166
/// and 392). Every load-then-compare-and-swap is of this kind. So each load first makes its mark on a second word,
/// with a relaxed read-modify-write, which orders nothing: loads then have an order, and loom tries them all.
pub(crate) struct Atomic<T>(AtomicU64, AtomicU64, PhantomData<T>);

impl<T: Word> Atomic<T> {
    pub(crate) fn new(value: T) -> Self {
        Atomic(AtomicU64::new(value.to_bits()), AtomicU64::new(0), PhantomData)
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> T {
        self.1.fetch_or(0, Ordering::Relaxed);
        T::from_bits(self.0.load(order))
    }

    #[track_caller]
    pub(crate) fn store(&self, value: T, order: Ordering) {
        self.0.store(value.to_bits(), order);
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.0
            .compare_exchange(current.to_bits(), new.to_bits(), success, failure)
            .map(T::from_bits)
            .map_err(T::from_bits)
    }

    /// loom's weak form never fails spuriously; nor does this one.
    #[track_caller]
    pub(crate) fn compare_exchange_weak(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.compare_exchange(current, new, success, failure)
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: T, order: Ordering) -> T {
        T::from_bits(self.0.swap(value.to_bits(), order))
    }

    #[track_caller]
    pub(crate) fn fetch_add(&self, value: T, order: Ordering) -> T {
        T::from_bits(self.0.fetch_add(value.to_bits(), order))
    }

    #[track_caller]
    pub(crate) fn fetch_sub(&self, value: T, order: Ordering) -> T {
        T::from_bits(self.0.fetch_sub(value.to_bits(), order))
    }

    #[track_caller]
    pub(crate) fn fetch_or(&self, value: T, order: Ordering) -> T {
        T::from_bits(self.0.fetch_or(value.to_bits(), order))
    }

    #[track_caller]
    pub(crate) fn fetch_and(&self, value: T, order: Ordering) -> T {
        T::from_bits(self.0.fetch_and(value.to_bits(), order))
    }
}

impl<T> Drop for Atomic<T> {
    /// The end of a word is a write to it: whoever frees metadata while another may still touch it is reported.
    #[track_caller]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.with_mut(|_| ());
        }
    }
}

/// An atomic is made, and loom knows of it: bytes of zero are none.
pub(crate) const ZERO_BYTES: bool = false;

/// Says to the model checker who owns something when: two owners at once are a race that it reports.
pub(crate) struct Turn(UnsafeCell<()>);

// SAFETY: it holds nothing; that two threads may touch it at once is what loom is to notice.
unsafe impl Sync for Turn {}

impl Turn {
    pub(crate) fn new() -> Self {
        Turn(UnsafeCell::new(()))
    }

    #[track_caller]
    pub(crate) fn reads(&self) {
        self.0.with(|_| ());
    }

    #[track_caller]
    pub(crate) fn writes(&self) {
        self.0.with_mut(|_| ());
    }
}

/// None, so that short runs do in a model what longer ones do elsewhere.
pub(crate) const SHORT: usize = 0;

/// Two, so that the small magazines of models have long runs, of one step.
pub(crate) const LONG: usize = 2;

/// As many as make a run long.
pub(crate) const STEP: usize = 2;

/// As the real arm's, one entry at a time.
///
/// # Safety
/// As the real arm's.
pub(crate) unsafe fn copy_out(from: *const Atomic<u32>, out: &mut [MaybeUninit<u32>]) {
    for (at, out) in out.iter_mut().enumerate() {
        // SAFETY: the caller vouches for `out.len()` entries.
        let word = unsafe { &*from.add(at) };
        out.write(word.load(Ordering::Relaxed));
    }
}

/// As the real arm's.
///
/// # Safety
/// As the real arm's.
pub(crate) unsafe fn all_below(entries: &[Atomic<u32>], end: u32) -> bool {
    // SAFETY: passed on to the caller.
    entries.iter().all(|entry| unsafe { load_exclusive(entry) } < end)
}

/// As the real arm's, one entry at a time, and without its compare, which only the owner's own stores can answer.
///
/// # Safety
/// As the real arm's.
pub(crate) unsafe fn copy_in(to: *const Atomic<u32>, ids: &[u32]) {
    for (at, &id) in ids.iter().enumerate() {
        // SAFETY: the caller vouches for `ids.len()` entries.
        let word = unsafe { &*to.add(at) };
        word.store(id, Ordering::Relaxed);
    }
}

/// Few bits of a tag, so that it wraps.
pub(crate) const TAG_BITS: u32 = 3;

/// What the only writer of a word wrote last, read by that writer: there is nothing for another thread to be in the way
/// of, so it is no point at which threads are switched. loom reports a writer that is not the only one.
///
/// # Safety
/// As the real arm's.
#[track_caller]
pub(crate) unsafe fn load_exclusive<T: Word>(word: &Atomic<T>) -> T {
    // SAFETY: passed on to the caller, and looked at by loom.
    T::from_bits(unsafe { word.0.unsync_load() })
}

/// What the only writer of a word wrote last, and the gate, which is 0 while the caller is that writer; otherwise
/// the first is 0, and the word is not looked at.
#[track_caller]
pub(crate) fn load_gated(word: &Atomic<u32>, gate: &Atomic<u64>) -> (u32, u64) {
    // Acquire where the owner of a slot need not take it back: see `slot::claim`.
    let old = defect!("claim-old-length");
    let gate = gate.load(if old { Ordering::Acquire } else { Ordering::Relaxed });
    // SAFETY: nobody else writes the word while the gate is 0; loom looks whether that is so.
    let value = if gate == 0 { unsafe { load_exclusive(word) } } else { 0 };
    (value, gate)
}

/// Not worth a look at a word, which would be a point at which threads are switched.
pub(crate) const FETCHES_AHEAD: bool = false;

/// A hint, which no model can see.
pub(crate) fn fetch_ahead<T>(_soon: *const T) {}

/// The same in every execution: a model must be deterministic.
pub(crate) fn entropy<T>(_of: *const T) -> u64 {
    0x5eed
}

/// All threads start with the same slot: the most contention. (A model's threads are one thread of the system.)
pub(crate) fn thread_key() -> usize {
    1
}

/// So nothing is kept of where they start.
pub(crate) const STARTS: usize = 0;

/// The most depots of a pool, and of one that is not told how many.
pub(crate) const DEPOTS_MAX: usize = 2;
pub(crate) const DEPOTS: usize = 1;

/// Both fences are sequentially consistent ones: to loom there is no other that pairs so.
#[track_caller]
pub(crate) fn light_fence() {
    if !defect!("claim-light-fence") {
        fence(Ordering::SeqCst);
    }
}

/// As the light one.
#[track_caller]
pub(super) fn full_fence() {
    if !defect!("claim-heavy-fence") {
        fence(Ordering::SeqCst);
    }
}

/// All threads make their own.
pub(crate) fn fence_all_threads() -> bool {
    true
}

/// There is no system.
pub(crate) fn register_fences() {}

/// Once, so that it happens in a model.
pub(crate) const PATIENCE: u64 = 1;

/// A sequentially consistent fence: loom knows no others that pair so.
#[track_caller]
pub(crate) fn publish_fence() {
    if !defect!("supply-publish-fence") {
        fence(Ordering::SeqCst);
    }
}

/// A sequentially consistent one: a store comes to all in the end, but not in a model.
#[track_caller]
pub(crate) fn brief_fence() {
    fence(Ordering::SeqCst);
}

/// None: whoever is in the middle of a call tells at its end, or a task sleeps for ever.
pub(crate) const LOOKS: u32 = 0;

/// As [`publish_fence`].
#[track_caller]
pub(crate) fn wait_fence() {
    if !defect!("supply-wait-fence") {
        fence(Ordering::SeqCst);
    }
}

loom::lazy_static! {
    /// What the system has for each word that threads sleep on, here one for all: how often each bit was woken.
    static ref ASLEEP: (Mutex<[u32; 32]>, Condvar) = (Mutex::new([0; 32]), Condvar::new());
}

/// How often one was woken that sleeps for these bits.
fn woken(counts: &[u32; 32], bits: NonZero<u32>) -> u32 {
    (0..32).filter(|bit| bits.get() >> bit & 1 == 1).map(|bit| counts[bit]).sum()
}

/// Wakes the threads that sleep for one of these bits.
pub(crate) fn wake_threads(_word: &Atomic<u32>, bits: NonZero<u32>) {
    let (counts, changed) = &*ASLEEP;
    let mut counts = counts.lock().expect("no model panics with it");
    (0..32).filter(|bit| bits.get() >> bit & 1 == 1).for_each(|bit| counts[bit] += 1);
    drop(counts);
    changed.notify_all();
}

/// Sleeps while the word is `seen`, until somebody wakes one of these bits: for ever, if nobody does, which loom
/// reports. A look that is due soon is made soon.
pub(crate) fn sleep_on(word: &Atomic<u32>, seen: u32, bits: NonZero<u32>, most: Duration) {
    if most < Duration::from_millis(1) {
        return pause();
    }
    let (counts, changed) = &*ASLEEP;
    let mut counts = counts.lock().expect("no model panics with it");
    let before = woken(&counts, bits);
    // The word is compared as it falls asleep, and not again.
    if word.load(Ordering::Acquire) == seen {
        while woken(&counts, bits) == before {
            counts = changed.wait(counts).expect("no model panics with it");
        }
    }
}

/// Lets others run.
pub(crate) fn pause() {
    loom::thread::yield_now();
}
