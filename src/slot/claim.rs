//! Slots of *stealable* caches: others may take from one whenever its owner is outside of its calls, unasked.
//!
//! The owner marks the slot for as long as a call lasts; a thief claims it, and takes from it only if the owner was
//! outside then. Each of them stores first and looks then, with a fence between the two: a light one of the owner's,
//! a heavy one of the thief's (`sync::heavy_fence`). So at least one sees the other, and gives way.
//!
//! Invariant: an owner that is inside, and has seen since it entered that the lock is `CLAIMABLE` or that the slot is
//! not *away* (`requests`), has the slot until it leaves. After it was idle it looks at the lock first. Who takes from
//! a slot leaves it idle, and away: only its owner ends that. So where nothing is claimed, what the owner knew of its
//! slot still holds.
//!
//! | from | to | by | ordering |
//! |---|---|---|---|
//! | `CLAIMABLE` | `BUSY` | a thief claims the slot | Acquire |
//! | `BUSY` | `CLAIMABLE` | the owner was inside, or nobody made a fence | Release |
//! | `BUSY` | `IDLE` | the thief has taken | Release |
//! | `CLAIMABLE` | `IDLE` | the owner goes idle | AcqRel |
//! | `BUSY` | `BUSY_IDLE` | the same | AcqRel |
//! | `BUSY_IDLE` | `IDLE` | the thief has taken, or the owner was inside | Release |
//! | `BUSY_IDLE` | `BUSY` | the owner is back | |
//! | `IDLE` | `CLAIMABLE` | the same | AcqRel |
//! | `BUSY`, `BUSY_IDLE` | `ABANDONED` | the owner goes for good | Release |

use super::{
    ABANDONED, BUSY, BUSY_IDLE, CLAIMABLE, IDLE, OWNED, Slot, SlotGuard, SlotMut, StolenSlot,
};
use crate::sync::{Atomic, Fenced, Ordering, defect, light_fence, ordering};

/// The owner's mark: whether it is in a call.
pub(super) struct Mark(Atomic<u32>);

const OUTSIDE: u32 = 0;
const INSIDE: u32 = 1;

impl Mark {
    /// Outside.
    pub(super) fn new() -> Self {
        Mark(Atomic::new(OUTSIDE))
    }

    /// A call begins: the owner marks the slot, and looks for a claim afterwards.
    #[inline(always)]
    pub(super) fn enter(&self, old_length: impl FnOnce() -> u32) {
        let old = if defect!("claim-old-length") { old_length() << 1 } else { 0 };
        // Relaxed: the fence pairs with the thief's heavy one.
        self.0.store(INSIDE | old, Ordering::Relaxed);
        light_fence();
    }

    /// The call ends.
    #[inline(always)]
    pub(super) fn leave(&self) {
        // Release: pairs with the Acquire of the thief's look.
        self.0.store(OUTSIDE, ordering!(Release, "claim-leave"));
    }

    /// Whether the owner was outside, for a thief that has claimed the slot and made the fence.
    fn is_outside(&self, _: &Fenced) -> bool {
        // Acquire: pairs with the Release of the owner that left.
        self.0.load(ordering!(Acquire, "claim-look")) == OUTSIDE || defect!("claim-unseen")
    }

    /// The length as it was before the mark, in the build with that defect.
    pub(super) fn old_length(&self) -> u32 {
        self.0.load(Ordering::Relaxed) >> 1
    }
}

/// A slot that its holder has claimed, and may not touch before it has looked.
#[must_use]
pub(crate) struct Claim<'a>(&'a Slot);

impl Slot {
    /// Opens the slot, which the caller has, to claims.
    pub(super) fn open_to_claims(&self) {
        // Release: pairs with the Acquire of a thief, for what the owner finds in the slot.
        self.lock.store(CLAIMABLE, ordering!(Release, "claim-open"));
    }

    /// Claims the slot, if its owner can be stolen from, and nobody else has claimed it. Never waits.
    pub(crate) fn try_claim(&self) -> Option<Claim<'_>> {
        // The look first leaves the line of an owner at work where it is. Acquire: pairs with the Release of who
        // claimed before and let go, and of the owner who opened the slot.
        let (open, relaxed) = (CLAIMABLE, Ordering::Relaxed);
        let claimed = self.lock.load(relaxed) == open
            && self.lock.compare_exchange(open, BUSY, Ordering::Acquire, relaxed).is_ok();
        claimed.then(|| {
            // Relaxed: the heavy fence comes next.
            self.requests.set_away();
            Claim(self)
        })
    }

    /// The stealable slot, for its owner, which is inside: unless somebody takes from it.
    pub(super) fn take_back_claimable(&self) -> Option<SlotMut<'_>> {
        // The fence of `Mark::enter` came before. A thief that this load does not see sees the mark. One that let go
        // has left the slot as it was. Acquire: pairs with the Release of who took, whose mark on the slot is ended
        // next.
        match self.lock.load(Ordering::Acquire) {
            CLAIMABLE => return Some(SlotMut(self)),
            IDLE => {}
            // Relaxed: who has the slot keeps it. If this fails, it has just let go.
            BUSY_IDLE if !self.is_back(BUSY_IDLE, BUSY, Ordering::Relaxed) => {}
            _ => return None,
        }
        // Before the lock: a thief that finds it open may claim the slot at once.
        self.requests.end_away();
        // Acquire: pairs with the Release of who took. Release: pairs with the Acquire of who claims next, which
        // must not lose its mark to what was just taken back.
        if self.is_back(IDLE, CLAIMABLE, ordering!(AcqRel, "claim-return", Release)) {
            return Some(SlotMut(self));
        }
        // Somebody takes from it, who found it idle.
        self.requests.set_away();
        None
    }

    /// Whether the owner of a slot that was in one state has brought it into the other.
    fn is_back(&self, from: u32, to: u32, order: Ordering) -> bool {
        // Acquire, if it has not: as the load before.
        self.lock.compare_exchange(from, to, order, Ordering::Acquire).is_ok()
    }

    /// Lets others take from the stealable slot without a claim. If somebody has claimed it, or takes from it, then
    /// from the end of that on.
    pub(super) fn go_idle_claimable(&self) {
        let lock = &self.lock;
        // The loop goes on only when somebody has begun or ended to take.
        loop {
            let seen = lock.load(Ordering::Relaxed);
            let to = match seen {
                CLAIMABLE => IDLE,
                BUSY if !defect!("claim-idle") => BUSY_IDLE,
                _ => return,
            };
            // Release: pairs with the Acquire of `try_steal`, also by way of who has the slot. Acquire: pairs with the
            // Release of a thief that withdrew, and ended what is set next.
            let order = ordering!(AcqRel, "claim-idle-order", Acquire);
            if lock.compare_exchange(seen, to, order, Ordering::Relaxed).is_ok() {
                // For the owner's next call. Where somebody has the slot, that one sees to it.
                if seen == CLAIMABLE {
                    self.requests.set_away();
                }
                return;
            }
        }
    }

    /// Gives the stealable slot up for good; its owner is outside, and empties it. `None` if somebody takes from it,
    /// who will empty it.
    pub(super) fn leave_claimable(&self) -> Option<SlotGuard<'_>> {
        // The loop goes on only when somebody has begun or ended to take.
        loop {
            let seen = self.lock.load(Ordering::Relaxed);
            let to = if matches!(seen, BUSY | BUSY_IDLE) { ABANDONED } else { OWNED };
            // Acquire: pairs with the Release of who took. Release: pairs with the Acquire of who takes, and finds
            // that the owner is gone; it may have seen the owner inside.
            let order = if defect!("claim-left") {
                Ordering::Release
            } else {
                ordering!(AcqRel, "claim-abandoned", Acquire)
            };
            if self.lock.compare_exchange(seen, to, order, Ordering::Relaxed).is_ok() {
                return (to == OWNED).then(|| SlotGuard(self));
            }
        }
    }
}

impl<'a> Claim<'a> {
    /// The slot, if its owner was outside when the fence was made.
    pub(crate) fn steal(self, fenced: &Fenced) -> Result<StolenSlot<'a>, Self> {
        if self.0.mark.is_outside(fenced) { Ok(StolenSlot(self.0)) } else { Err(self) }
    }

    /// What anybody may look at.
    pub(crate) fn shared(&self) -> &'a Slot {
        self.0
    }

    /// Lets the owner go on, or others take, if it has gone idle. If it is gone, the slot is the caller's, who empties
    /// it.
    pub(crate) fn withdraw(self) -> Option<SlotGuard<'a>> {
        let Slot { lock, requests, .. } = self.0;
        // Release: pairs with the Acquire of who claims or steals next. Acquire: pairs with the Release of the owner
        // who is gone, or idle.
        let (release, acquire) = (Ordering::Release, ordering!(Acquire, "claim-gone"));
        let mut seen = BUSY;
        // The loop goes on only when the owner has gone idle, or has come back.
        loop {
            // Before the lock, as in `take_back_claimable`. An owner who went idle does not use the slot before it has
            // looked at the lock, and an idle slot is away.
            let to = match seen {
                BUSY => {
                    requests.end_away();
                    CLAIMABLE
                }
                BUSY_IDLE => {
                    requests.set_away();
                    IDLE
                }
                _ => return Some(SlotGuard(self.0)),
            };
            match lock.compare_exchange(seen, to, release, acquire) {
                Ok(_) => return None,
                Err(current) => seen = current,
            }
        }
    }
}
