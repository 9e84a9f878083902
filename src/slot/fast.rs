//! The fast path's look at a slot: one compare tells whether the caller may go on.
//!
//! Invariant: a [`FastSlot`] is of a slot that its caller has, or owns while it is idle. An idle owner's slot is
//! marked as *away* in the word of requests, and only the owner takes the mark off, when the slot is its own again; so
//! where that word is 0, the slot is the caller's alone.

use super::{Counters, Slot, SlotMut};
use crate::magazine::{Entries, Room};
use crate::sync::{Atomic, defect, load_gated};

/// A slot that the caller may change if nobody has requested a drain.
pub(crate) struct FastSlot<'a>(&'a Slot);

impl<'a> FastSlot<'a> {
    #[inline(always)]
    pub(super) fn new(slot: &'a Slot) -> Self {
        FastSlot(slot)
    }

    /// The slot's counters, which only a caller writes that got entries or room.
    #[inline(always)]
    pub(crate) fn counters(&self) -> &'a Counters {
        &self.0.counters
    }

    /// The length and the request for a drain. A stealable owner has marked the slot before: else it might know an old
    /// length, and miss that its slot was claimed meanwhile.
    #[inline(always)]
    fn gated(&self, len: &Atomic<u32>) -> (u32, u64) {
        let (len, request) = load_gated(len, self.0.requests.gate());
        (if defect!("claim-old-length") { self.0.mark.old_length() } else { len }, request)
    }

    /// The last `n` ids of the loaded magazine, if it has them and the fast path may run: if what it leaves is
    /// non-negative and nobody has requested a drain.
    #[inline(always)]
    pub(crate) fn entries(self, n: usize) -> Option<Entries<'a>> {
        let (len, request) = self.gated(&self.0.loaded_len.now);
        // A slice of ids has fewer than 2⁶² of them, which fit an `i64`.
        let left = i64::from(len) - n as i64;
        // SAFETY: `left` is not negative: a request for a drain is 0 or more.
        (left >= request as i64)
            .then(|| unsafe { SlotMut(self.0).parts().loaded.last_unchecked(left as u32, n) })
    }

    /// `n` vacant entries of the loaded magazine, if it has them and the fast path may run.
    #[inline(always)]
    pub(crate) fn room(self, n: usize) -> Option<Room<'a>> {
        let length = &self.0.loaded_len;
        let (len, request) = self.gated(&length.now);
        // No overflow: a slice of ids has fewer than 2⁶² of them.
        let end = i64::from(len) + n as i64;
        let left = i64::from(length.capacity) - end;
        // SAFETY: the room is `n` or more: a request for a drain is 0 or more.
        (left >= request as i64)
            .then(|| unsafe { SlotMut(self.0).parts().loaded.room_unchecked(len, end as u32, n) })
    }
}
