//! Closing: the core goes when the last handle and the last page are gone.
//!
//! Invariant: pages out = Σ over slots (allocated − freed − dropped) + pages allocated without a slot − pages
//! freed without one. While handles live, `uncached_balance` is [`LIVE`] plus what was allocated and less what was
//! freed without a slot. The last handle reads each slot's `dropped` and marks it as [`FOLDED`], in one step. Then, in
//! one addition, it adds the slots' sum to the balance and puts [`CLOSED`] in the place of [`LIVE`]. From then on that
//! word is `CLOSED` plus the number of pages out: it can only fall, and whoever brings it to `CLOSED` frees the core.
//!
//! A drop counts its pages in the slot that it went through, so that drops on several threads do not meet in one word;
//! if that was folded meanwhile, in the balance. That is a dropping thread's final access.

use core::ptr::NonNull;

use super::Core;
use crate::mode::Mode;
use crate::slot::Slot;
use crate::sync::{Atomic, Ordering, defect, ordering};

/// What `uncached_balance` starts from while handles live: more pages may be freed without a slot than were
/// allocated without one. No number of pages brings it near [`CLOSED`].
pub(super) const LIVE: u64 = 1 << 62;

/// In a slot's `dropped`: the last handle has read it.
const FOLDED: u64 = 1 << 63;

/// `uncached_balance` of a pool without handles and without pages out. (It is the same number as [`FOLDED`], in
/// another word.)
const CLOSED: u64 = 1 << 63;

impl<M: Mode> Core<M> {
    /// Counts dropped pages: the caller's last access to the core by these pages. `dropped` is the counter of the slot
    /// that the drop went through, or `None` if it went without one. `freed` is 0 if all were refused.
    ///
    /// # Safety
    /// The caller owned `freed` pages and gave them back, and does not use the core afterwards, unless by a handle.
    /// `dropped` is a slot's of this core, which the caller has unlocked.
    pub(crate) unsafe fn release_pages(
        this: NonNull<Self>,
        dropped: Option<NonNull<Atomic<u64>>>,
        freed: usize,
    ) {
        if freed == 0 {
            return;
        }
        if let Some(dropped) = dropped {
            // SAFETY: until they are counted as dropped, the pages keep the core alive.
            let dropped = unsafe { dropped.as_ref() };
            // Release: what was done to the core happens before `destroy`. Pairs with the Acquire of the last
            // handle, which hands it on by the balance if another destroys. All writes in between are
            // read-modify-writes.
            let before = dropped.fetch_add(freed as u64, ordering!(Release, "settle-slot"));
            if before & FOLDED == 0 {
                return;
            }
        }
        // SAFETY: until they are counted in the balance, the pages keep the core alive: the fold did not count them.
        let balance = unsafe { &this.as_ref().counters.uncached_balance };
        // Release: what was done to the core happens before `destroy`. Acquire: what others did, too.
        if balance.fetch_sub(freed as u64, ordering!(AcqRel, "settle")) == CLOSED + freed as u64 {
            // SAFETY: no handle and no page is left, and this was the last of them.
            unsafe { Self::destroy(this) };
        }
    }

    /// Gives up a handle; the last one closes the pool.
    ///
    /// # Safety
    /// The caller has a handle and does not use it afterwards.
    pub(crate) unsafe fn release_handle(this: NonNull<Self>) {
        // SAFETY: the handle keeps the core alive.
        let core = unsafe { this.as_ref() };
        // Release: what was done with this handle happens before the closing. Acquire: what was done with the
        // others, too.
        if core.counters.handles.fetch_sub(1, ordering!(AcqRel, "handles")) != 1 {
            return;
        }
        let fold = |slot: &Slot| {
            if defect!("fold") {
                return slot.dropped.load(Ordering::Acquire);
            }
            // Acquire: pairs with the Release in `release_pages`. Who drops a page after this counts it in
            // `uncached_balance`.
            slot.dropped.fetch_or(FOLDED, ordering!(Acquire, "fold-order"))
        };
        let dropped = core.slots.iter().map(fold).sum();
        let closing = core.slot_balance().wrapping_sub(dropped).wrapping_add(CLOSED - LIVE);
        // Release: publishes what was done through handles. Acquire: what droppers did.
        let before =
            core.counters.uncached_balance.fetch_add(closing, ordering!(AcqRel, "last-handle"));
        if before.wrapping_add(closing) == CLOSED || defect!("closing") {
            // SAFETY: no handle and no page is left.
            unsafe { Self::destroy(this) };
        }
    }

    /// # Safety
    /// Nobody uses the core any more.
    #[cold]
    unsafe fn destroy(this: NonNull<Self>) {
        // SAFETY: nobody uses it any more. It is moved out first, for it lies in its own metadata. Dropping it
        // unmaps the region and gives back the metadata.
        let core = unsafe { this.read() };
        core.tell_end();
    }
}
