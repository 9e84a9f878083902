//! Cache slots: what a thread or a CPU has in front of the depots, in a fixed registry.
//!
//! The first slots of a core are *owned*, each by a `Cache` for as long as that lives; the others are *shared*, by
//! the calls of `Pool` and by drops. An owner may go *idle* (`owner`): others may then take from its slot. One that is
//! *stealable* (`claim`) is treated as if it had, whenever it is outside of its calls.
//!
//! Invariant: whoever has a slot's lock, by a [`SlotGuard`], as its owner or with a [`StolenSlot`], has its two
//! magazines and is the only writer of their lengths and of its counters. `dropped` and `requests` are
//! anybody's. The shared path only ever *tries* to get a guard, and goes another way when the slot is busy.
//! Nobody waits.

mod claim;
mod counters;
mod fast;
mod name;
mod owner;
mod quiet;
mod requests;
#[cfg(test)]
mod tests;

use core::panic::{RefUnwindSafe, UnwindSafe};

pub(crate) use claim::Claim;
use claim::Mark;
pub(crate) use counters::Counters;
pub(crate) use fast::FastSlot;
pub(crate) use name::Name;
pub(crate) use owner::{InCall, OwnerMut, SlotOwner, StolenSlot};
use quiet::Quiet;
pub(crate) use requests::{Asked, Requests};

use crate::magazine::{Length, LoadedMagazine, Magazine, MagazineMut, Magazines};
use crate::mode::Checked;
use crate::sync::{Atomic, ExclusiveCell, Ordering, brief_fence, defect, ordering};
use crate::zone::Cursor;

/// In a slot's lock: nobody has the slot.
const FREE: u32 = 0;

/// Its owner has it; or, of a shared slot, the call that locked it.
const OWNED: u32 = 1;

/// It has an owner, who is idle, and nobody has its magazines: anybody may take from them.
const IDLE: u32 = 2;

/// It has an owner, and somebody takes from it: the owner was idle when that began, or its slot was claimed.
const BUSY: u32 = 3;

/// As [`BUSY`], and the owner has gone since: who takes from it gives the slot back.
const ABANDONED: u32 = 4;

/// In a forked child: its owner goes on. [`OwnerMut::keep`] sets it, as the two other `KEPT` states, for `inner::fork`,
/// and [`Slot::reopen`] makes it [`OWNED`] again: no other code meets these states.
const KEPT: u32 = 5;

/// The same, of an owner who came back from being idle while somebody took from the slot: [`Slot::reopen`] makes
/// it [`IDLE`], and empty.
const KEPT_EMPTY: u32 = 6;

/// It has a stealable owner: whoever makes a heavy fence may take from it, if the owner is in no call.
const CLAIMABLE: u32 = 7;

/// As [`KEPT`], of a stealable owner: [`Slot::reopen`] makes it [`CLAIMABLE`] again.
const KEPT_CLAIMABLE: u32 = 8;

/// As [`BUSY`], and its stealable owner has gone idle since: it is [`IDLE`] when who has it lets go.
const BUSY_IDLE: u32 = 9;

/// One slot of the registry.
///
/// Every fast path touches the first cache line (of 64 bytes) only; statistics use the second, drops the third. Each
/// line more would cost stalls by 4K aliasing: a load waits if the low twelve bits of its address are those of a recent
/// store's.
#[repr(C, align(128))]
pub(crate) struct Slot {
    /// The magazine in use, to which `loaded_len` belongs.
    loaded: ExclusiveCell<LoadedMagazine>,
    /// What others want of the slot. It is also the bound of the fast path's one compare: how many ids, or how much
    /// room, a call must leave. A request raises it above what any magazine has.
    pub(crate) requests: Requests,
    loaded_len: Length,
    lock: Atomic<u32>,
    /// Whether a stealable owner is in a call.
    mark: Mark,
    pub(crate) counters: Counters,
    /// Pages freed through this slot by drops. Drops may come after the last handle; see `inner::lifecycle`.
    pub(crate) dropped: Atomic<u64>,
    previous_len: Length,
    rest: ExclusiveCell<Rest>,
    /// For how long nobody has allocated through it.
    pub(crate) quiet: Quiet,
    /// What its owner is called, or the last one was.
    pub(crate) name: Name,
}

/// What only slow paths use of a slot.
struct Rest {
    /// The other magazine: what was loaded before, or where frees go with QUARANTINE or SHUFFLE (`mode`).
    previous: LoadedMagazine,
    /// Where in the zone the next refill looks.
    cursor: Cursor,
    /// The depot where the slot looks first.
    depot: u32,
    /// Random state, for shuffling and sampling.
    random: u64,
    /// Pages to be freed before the next one is poisoned.
    until_poison: u64,
}

// SAFETY: the exclusive cells are reached only by who has the slot's lock (a guard, the owner, a thief) or is alone
// (`reopen`); the lock is handed on with Acquire and Release; all else are atomics.
unsafe impl Sync for Slot {}
// SAFETY: nothing in it belongs to a thread; the magazines point into tables that live as long as the slot.
unsafe impl Send for Slot {}

// While a slot is locked no code of the caller's runs but the panic hook, in a pool that panics on a bad
// page; the call has done its work by then. So whoever catches a panic finds the slot as a call leaves it.
// The hook's own calls of the pool go another way, as beside any busy slot.
impl UnwindSafe for Slot {}
impl RefUnwindSafe for Slot {}

impl Slot {
    /// A free slot with two empty magazines of these tables, which it keeps, or others in their place, until it is
    /// dropped. It looks first at this place of the zone, and at this depot.
    pub(crate) fn new(
        magazines: &Magazines,
        [loaded, previous]: [Magazine; 2],
        cursor: Cursor,
        depot: u32,
        random: u64,
        until_poison: u64,
    ) -> Self {
        let [loaded, previous] = open_empty(magazines, [loaded, previous]);
        let rest = Rest { previous: previous.1, cursor, depot, random, until_poison };
        Slot {
            loaded: ExclusiveCell::new(loaded.1),
            requests: Requests::new(),
            loaded_len: Length::new(loaded.0, magazines.capacity()),
            lock: Atomic::new(FREE),
            mark: Mark::new(),
            counters: Counters::new(),
            dropped: Atomic::new(0),
            previous_len: Length::new(previous.0, magazines.capacity()),
            rest: ExclusiveCell::new(rest),
            quiet: Quiet::new(),
            name: Name::new(),
        }
    }

    /// How many ids the loaded magazine holds, as of about now.
    pub(crate) fn loaded_len(&self) -> u32 {
        // Relaxed: a hint, or a number for a report.
        self.loaded_len.now.load(Ordering::Relaxed)
    }

    /// How many ids the previous magazine holds, as of about now.
    pub(crate) fn previous_len(&self) -> u32 {
        // Relaxed: as in `loaded_len`.
        self.previous_len.now.load(Ordering::Relaxed)
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
        let acquire = ordering!(Acquire, "lock-order");
        // The guard is made last: one that is made and dropped would free the slot of another.
        let locked = self.lock.load(relaxed) == free
            && (self.lock.compare_exchange(free, OWNED, acquire, relaxed).is_ok()
                || defect!("try-lock"));
        locked.then(|| SlotGuard(self))
    }

    /// As [`Self::try_lock`]. `defect` is a `defect!`, false outside loom's defect builds; there, the slot whether
    /// it is free or not.
    pub(crate) fn try_lock_or(&self, defect: bool) -> Option<SlotGuard<'_>> {
        self.try_lock().or_else(|| defect.then(|| SlotGuard(self)))
    }

    /// Whether the slot is not free, as of about now: somebody has it, or owns it and is idle.
    pub(crate) fn is_locked(&self) -> bool {
        // Relaxed: a hint, here and in the three below.
        self.lock.load(Ordering::Relaxed) != FREE
    }

    /// Whether the slot's owner can be stolen from, and nobody has, as of about now.
    pub(crate) fn is_claimable(&self) -> bool {
        self.lock.load(Ordering::Relaxed) == CLAIMABLE
    }

    /// Whether the slot's owner is idle, or counts as such because its slot was claimed, as of about now.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.lock.load(Ordering::Relaxed), IDLE | BUSY | BUSY_IDLE)
    }

    /// Whether the slot's owner is just going idle or coming back, as of about now.
    pub(crate) fn is_between(&self) -> bool {
        self.requests.is_away() && !self.is_idle()
    }

    /// After a fork: gives the slot back if its holder is gone, with the two empty magazines, of its
    /// tables, that `own` gives. What it held is forgotten; what it counted stays. A slot that is free
    /// stays as it is, and so does one for which `own` has none: it stays locked. One that is kept is its
    /// owner's again, as it was. An owner that is kept without its magazines gets two as well, and finds
    /// the slot idle.
    ///
    /// # Safety
    /// Nobody uses or drops a guard of this slot any more, but those that were told to
    /// [`OwnerMut::keep`] it.
    pub(crate) unsafe fn reopen(
        &self,
        magazines: &Magazines,
        own: impl FnOnce() -> Option<[Magazine; 2]>,
    ) {
        // Relaxed: the caller is alone, here and below.
        let then = match self.lock.load(Ordering::Relaxed) {
            FREE => return,
            KEPT => return self.lock.store(OWNED, Ordering::Relaxed),
            KEPT_CLAIMABLE => return self.lock.store(CLAIMABLE, Ordering::Relaxed),
            KEPT_EMPTY => IDLE,
            _ => FREE,
        };
        let Some(own) = own() else { return };
        let [loaded, previous] = open_empty(magazines, own);
        // SAFETY: there is no other guard of this slot that is used, by the caller's promise.
        *unsafe { self.loaded.get_mut() } = loaded.1;
        // SAFETY: as above.
        unsafe { self.rest.get_mut() }.previous = previous.1;
        self.loaded_len.now.store(loaded.0, Ordering::Relaxed);
        self.previous_len.now.store(previous.0, Ordering::Relaxed);
        // An owner that is gone may have been in a call.
        self.mark.leave();
        // Release: as the guard's drop, for threads that the caller starts.
        self.lock.store(then, Ordering::Release);
    }
}

/// What a slot has of two empty magazines.
fn open_empty(magazines: &Magazines, own: [Magazine; 2]) -> [(u32, LoadedMagazine); 2] {
    // In which mode does not matter: they are empty.
    own.map(|magazine| magazines.open::<Checked>(magazine).into_parts())
}

/// A slot that its holder has for itself. Dropping it gives the slot back.
pub(crate) struct SlotGuard<'a>(&'a Slot);

/// The right to change a slot, lent by its guard. It is passed on by value: behind a reference to the guard
/// its address would be read again after every call.
pub(crate) struct SlotMut<'a>(&'a Slot);

/// The parts of a slot that its holder has for itself, all at once. Where a reference is shared, the holder is still
/// the only writer.
pub(crate) struct Parts<'a> {
    pub(crate) loaded: MagazineMut<'a>,
    pub(crate) previous: MagazineMut<'a>,
    /// Where in the zone the next refill looks.
    pub(crate) cursor: &'a mut Cursor,
    /// The depot where the slot looks first.
    pub(crate) depot: &'a u32,
    /// Random state.
    pub(crate) random: &'a mut u64,
    /// Pages to be freed before the next one is poisoned.
    pub(crate) until_poison: &'a mut u64,
    pub(crate) counters: &'a Counters,
}

impl<'a> SlotGuard<'a> {
    /// What anybody may look at.
    #[inline(always)]
    pub(crate) fn shared(&self) -> &'a Slot {
        self.0
    }

    /// The right to change the slot.
    #[inline(always)]
    pub(crate) fn as_mut(&mut self) -> SlotMut<'_> {
        SlotMut(self.0)
    }

    /// Gives the slot up, before a look at who waits: who came to meanwhile has found it locked.
    #[inline(always)]
    pub(crate) fn give_up(self) -> &'a Slot {
        let slot = self.0;
        drop(self);
        brief_fence();
        slot
    }
}

impl<'a> SlotMut<'a> {
    /// The same right, for a shorter time.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> SlotMut<'_> {
        SlotMut(self.0)
    }

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

    /// All that may be changed.
    #[inline(always)]
    pub(crate) fn parts(self) -> Parts<'a> {
        let Slot { loaded_len, previous_len, counters, .. } = self.0;
        // SAFETY: a slot has one guard, which lends one right to change it at a time: this one, given up
        // here for as long as the parts live.
        let loaded = unsafe { self.0.loaded.get_mut() };
        // SAFETY: as above; this is the other cell.
        let Rest { previous, cursor, depot, random, until_poison } =
            unsafe { self.0.rest.get_mut() };
        Parts {
            loaded: MagazineMut::new(loaded_len, loaded),
            previous: MagazineMut::new(previous_len, previous),
            cursor,
            depot,
            random,
            until_poison,
            counters,
        }
    }

    /// The same right, as the fast path has it.
    #[inline(always)]
    pub(crate) fn fast(self) -> FastSlot<'a> {
        FastSlot::new(self.0)
    }

    /// Whether somebody has asked for the slot's pages, or the call before has left a note for this one.
    #[inline(always)]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.requests.are_there()
    }

    /// A call begins, and learns what the slot is asked for.
    pub(crate) fn begin_answer(&mut self, allocates: bool) -> Asked {
        self.0.requests.begin(allocates)
    }

    /// The call leaves pages for others.
    pub(crate) fn note_held_back(&mut self) {
        self.0.requests.note_held_back();
    }
}

impl Parts<'_> {
    /// Exchanges the magazines if only the previous one fits: else a call of this size would be split across
    /// both every time.
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
