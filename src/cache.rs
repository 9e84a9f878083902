//! Cache slots: a thread's or a CPU's own front, in a fixed registry.
//!
//! Invariant: whoever holds a slot's lock owns its two magazines and is the only writer of its counters. An owned
//! cache holds the lock for as long as it lives; the shared path only ever *tries* to take it, and goes another way
//! when it is busy. Nobody waits.

#[cfg(test)]
mod slots;

use crate::magazine::{Hand, Magazine, Magazines};
use crate::mode::{Checked, Mode};
use crate::sync::{Atomic, Ordering, Owned, defect, ordering, own};

/// A counter with one writer at a time, which others may read.
pub(crate) struct Count(Atomic<u64>);

impl Count {
    fn new() -> Self {
        Count(Atomic::new(0))
    }

    /// Adds; the caller holds the slot.
    #[inline(always)]
    pub(crate) fn add(&self, n: u64) {
        // SAFETY: the slot's holder is the only writer, and the lock orders one after the other.
        let value = unsafe { own(&self.0) };
        // Relaxed, and no read-modify-write: readers want a number.
        self.0.store(value.wrapping_add(n), Ordering::Relaxed);
    }

    /// The count, as of about now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a slot has done. The first two, which lie first, are kept in every mode: they say how many pages are out.
#[repr(C)]
pub(crate) struct Counters {
    pub(crate) allocated: Count,
    pub(crate) freed: Count,
    pub(crate) alloc_calls: Count,
    pub(crate) free_calls: Count,
    pub(crate) short: Count,
    pub(crate) depot_refills: Count,
    pub(crate) shared_refills: Count,
    pub(crate) zone_refills: Count,
    pub(crate) depot_flushes: Count,
    pub(crate) zone_flushes: Count,
}

impl Counters {
    fn new() -> Self {
        Counters {
            allocated: Count::new(),
            freed: Count::new(),
            alloc_calls: Count::new(),
            free_calls: Count::new(),
            short: Count::new(),
            depot_refills: Count::new(),
            shared_refills: Count::new(),
            zone_refills: Count::new(),
            depot_flushes: Count::new(),
            zone_flushes: Count::new(),
        }
    }

    /// A call allocated `n` pages.
    #[inline(always)]
    pub(crate) fn took<M: Mode>(&self, n: usize) {
        self.allocated.add(n as u64);
        self.happened::<M>(&self.alloc_calls);
    }

    /// A call freed `n` pages.
    #[inline(always)]
    pub(crate) fn gave<M: Mode>(&self, n: usize) {
        self.freed.add(n as u64);
        self.happened::<M>(&self.free_calls);
    }

    /// Something that only statistics want to know.
    #[inline(always)]
    pub(crate) fn happened<M: Mode>(&self, what: &Count) {
        if M::STATS {
            what.add(1);
        }
    }

    /// Pages allocated and not freed here: below zero where pages come from other caches.
    pub(crate) fn balance(&self) -> u64 {
        self.allocated.get().wrapping_sub(self.freed.get())
    }
}

/// More than any call leaves.
const ASKED: u64 = 1 << 32;

/// One slot of the registry.
///
/// In this order of the fields what every quick call touches is on the first cache line; statistics and drops touch one
/// more. Ids of a long bulk whose addresses agree with the line's in the low twelve bits hold a call up, for a processor
/// takes a load of the one at first for one of the other, just stored; of three lines they would do so more often.
#[repr(C, align(128))]
pub(crate) struct Slot {
    /// The magazine in use.
    pub(crate) loaded: Hand,
    /// 0, or [`ASKED`] when somebody wants the slot's pages: how many ids, or how much room, a call must leave to be
    /// a quick one.
    asked: Atomic<u64>,
    lock: Atomic<u32>,
    pub(crate) counters: Counters,
    /// Pages freed through this slot by drops, which may come after the last handle; see `inner::close`.
    pub(crate) dropped: Atomic<u64>,
    /// The other one: what was loaded last, or the quarantine (hardened).
    pub(crate) spare: Hand,
    /// The zone word where the next refill starts to look.
    pub(crate) cursor: Owned<u32>,
    /// Random state, for shuffling (hardened).
    pub(crate) random: Owned<u64>,
}

// SAFETY: the hands and the `Owned` fields are touched only by the holder of the lock, which is handed on with
// Acquire and Release.
unsafe impl Sync for Slot {}
// SAFETY: nothing in it belongs to a thread; the hands point at heads that live as long as the slot.
unsafe impl Send for Slot {}

impl Slot {
    /// A free slot with two empty magazines.
    pub(crate) fn new(magazines: &Magazines, loaded: Magazine, cursor: u32, random: u64) -> Self {
        Slot {
            lock: Atomic::new(0),
            asked: Atomic::new(0),
            dropped: Atomic::new(0),
            // In any mode: they are empty.
            loaded: Hand::new::<Checked>(magazines, loaded),
            spare: Hand::new::<Checked>(magazines, loaded + 1),
            cursor: Owned::new(cursor),
            random: Owned::new(random | 1),
            counters: Counters::new(),
        }
    }

    /// Whether a call may go the quick way that leaves so many ids, or so much room: it cannot leave less than none,
    /// and nobody has asked for the slot's pages.
    #[inline(always)]
    pub(crate) fn may_leave(&self, left: i64) -> bool {
        // Relaxed: a request, seen sooner or later.
        left >= self.asked.load(Ordering::Relaxed) as i64
    }

    /// Asks whoever holds the slot to give up its pages at its next call.
    pub(crate) fn ask(&self) {
        // The look first keeps the line of a slot that has been asked already where it is.
        if self.asked.load(Ordering::Relaxed) == 0 && !defect!("pressure") {
            self.asked.store(ASKED, Ordering::Relaxed);
        }
    }

    /// Whether somebody has asked, which is then forgotten: the caller, who holds the slot, gives up its pages.
    pub(crate) fn is_asked(&self) -> bool {
        let asked = self.asked.load(Ordering::Relaxed) != 0;
        if asked {
            self.asked.store(0, Ordering::Relaxed);
        }
        asked
    }

    /// How many ids the slot's magazines hold, as of about now.
    pub(crate) fn held(&self) -> usize {
        (self.loaded.held() + self.spare.held()) as usize
    }

    /// Loads the spare magazine, if that fits and the loaded one does not: a bulk that comes and goes where the two
    /// meet would be torn each time.
    ///
    /// # Safety
    /// The caller holds the slot.
    pub(crate) unsafe fn load_what_fits(&self, fits: impl Fn(&Hand) -> bool) {
        if !fits(&self.loaded) && fits(&self.spare) {
            // SAFETY: the slot's holder owns its hands.
            unsafe { self.loaded.swap(&self.spare) };
        }
    }

    /// Takes the slot if it is free. Never waits.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // The look first keeps a busy slot's line shared. Acquire: pairs with the Release of `unlock`.
        self.lock.load(Ordering::Relaxed) == 0
            && (self.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
                || defect!("try-lock"))
    }

    /// Gives the slot back.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Release: pairs with the Acquire of `try_lock`.
        self.lock.store(0, ordering!(Release, "unlock"));
    }

    /// Whether somebody holds the slot, as of about now.
    pub(crate) fn is_held(&self) -> bool {
        self.lock.load(Ordering::Relaxed) != 0
    }
}
