//! Slots that belong to a cache: their owner, who may go idle, and those who take from it meanwhile.
//!
//! Invariant: [`SlotOwner`] is what one cache has of its slot, from the moment it locked it. It has the slot while
//! the lock is `OWNED`, which only it writes. Before it lets go it marks itself as away (`requests`), and takes the
//! mark off when it has the slot again: so its fast path fails meanwhile, and the slow one looks at the lock. Of a
//! stealable owner: see `claim`.
//!
//! | from | to | by | ordering |
//! |---|---|---|---|
//! | `OWNED` | `IDLE` | the owner goes idle | Release |
//! | `IDLE` | `BUSY` | somebody who runs dry begins to take | Acquire |
//! | `BUSY` | `IDLE` | has taken | Release |
//! | `IDLE` | `OWNED` | the owner is back | Acquire |
//! | `BUSY` | `ABANDONED` | the owner goes for good | |
//! | `ABANDONED` | `FREE` | who took has emptied the slot, too | Release |

use super::{
    ABANDONED, BUSY, BUSY_IDLE, FastSlot, IDLE, KEPT, KEPT_CLAIMABLE, KEPT_EMPTY, OWNED, Slot,
    SlotGuard, SlotMut,
};
use crate::sync::{Ordering, defect, ordering};

/// A slot that belongs to a cache, also while others take from it.
pub(crate) struct SlotOwner<'a, const STEALABLE: bool = false>(&'a Slot);

/// A call of the owner, from its beginning to its end, be that a panic: a stealable owner marks it.
pub(crate) struct InCall<'a, const STEALABLE: bool>(&'a Slot);

/// The owner's way to its slot, lent as [`SlotMut`] is.
pub(crate) struct OwnerMut<'a, const STEALABLE: bool = false>(&'a Slot);

/// The slot of an idle owner, for who takes from it. It is given back by [`Self::give_back`], and not by a drop:
/// the owner may be gone.
#[must_use]
pub(crate) struct StolenSlot<'a>(pub(super) &'a Slot);

impl Slot {
    /// The slot, if its owner is idle and nobody else takes from it. Never waits.
    pub(crate) fn try_steal(&self) -> Option<StolenSlot<'_>> {
        // The look first leaves the line of an owner at work where it is. Acquire: pairs with the Release of the
        // owner who went idle, and of who took before.
        let (idle, relaxed) = (IDLE, Ordering::Relaxed);
        let acquire = ordering!(Acquire, "steal-order");
        let stolen = self.lock.load(relaxed) == idle
            && (self.lock.compare_exchange(idle, BUSY, acquire, relaxed).is_ok()
                || defect!("steal-claimed"));
        stolen.then_some(StolenSlot(self))
    }
}

impl<'a> SlotGuard<'a> {
    /// The slot, as a cache's for as long as that lives.
    pub(crate) fn into_owner<const STEALABLE: bool>(self) -> SlotOwner<'a, STEALABLE> {
        let slot = core::mem::ManuallyDrop::new(self).0;
        // Relaxed: what was asked of the owner before, and whether others took from it, is over.
        slot.requests.forget();
        if STEALABLE {
            slot.open_to_claims();
        }
        SlotOwner(slot)
    }
}

impl<'a, const STEALABLE: bool> SlotOwner<'a, STEALABLE> {
    /// What anybody may look at.
    pub(crate) fn shared(&self) -> &'a Slot {
        self.0
    }

    /// The way to the slot of an owner that is not stealable: its calls have no end to be marked.
    #[inline(always)]
    pub(crate) fn unmarked(&mut self) -> OwnerMut<'_, STEALABLE> {
        debug_assert!(!STEALABLE);
        OwnerMut(self.0)
    }

    /// A call begins. It ends when the result is dropped.
    #[inline(always)]
    pub(crate) fn enter(&mut self) -> InCall<'_, STEALABLE> {
        if STEALABLE {
            self.0.mark.enter(|| self.0.loaded_len());
        }
        InCall(self.0)
    }

    /// Lets others take from the slot. A slot that is not back yet stays so.
    pub(crate) fn go_idle(&mut self) {
        if STEALABLE {
            return self.0.go_idle_claimable();
        }
        // Relaxed, here and below: nobody else writes or overwrites `OWNED`, and the request is for the owner.
        if self.0.lock.load(Ordering::Relaxed) == OWNED {
            self.0.requests.set_away();
            // Release: pairs with the Acquire of `try_steal`.
            self.0.lock.store(IDLE, ordering!(Release, "idle"));
        }
    }

    /// Gives the slot up for good: the owner empties it first. `None` if somebody takes from it: then that one
    /// will empty it. It is the last call.
    pub(crate) fn leave(&mut self) -> Option<SlotGuard<'a>> {
        if STEALABLE {
            return self.0.leave_claimable();
        }
        loop {
            if self.enter().as_mut().take_back().is_some() {
                return Some(SlotGuard(self.0));
            }
            // Relaxed: the owner has written nothing since it went idle. The loop goes on only when somebody
            // has begun or ended to take.
            let (lock, relaxed) = (&self.0.lock, Ordering::Relaxed);
            let seen = lock.load(relaxed);
            if seen != IDLE && lock.compare_exchange(seen, ABANDONED, relaxed, relaxed).is_ok() {
                return None;
            }
        }
    }
}

impl<const STEALABLE: bool> InCall<'_, STEALABLE> {
    /// The way to the slot.
    #[inline(always)]
    pub(crate) fn as_mut(&mut self) -> OwnerMut<'_, STEALABLE> {
        OwnerMut(self.0)
    }
}

impl<const STEALABLE: bool> Drop for InCall<'_, STEALABLE> {
    #[inline(always)]
    fn drop(&mut self) {
        if STEALABLE {
            self.0.mark.leave();
        }
    }
}

impl<'a, const STEALABLE: bool> OwnerMut<'a, STEALABLE> {
    /// What anybody may look at.
    #[inline(always)]
    pub(crate) fn shared(&self) -> &'a Slot {
        self.0
    }

    /// The same, for a shorter time.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> OwnerMut<'_, STEALABLE> {
        OwnerMut(self.0)
    }

    /// The slot, for the fast path.
    #[inline(always)]
    pub(crate) fn fast(self) -> FastSlot<'a> {
        FastSlot::new(self.0)
    }

    /// The slot, if nobody has requested a drain: then the owner surely has it.
    #[inline(always)]
    pub(crate) fn undisturbed(self) -> Option<SlotMut<'a>> {
        // Relaxed: a request, seen sooner or later; or the owner's own.
        (!self.0.requests.are_there()).then_some(SlotMut(self.0))
    }

    /// The slot, if nobody takes from it: from now on the owner has it.
    pub(crate) fn take_back(self) -> Option<SlotMut<'a>> {
        if STEALABLE {
            return self.0.take_back_claimable();
        }
        let lock = &self.0.lock;
        // Relaxed: the owner's own store.
        if lock.load(Ordering::Relaxed) != OWNED {
            // Acquire: pairs with the Release of who took.
            let acquire = ordering!(Acquire, "return-order");
            if lock.compare_exchange(IDLE, OWNED, acquire, Ordering::Relaxed).is_err() {
                if !defect!("return") {
                    return None;
                }
                lock.store(OWNED, Ordering::Relaxed);
            }
            // Who had run dry could take what it wanted.
            self.0.requests.come_back();
        }
        Some(SlotMut(self.0))
    }

    /// In a forked child, of a slot that the owner has: it goes on, once [`Slot::reopen`] was asked.
    pub(crate) fn keep(self) {
        let kept = if STEALABLE { KEPT_CLAIMABLE } else { KEPT };
        self.0.lock.store(kept, Ordering::Relaxed);
    }

    /// In a forked child, of a slot that somebody took from who is gone: the owner goes on without what it held.
    pub(crate) fn keep_empty(self) {
        if STEALABLE {
            self.0.requests.set_away();
        }
        self.0.lock.store(KEPT_EMPTY, Ordering::Relaxed);
    }
}

impl<'a> StolenSlot<'a> {
    /// The right to change the slot.
    pub(crate) fn as_mut(&mut self) -> SlotMut<'_> {
        SlotMut(self.0)
    }

    /// Gives the slot back to its owner. If that is gone, the slot is the caller's, who empties it.
    pub(crate) fn give_back(self) -> Option<SlotGuard<'a>> {
        // Release: pairs with the Acquire of the owner who comes back, or of who takes next. Acquire: pairs with
        // the Release of a stealable owner who is gone.
        let release = ordering!(Release, "give-back");
        let acquire = ordering!(Acquire, "steal-gone");
        if defect!("claim-old-length") {
            // As if the owner need not take back what was taken from.
            self.0.requests.end_away();
            self.0.lock.store(super::CLAIMABLE, Ordering::Release);
            return None;
        }
        let mut seen = BUSY;
        // The loop goes on only when a stealable owner has gone idle, or has come back.
        while matches!(seen, BUSY | BUSY_IDLE) {
            match self.0.lock.compare_exchange(seen, IDLE, release, acquire) {
                Ok(_) => return None,
                Err(current) => seen = current,
            }
        }
        if defect!("abandoned") {
            self.0.lock.store(IDLE, Ordering::Release);
            return None;
        }
        Some(SlotGuard(self.0))
    }
}
