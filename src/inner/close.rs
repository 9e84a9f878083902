//! Closing: the core goes when the last handle and the last page are gone.
//!
//! Invariant: pages out = Σ over slots (allocated − freed − dropped) − pages freed without a slot + pages taken
//! without one. While handles live, `orphans` counts the second and third figure, from [`LIVE`]. The last handle adds
//! the first, marking each slot's `dropped` as [`FOLDED`] when it reads it, and marks `orphans` closed: from then on
//! that word *is* the number of pages out, and whoever brings it to zero frees the core. A drop counts its pages in its
//! slot, so that drops on several threads do not meet in one word; if that was folded meanwhile, in `orphans`. The
//! Release of the one or the other is its last access to the core.

use core::ptr::NonNull;

use super::{Core, Faults};
use crate::cache::Slot;
use crate::mode::Mode;
use crate::page::PageId;
use crate::sync::{Atomic, Ordering, defect, ordering};

/// `orphans` of a pool with handles, when no page went past the caches.
pub(super) const LIVE: u64 = 1 << 62;

/// In a slot's `dropped`: the last handle has read it.
const FOLDED: u64 = 1 << 63;

/// `orphans` of a pool without handles and without pages out.
const CLOSED: u64 = 1 << 63;

impl<M: Mode> Core<M> {
    /// Counts pages taken without a slot; a handle is alive.
    pub(super) fn orphans_taken(&self, n: usize) {
        // Relaxed: the handle keeps the core alive, and its release orders this before the closing.
        self.books.orphans.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Counts pages freed without a slot, while a handle is alive.
    pub(crate) fn orphans_given(&self, n: usize) {
        // Relaxed: as above.
        self.books.orphans.fetch_sub(n as u64, Ordering::Relaxed);
    }

    /// Pages that are out, lent ones included, as of about now.
    pub(crate) fn out(&self) -> u64 {
        let balance = self.balance();
        // Acquire: pairs with the Release of droppers, so that what they freed can be found after this; here and below.
        let dropped = self.slots.iter().map(|slot| slot.dropped.load(Ordering::Acquire));
        let orphans = self.books.orphans.load(Ordering::Acquire).wrapping_sub(LIVE);
        balance.wrapping_add(orphans).wrapping_sub(dropped.sum())
    }

    /// Pages freed without a cache, less those taken without one; while a handle is alive.
    pub(crate) fn dropped(&self) -> u64 {
        let dropped: u64 = self.slots.iter().map(|it| it.dropped.load(Ordering::Relaxed)).sum();
        (LIVE + dropped).saturating_sub(self.books.orphans.load(Ordering::Relaxed))
    }

    fn balance(&self) -> u64 {
        self.slots.iter().fold(0, |sum, slot| sum.wrapping_add(slot.counters.balance()))
    }

    /// Frees pages that their owner drops without a cache at hand.
    ///
    /// # Safety
    /// The caller owns the pages, of this core, and uses neither them nor the core afterwards.
    pub(crate) unsafe fn drop_pages(this: NonNull<Self>, ids: &[PageId]) {
        // SAFETY: the caller's pages keep the core alive.
        let core = unsafe { this.as_ref() };
        let slot = core.borrow_slot();
        let freed = match slot {
            Some(slot) => {
                // SAFETY: the slot was just locked, and the caller gives up the pages. They are counted below.
                let given = unsafe { core.give_now(slot, ids, |_| ()) };
                let rest = if given < ids.len() {
                    // SAFETY: as above.
                    unsafe { core.drop_rest(Some(slot), ids, given) }
                } else {
                    0
                };
                slot.unlock();
                given + rest
            }
            // SAFETY: the caller gives up the pages.
            None => unsafe { core.drop_rest(None, ids, 0) },
        };
        let dropped = slot.map(|slot| NonNull::from(&slot.dropped));
        // SAFETY: the pages freed are not counted by anybody else.
        unsafe { Self::settle(this, dropped, freed) };
    }

    /// Frees what did not go quickly: the pages from `given` on. Returns how many of these were good.
    ///
    /// # Safety
    /// The caller holds the slot, if there is one, and gives up the pages.
    #[cold]
    #[inline(never)]
    unsafe fn drop_rest(&self, slot: Option<&Slot>, ids: &[PageId], given: usize) -> usize {
        let (mut faults, rest) = (Faults::after(given), &ids[given..]);
        let freed = match slot {
            // SAFETY: passed on to the caller.
            Some(slot) => unsafe { self.give(slot, rest, &mut faults) },
            None => self.give_without_slot(rest, &mut faults),
        };
        // A drop never panics: the pool remembers.
        let _ = self.judge(&faults, given + freed);
        freed
    }

    /// Counts dropped pages in, if it can be in the slot that they went through, as the last access to the core.
    ///
    /// # Safety
    /// The caller owned `freed` pages and gave them back; it does not use the core afterwards. `dropped` is that of a
    /// slot of the core.
    pub(crate) unsafe fn settle(
        this: NonNull<Self>,
        dropped: Option<NonNull<Atomic<u64>>>,
        freed: usize,
    ) {
        if freed == 0 {
            return;
        }
        if let Some(dropped) = dropped {
            // SAFETY: until they are counted in, the pages keep the core alive.
            let dropped = unsafe { dropped.as_ref() };
            // Release: what was done to the core comes before its end. Pairs with the Acquire of the last handle.
            let before = dropped.fetch_add(freed as u64, ordering!(Release, "settle-slot"));
            if before & FOLDED == 0 {
                return;
            }
        }
        // SAFETY: until they are counted in, the pages keep the core alive.
        let orphans = unsafe { &this.as_ref().books.orphans };
        // Release: what was done to the core comes before its end. Acquire: the end comes after what others did.
        if orphans.fetch_sub(freed as u64, ordering!(AcqRel, "settle")) == CLOSED + freed as u64 {
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
        // Release: what was done with this handle comes before the closing. Acquire: the closing comes after it.
        if core.books.handles.fetch_sub(1, ordering!(AcqRel, "handles")) != 1 {
            return;
        }
        let fold = |slot: &Slot| {
            if defect!("fold") {
                return slot.dropped.load(Ordering::Acquire);
            }
            // Acquire: pairs with the Release in `settle`; whoever drops a page after this counts it in `orphans`.
            slot.dropped.fetch_or(FOLDED, ordering!(Acquire, "fold-order"))
        };
        let dropped = core.slots.iter().map(fold).sum();
        let closing = core.balance().wrapping_sub(dropped).wrapping_add(CLOSED - LIVE);
        // AcqRel: as in `settle`, on both sides.
        let before = core.books.orphans.fetch_add(closing, ordering!(AcqRel, "last-handle"));
        if before.wrapping_add(closing) == CLOSED || defect!("closing") {
            // SAFETY: no handle and no page is left.
            unsafe { Self::destroy(this) };
        }
    }

    /// # Safety
    /// Nobody uses the core any more.
    #[cold]
    unsafe fn destroy(this: NonNull<Self>) {
        // SAFETY: the core is still whole.
        let memory = unsafe { this.as_ref().memory };
        // SAFETY: nobody uses it any more. This unmaps the region.
        unsafe { this.drop_in_place() };
        if let Some(layout) = memory {
            // SAFETY: the block was allocated with this layout.
            unsafe { crate::heap::dealloc(this.cast(), layout) };
        }
    }
}
