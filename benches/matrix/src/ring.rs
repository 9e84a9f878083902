//! A ring between two threads, whose slots are filled and emptied in place.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A value on cache lines of its own.
#[repr(align(128))]
pub struct Line<T>(pub T);

/// Spins, and lets others run when that takes long: the other thread may not have a core.
#[derive(Default)]
pub struct Patience(u32);

impl Patience {
    pub fn wait(&mut self) {
        std::hint::spin_loop();
        self.0 += 1;
        if self.0.is_multiple_of(1 << 12) {
            std::thread::yield_now();
        }
    }
}

/// A ring of slots, with one producer and one consumer.
pub struct Ring<T> {
    slots: Box<[UnsafeCell<T>]>,
    filled: Line<AtomicUsize>,
    emptied: Line<AtomicUsize>,
}

// SAFETY: a slot is touched by the producer while it is empty and by the consumer while it is filled; the two counts
// hand it over.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    pub fn new(make: impl FnMut() -> T) -> Self {
        let slots = std::iter::repeat_with(make).take(32).map(UnsafeCell::new).collect();
        Ring { slots, filled: Line(AtomicUsize::new(0)), emptied: Line(AtomicUsize::new(0)) }
    }

    /// Fills `count` slots, one after the other, waiting while all are filled. One thread only.
    pub fn produce(&self, count: usize, mut fill: impl FnMut(&mut T)) {
        let first = self.filled.0.load(Ordering::Relaxed);
        let (mut patience, mut emptied) =
            (Patience::default(), self.emptied.0.load(Ordering::Acquire));
        for at in first..first + count {
            while at - emptied == self.slots.len() {
                patience.wait();
                // Acquire: pairs with the Release of `consume`.
                emptied = self.emptied.0.load(Ordering::Acquire);
            }
            // SAFETY: the slot is empty, and this is the only producer.
            fill(unsafe { &mut *self.slots[at % self.slots.len()].get() });
            // Release: pairs with the Acquire of `consume`.
            self.filled.0.store(at + 1, Ordering::Release);
        }
    }

    /// Empties `count` slots, waiting while all are empty. One thread only.
    pub fn consume(&self, count: usize, mut empty: impl FnMut(&mut T)) {
        let first = self.emptied.0.load(Ordering::Relaxed);
        let (mut patience, mut filled) =
            (Patience::default(), self.filled.0.load(Ordering::Acquire));
        for at in first..first + count {
            while at == filled {
                patience.wait();
                // Acquire: pairs with the Release of `produce`.
                filled = self.filled.0.load(Ordering::Acquire);
            }
            // SAFETY: the slot is filled, and this is the only consumer.
            empty(unsafe { &mut *self.slots[at % self.slots.len()].get() });
            // Release: pairs with the Acquire of `produce`.
            self.emptied.0.store(at + 1, Ordering::Release);
        }
    }

    /// Waits until all filled slots are empty again.
    pub fn wait(&self) {
        let mut patience = Patience::default();
        while self.emptied.0.load(Ordering::Acquire) != self.filled.0.load(Ordering::Relaxed) {
            patience.wait();
        }
    }
}
