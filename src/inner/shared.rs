//! Which shared slot a thread starts at.
//!
//! Invariant: a shared slot is only ever tried. Which one a thread tries first changes nothing but speed.

use super::Core;
use crate::mode::Mode;
use crate::slot::{Slot, SlotGuard};
use crate::sync::{thread_hint, thread_moves};

/// Maps a thread number to a slot (`number % slots`), so that consecutive threads start at different slots.
pub(super) struct FastMod {
    slots: u32,
    /// 2⁶⁴ / `slots`, rounded up.
    reciprocal: u64,
}

impl FastMod {
    pub(super) fn new(slots: usize) -> Self {
        let each = u64::MAX.checked_div(slots as u64).unwrap_or_default();
        FastMod { slots: slots as u32, reciprocal: each.wrapping_add(1) }
    }

    /// `number % slots`, or 0 if there are none, without a division, which would take as long as the rest of
    /// the way to a slot (Lemire, Kaser, Kurz: Faster remainder by direct computation, 2019).
    #[inline]
    pub(super) fn of(&self, number: u32) -> usize {
        let fraction = self.reciprocal.wrapping_mul(u64::from(number));
        ((u128::from(fraction) * u128::from(self.slots)) >> 64) as usize
    }
}

impl<M: Mode> Core<M> {
    /// The shared slot where this thread starts, if there are any.
    #[inline]
    pub(super) fn shared_here(&self) -> Option<&Slot> {
        self.slots.get(self.owned_slots + self.shared.of(thread_hint() as u32))
    }

    /// Tries to get a shared slot, first the one where this thread starts.
    #[inline]
    pub(crate) fn borrow_slot(&self) -> Option<SlotGuard<'_>> {
        self.shared_here()?.try_lock().or_else(|| self.borrow_another())
    }

    /// Tries to get another shared slot: that where this thread starts is busy. From now on it starts where
    /// it got one, in every pool: two threads that start with the same slot would take its lines from one
    /// another for as long as they live. What the thread left in the old slot is for whoever uses that next,
    /// or runs dry.
    #[cold]
    #[inline(never)]
    fn borrow_another(&self) -> Option<SlotGuard<'_>> {
        let first = self.shared.of(thread_hint() as u32);
        let (before, from) = self.slots[self.owned_slots..].split_at(first);
        let others = from.iter().chain(before).enumerate().skip(1);
        let (further, guard) =
            others.filter_map(|(further, slot)| Some((further, slot.try_lock()?))).next()?;
        thread_moves(further as u32);
        Some(guard)
    }
}
