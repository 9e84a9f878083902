//! Shared slots: which of them a thread tries first.
//!
//! Invariant: what is kept here is a hint. Whatever it says, and however threads race for it, a slot is used only by
//! whoever could lock it.

#[cfg(test)]
mod tests;

use super::{Core, GOLDEN};
use crate::mode::Mode;
use crate::slot::{Slot, SlotGuard, SlotMut};
use crate::sync::{Atomic, Ordering, STARTS, thread_key};

/// A thread's number, of what tells it from others: the upper half of a product with 2⁶⁴ divided by the golden ratio
/// (Knuth's multiplicative hash). Keys that follow one another come to lie far apart, and so do pointers that differ in
/// a few bits only.
#[inline(always)]
fn hash(key: usize) -> u32 {
    ((key as u64).wrapping_mul(GOLDEN) >> 32) as u32
}

/// Bits of an entry that say where its thread starts: enough for the most slots that a pool can have.
const START_BITS: u32 = 14;

/// How many entries are looked at for a thread that is not in its own.
const PROBES: usize = 8;

/// Where threads start: a small hash table, from their numbers to shared slots.
///
/// Threads get one slot after the other, in the order in which they come. One that found its slot busy starts elsewhere
/// from then on. An entry is the lower bits of a thread's number and a slot. Nobody takes a thread out when it ends:
/// where the entries around its own are taken, a new one takes that.
///
/// Where CPUs are told apart (`Builder::cpu_hint`), no thread has an entry: each call asks for the CPU.
pub(super) struct Starts {
    slots: u32,
    cpu: Option<fn() -> usize>,
    /// How many threads have come.
    threads: Atomic<u32>,
    entries: [Atomic<u32>; STARTS],
}

impl Starts {
    pub(super) fn new(slots: usize, cpu: Option<fn() -> usize>) -> Self {
        // With a hint, the entry of a thread that hardly ever comes: so all others are sought, and those
        // without a hint take no instruction more.
        let entry = if cpu.is_some() { 1 << START_BITS } else { 0 };
        Starts {
            slots: slots as u32,
            cpu,
            threads: Atomic::new(0),
            entries: core::array::from_fn(|_| Atomic::new(entry)),
        }
    }

    /// The entry of a thread's own, by the upper bits of its number. In a model there is none.
    #[inline(always)]
    fn home(number: u32) -> usize {
        ((u64::from(number) * STARTS as u64) >> 32) as usize
    }

    /// The slot that an entry names, if it is the thread's.
    #[inline(always)]
    fn found(entry: u32, number: u32) -> Option<usize> {
        let is_its = entry >> START_BITS == number & (u32::MAX >> START_BITS);
        is_its.then_some((entry & ((1 << START_BITS) - 1)) as usize)
    }

    /// Where a thread starts: a slot's number, or 0 if there is none.
    #[inline]
    fn at(&self, number: u32) -> usize {
        let Some(home) = self.entries.get(Self::home(number)) else { return 0 };
        // Relaxed: a hint, here and below.
        match Self::found(home.load(Ordering::Relaxed), number) {
            Some(start) => start,
            None => self.seek(number),
        }
    }

    /// The entries where a thread can be, its own first.
    fn entries(&self, number: u32) -> impl Iterator<Item = &Atomic<u32>> {
        self.entries.iter().cycle().skip(Self::home(number)).take(PROBES)
    }

    /// Where a thread starts that is not in its own entry: it comes for the first time, or another is there.
    #[cold]
    #[inline(never)]
    fn seek(&self, number: u32) -> usize {
        if let Some(cpu) = self.cpu {
            return cpu().checked_rem(self.slots as usize).unwrap_or(0);
        }
        let looks = || self.entries(number).map(|entry| entry.load(Ordering::Relaxed));
        if let Some(start) = looks().find_map(|entry| Self::found(entry, number)) {
            return start;
        }
        // The first does not start at the first slot, which lies beside the slot of an owned cache.
        let thread = self.threads.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let start = thread.checked_rem(self.slots).unwrap_or(0) as usize;
        self.keep(number, start);
        start
    }

    /// Lets a thread start at this slot from now on. All that cannot be told apart start at the first.
    fn keep(&self, number: u32, slot: usize) {
        if self.cpu.is_some() {
            return;
        }
        let with = |wanted: &dyn Fn(u32) -> bool| {
            self.entries(number).find(|entry| wanted(entry.load(Ordering::Relaxed)))
        };
        let its = with(&|entry| Self::found(entry, number).is_some());
        let entry = its.or_else(|| with(&|entry| entry == 0)).or(self.entries(number).next());
        if let (Some(entry), 1..) = (entry, number) {
            // Two threads may write one entry; the one that lost comes again.
            entry.store(number << START_BITS | slot as u32, Ordering::Relaxed);
        }
    }
}

impl<M: Mode> Core<M> {
    /// The shared slot where this thread starts, if there are any.
    #[inline]
    pub(super) fn shared_here(&self) -> Option<&Slot> {
        self.slots.get(self.owned_slots + self.starts.at(hash(thread_key())))
    }

    /// The depot where this thread looks first when it has no slot.
    pub(super) fn home_here(&self) -> u32 {
        self.depots.home(self.owned_slots + self.starts.at(hash(thread_key())))
    }

    /// Tries to get a shared slot, first the one where this thread starts.
    #[inline]
    pub(crate) fn borrow_slot(&self) -> Option<SlotGuard<'_>> {
        let number = hash(thread_key());
        let start = self.starts.at(number);
        let first = self.slots.get(self.owned_slots + start)?;
        first.try_lock().or_else(|| self.borrow_another(number, start))
    }

    /// Calls `f` with a shared slot, if one is to be had. If somebody waits, what the slot holds is for them.
    #[inline]
    pub(crate) fn with_shared_slot<R>(&self, f: impl FnOnce(&Self, Option<SlotMut<'_>>) -> R) -> R {
        let mut slot = self.borrow_slot();
        let asked = slot.as_mut().is_some_and(|slot| slot.as_mut().is_asked());
        let result = match &mut slot {
            Some(slot) if asked => self.answering(slot.as_mut(), f),
            slot => f(self, slot.as_mut().map(SlotGuard::as_mut)),
        };
        slot.map(SlotGuard::give_up);
        result
    }

    /// Calls `f` with a shared slot, if one is to be had, and whether it was asked for its pages. `f` answers.
    #[inline]
    pub(crate) fn with_shared_slot_as_is<R>(
        &self,
        f: impl FnOnce(&Self, Option<SlotMut<'_>>, bool) -> R,
    ) -> R {
        let mut slot = self.borrow_slot();
        let asked = slot.as_mut().is_some_and(|slot| slot.as_mut().is_asked());
        let result = f(self, slot.as_mut().map(SlotGuard::as_mut), asked);
        slot.map(SlotGuard::give_up);
        result
    }

    /// Tries to get another shared slot than `busy`. From now on the thread starts where it got one: two
    /// threads that start with the same slot would take its lines from one another for as long as they live.
    /// What the thread left in the old slot is for whoever uses that next, or runs dry.
    #[cold]
    #[inline(never)]
    fn borrow_another(&self, number: u32, busy: usize) -> Option<SlotGuard<'_>> {
        let slots = &self.slots[self.owned_slots..];
        let mut others = (busy + 1..slots.len()).chain(0..busy);
        let (free, guard) = others.find_map(|at| Some((at, slots[at].try_lock()?)))?;
        self.starts.keep(number, free);
        Some(guard)
    }
}
