//! Cache slots: what a thread or a CPU has in front of the depot, in a fixed registry.
//!
//! Invariant: whoever has a slot's [`SlotGuard`] has its two magazines and is the only writer of its
//! counters. An owned cache keeps the guard for as long as it lives; the shared path only ever *tries* to
//! get one, and goes another way when the slot is busy. Nobody waits.

mod counters;
#[cfg(test)]
mod tests;

pub(crate) use counters::Counters;

use crate::magazine::{Entries, LoadedMagazine, Magazine, MagazineMut, Magazines, Room};
use crate::mode::Checked;
use crate::sync::{Atomic, ExclusiveCell, Ordering, defect, ordering};

/// More than any call leaves.
const DRAIN: u64 = 1 << 32;

/// In a slot's lock: nobody has the slot.
const FREE: u32 = 0;

/// Somebody has it.
const LOCKED: u32 = 1;

/// Somebody has it who goes on in a forked child; while `inner::fork` looks for those who do not.
const KEPT: u32 = 2;

/// One slot of the registry.
///
/// In this order of the fields what every fast path touches is on the first cache line; statistics and drops
/// touch one more. Ids of a long bulk whose addresses agree with the line's in the low twelve bits hold a
/// call up (4K aliasing: a load is assumed to depend on a recent store whose address has the same low bits);
/// of three lines they would do so more often.
#[repr(C, align(128))]
pub(crate) struct Slot {
    /// The magazine in use, to which `loaded_len` belongs.
    loaded: ExclusiveCell<LoadedMagazine>,
    /// 0, or [`DRAIN`] when somebody wants the slot's pages: how many ids, or how much room, a call must
    /// leave to take the fast path.
    drain_request: Atomic<u64>,
    loaded_len: Atomic<u32>,
    lock: Atomic<u32>,
    pub(crate) counters: Counters,
    /// Pages freed through this slot by drops, which may come after the last handle; see `inner::lifecycle`.
    pub(crate) dropped: Atomic<u64>,
    previous_len: Atomic<u32>,
    rest: ExclusiveCell<Rest>,
}

/// What only slow paths use of a slot.
struct Rest {
    /// The other magazine: what was loaded last, or where freed pages wait (`mode`).
    previous: LoadedMagazine,
    /// The zone word where the next refill starts to look.
    cursor: u32,
    /// Random state, for shuffling and sampling.
    random: u64,
    /// Pages to be freed before the next one is poisoned.
    until_poison: u32,
}

// SAFETY: the exclusive cells are reached through the slot's guard only, which is handed on with Acquire and
// Release; all else are atomics.
unsafe impl Sync for Slot {}
// SAFETY: nothing in it belongs to a thread; the magazines point into tables that live as long as the slot.
unsafe impl Send for Slot {}

impl Slot {
    /// A free slot with two empty magazines of these tables, with which it is dropped.
    pub(crate) fn new(
        magazines: &Magazines,
        [loaded, previous]: [Magazine; 2],
        cursor: u32,
        random: u64,
    ) -> Self {
        let [loaded, previous] = open_empty(magazines, [loaded, previous]);
        let rest = Rest { previous: previous.1, cursor, random: random | 1, until_poison: 0 };
        Slot {
            loaded: ExclusiveCell::new(loaded.1),
            drain_request: Atomic::new(0),
            loaded_len: Atomic::new(loaded.0),
            lock: Atomic::new(FREE),
            counters: Counters::new(),
            dropped: Atomic::new(0),
            previous_len: Atomic::new(previous.0),
            rest: ExclusiveCell::new(rest),
        }
    }

    /// Asks whoever has the slot to give up its pages at the next call.
    pub(crate) fn request_drain(&self) {
        // The look first keeps the line of a slot that has been asked already where it is.
        if self.drain_request.load(Ordering::Relaxed) == 0 && !defect!("pressure") {
            self.drain_request.store(DRAIN, Ordering::Relaxed);
        }
    }

    /// How many ids the loaded magazine holds, as of about now.
    pub(crate) fn loaded_len(&self) -> u32 {
        // Relaxed: a hint, or a number for a report; here and below.
        self.loaded_len.load(Ordering::Relaxed)
    }

    /// How many ids the previous magazine holds, as of about now.
    pub(crate) fn previous_len(&self) -> u32 {
        self.previous_len.load(Ordering::Relaxed)
    }

    /// How many ids the slot's magazines hold, as of about now.
    pub(crate) fn cached(&self) -> usize {
        (self.loaded_len() + self.previous_len()) as usize
    }

    /// The slot, if it is free. Never waits.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<SlotGuard<'_>> {
        // The look first keeps a busy slot's line shared. Acquire: pairs with the Release of the guard's drop.
        let (free, relaxed) = (FREE, Ordering::Relaxed);
        let locked = self.lock.load(relaxed) == free
            && (self.lock.compare_exchange(free, LOCKED, Ordering::Acquire, relaxed).is_ok()
                || defect!("try-lock"));
        locked.then(|| SlotGuard(self))
    }

    /// As [`Self::try_lock`]; with a deliberate defect, the slot whether it is free or not.
    pub(crate) fn try_lock_or(&self, defect: bool) -> Option<SlotGuard<'_>> {
        self.try_lock().or_else(|| defect.then(|| SlotGuard(self)))
    }

    /// Whether somebody has the slot, as of about now.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.load(Ordering::Relaxed) != FREE
    }

    /// Opens the slot, if somebody had it who does not go on in the child, with two empty magazines of its
    /// tables, once `own` has been found to have two. What it held is forgotten; what it counted stays.
    ///
    /// # Safety
    /// Nobody uses or drops a guard of this slot any more, but those that were told to [`SlotGuard::keep`]
    /// it.
    pub(crate) unsafe fn reopen(
        &self,
        magazines: &Magazines,
        own: impl FnOnce() -> Option<[Magazine; 2]>,
    ) {
        // Relaxed: the caller is alone, here and below.
        match self.lock.load(Ordering::Relaxed) {
            FREE => return,
            KEPT => return self.lock.store(LOCKED, Ordering::Relaxed),
            _ => {}
        }
        let Some(own) = own() else { return };
        let [loaded, previous] = open_empty(magazines, own);
        // The guard of the one who is gone; this one gives the slot back.
        let mut guard = SlotGuard(self);
        // SAFETY: there is no other guard of this slot that is used, by the caller's promise.
        *unsafe { self.loaded.get_mut() } = loaded.1;
        // SAFETY: as above.
        unsafe { self.rest.get_mut() }.previous = previous.1;
        self.loaded_len.store(loaded.0, Ordering::Relaxed);
        self.previous_len.store(previous.0, Ordering::Relaxed);
        _ = guard.take_drain_request();
    }
}

/// What a slot has of two empty magazines.
fn open_empty(magazines: &Magazines, own: [Magazine; 2]) -> [(u32, LoadedMagazine); 2] {
    // In any mode: they are empty.
    own.map(|magazine| magazines.open::<Checked>(magazine).into_parts())
}

/// A slot that its holder has for itself. Dropping it gives the slot back.
pub(crate) struct SlotGuard<'a>(&'a Slot);

/// The parts of a slot that its holder may change, all at once.
pub(crate) struct Parts<'a> {
    pub(crate) loaded: MagazineMut<'a>,
    pub(crate) previous: MagazineMut<'a>,
    /// The zone word where the next refill starts to look.
    pub(crate) cursor: &'a mut u32,
    /// Random state.
    pub(crate) random: &'a mut u64,
    /// Pages to be freed before the next one is poisoned.
    pub(crate) until_poison: &'a mut u32,
    pub(crate) counters: &'a Counters,
}

impl<'a> SlotGuard<'a> {
    /// What anybody may look at.
    #[inline(always)]
    pub(crate) fn shared(&self) -> &'a Slot {
        self.0
    }

    /// The slot's counters.
    #[inline(always)]
    pub(crate) fn counters(&self) -> &'a Counters {
        &self.0.counters
    }

    /// The loaded magazine.
    #[inline(always)]
    pub(crate) fn loaded(&mut self) -> MagazineMut<'_> {
        self.parts().loaded
    }

    /// All that the guard's holder may change.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> Parts<'_> {
        let Slot { loaded_len, previous_len, counters, .. } = self.0;
        // SAFETY: there is one guard for a slot, and it is borrowed alone for as long as the parts live.
        let loaded = unsafe { self.0.loaded.get_mut() };
        // SAFETY: as above; this is the other cell.
        let Rest { previous, cursor, random, until_poison } = unsafe { self.0.rest.get_mut() };
        Parts {
            loaded: MagazineMut::new(loaded_len, loaded),
            previous: MagazineMut::new(previous_len, previous),
            cursor,
            random,
            until_poison,
            counters,
        }
    }

    /// Notes that the slot's holder goes on in a forked child, until [`Slot::reopen`] was asked.
    pub(crate) fn keep(&mut self) {
        self.0.lock.store(KEPT, Ordering::Relaxed);
    }

    /// Whether the fast path may run: `left` is non-negative and nobody has requested a drain.
    #[inline(always)]
    fn fast_path_allows(&self, left: i64) -> bool {
        // Relaxed: a request, seen sooner or later.
        left >= self.0.drain_request.load(Ordering::Relaxed) as i64
    }

    /// The last `n` ids of the loaded magazine, if it has them and the fast path may run.
    #[inline(always)]
    pub(crate) fn fast_entries(&mut self, n: usize) -> Option<Entries<'_>> {
        // A slice of ids has fewer than 2⁶² of them.
        let left = i64::from(self.loaded().len()) - n as i64;
        // SAFETY: `left` is not negative: a request for a drain is 0 or more.
        self.fast_path_allows(left).then(|| unsafe { self.loaded().last_unchecked(left as u32, n) })
    }

    /// `n` vacant entries of the loaded magazine, if it has them and the fast path may run.
    #[inline(always)]
    pub(crate) fn fast_room(&mut self, n: usize) -> Option<Room<'_>> {
        let loaded = self.loaded();
        let len = loaded.len();
        let room = loaded.remaining_beside(len);
        // SAFETY: the room is `n` or more: a request for a drain is 0 or more.
        self.fast_path_allows(room as i64 - n as i64)
            .then(|| unsafe { self.loaded().room_unchecked(len, n) })
    }

    /// Whether somebody has requested a drain, which is then forgotten: the caller gives up the slot's pages.
    pub(crate) fn take_drain_request(&mut self) -> bool {
        let requested = self.0.drain_request.load(Ordering::Relaxed) != 0;
        if requested {
            self.0.drain_request.store(0, Ordering::Relaxed);
        }
        requested
    }
}

impl Parts<'_> {
    /// Loads the previous magazine, if that fits and the loaded one does not: a bulk that comes and goes
    /// where the two meet would be torn each time.
    pub(crate) fn load_what_fits(&mut self, fits: impl Fn(&MagazineMut<'_>) -> bool) {
        if !fits(&self.loaded) && fits(&self.previous) {
            self.loaded.swap(&mut self.previous);
        }
    }
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire of `try_lock`.
        self.0.lock.store(FREE, ordering!(Release, "unlock"));
    }
}
