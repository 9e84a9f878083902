//! Marks: so many pages stay here, whoever else wants some.
//!
//! Invariant: who may not go below a mark claims pages before it takes them: it adds them to the claims, and looks
//! at the count afterwards, less what others have claimed. A claim ends when its pages no longer count as free. So
//! however many take at once, none gets a page that would leave fewer than its mark says. Who may take all of them
//! claims nothing that it needs.

use super::{Cursor, Zone};
use crate::page::{Order, PageId};
use crate::sync::{Ordering, defect, ordering, publish_fence};

/// How many pages stay for others; without marks, both are 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// From ordinary calls for many pages.
    pub(crate) low: u32,
    /// From all ordinary calls. At most `low`.
    pub(crate) reserve: u32,
}

/// How far down a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    /// To the low mark.
    Low,
    /// To the reserve.
    Reserve,
    /// To the last page.
    None,
}

/// In the note of crossings: no more than `low` were left.
pub(crate) const CROSSED_LOW: u32 = 1;

/// No more than `reserve`.
pub(crate) const CROSSED_RESERVE: u32 = 2;

/// Fewer than that: the reserve is to be filled.
pub(crate) const BROKE_RESERVE: u32 = 4;

/// The right to take so many pages, once.
#[must_use]
pub(crate) struct Allowance<'a> {
    zone: &'a Zone,
    pages: usize,
    claimed: u64,
}

impl Marks {
    /// How many pages a call may take of so many: what it needs down to its own floor, and more down to `low`.
    fn allowed(self, free: usize, floor: Floor, (need, most): (usize, usize)) -> usize {
        let needed = match floor {
            Floor::None => need,
            floor => need.min(free - self.kept(floor, free)),
        };
        most.min(free - self.kept(Floor::Low, free)).max(needed)
    }

    /// How many pages of so many stay for others.
    fn kept(self, floor: Floor, free: usize) -> usize {
        let mark = match floor {
            Floor::Low => self.low,
            Floor::Reserve => self.reserve,
            Floor::None => 0,
        };
        free.min(mark as usize)
    }
}

impl Zone {
    /// Whether any page stays for others.
    #[inline(always)]
    pub(crate) fn has_marks(&self) -> bool {
        self.habits.marks.low > 0
    }

    /// How many pages of so many a call with this floor may not have.
    pub(crate) fn kept(&self, floor: Floor, free: usize) -> usize {
        self.habits.marks.kept(floor, free)
    }

    /// How many pages a call with this floor may have, about.
    pub(crate) fn free_above(&self, floor: Floor) -> usize {
        let free = self.free();
        free - self.kept(floor, free)
    }

    /// Whether fewer pages are left than the reserve.
    pub(crate) fn is_below_reserve(&self) -> bool {
        self.habits.marks.reserve > 0 && self.free() < self.habits.marks.reserve as usize
    }

    /// Lets a call take what it needs down to its floor, and up to `most`, which is not less, down to the low mark.
    #[inline(always)]
    pub(crate) fn allow(&self, floor: Floor, need: usize, most: usize) -> Allowance<'_> {
        if !self.has_marks() {
            return Allowance { zone: self, pages: most, claimed: 0 };
        }
        self.allow_marked(floor, (need, most))
    }

    #[cold]
    fn allow_marked(&self, floor: Floor, wanted: (usize, usize)) -> Allowance<'_> {
        let claims = &self.counts.claimed;
        let allowed = |others: u64| {
            self.habits.marks.allowed(self.free().saturating_sub(others as usize), floor, wanted)
        };
        // Relaxed: a guess, so that a call does not claim what it cannot have.
        let guess = allowed(claims.load(Ordering::Relaxed)) as u64;
        // What such a call needs is claimed by nobody: it may take all.
        let own = if floor == Floor::None { wanted.0 as u64 } else { 0 };
        let claim = if defect!("mark-claim") { 0 } else { guess - own };
        // Acquire: pairs with the Release of who ends a claim, whose pages do not count as free then.
        let others = claims.fetch_add(claim, Ordering::AcqRel);
        let pages = (allowed(others) as u64).min(guess);
        let claimed = claim.min(pages - own);
        if claimed < claim {
            // Relaxed: these were never taken.
            claims.fetch_sub(claim - claimed, Ordering::Relaxed);
        }
        Allowance { zone: self, pages: pages as usize, claimed }
    }

    /// So many pages were free, and so many are left: notes which marks were crossed.
    #[cold]
    pub(super) fn note_crossings(&self, before: u64, left: u64) {
        let crosses = |mark: u32| before > mark.into() && left <= mark.into();
        let Marks { low, reserve } = self.habits.marks;
        let mut crossed = if crosses(low) { CROSSED_LOW } else { 0 };
        if reserve > 0 {
            crossed |= if crosses(reserve) { CROSSED_RESERVE } else { 0 };
            crossed |= if crosses(reserve - 1) { BROKE_RESERVE } else { 0 };
        }
        if crossed != 0 {
            // Release: pairs with the Acquire of whoever sees to it, who then knows that the pages are gone.
            self.counts.crossed.fetch_or(crossed, ordering!(Release, "crossing-order"));
        }
    }

    /// Whether calls are about to take pages.
    pub(crate) fn is_claimed(&self) -> bool {
        self.has_marks() && self.counts.claimed.load(Ordering::Relaxed) > 0
    }

    /// Whether a mark was crossed since somebody asked which. Relaxed: a hint to ask.
    pub(crate) fn has_crossed(&self) -> bool {
        self.has_marks() && self.counts.crossed.load(Ordering::Relaxed) != 0
    }

    /// Which of these marks were crossed since the last time.
    pub(crate) fn take_crossings(&self, which: u32) -> u32 {
        // Relaxed: a look, which leaves the line where it is. Who has taken a crossing up sees it.
        if self.counts.crossed.load(Ordering::Relaxed) & which == 0 {
            return 0;
        }
        // Acquire: as above.
        self.counts.crossed.fetch_and(!which, Ordering::Acquire) & which
    }

    /// Nobody is in the middle of a call; the caller is alone.
    pub(super) fn forget_claims(&self) {
        self.counts.claimed.store(0, Ordering::Relaxed);
    }
}

impl Allowance<'_> {
    /// Takes pages, as [`Zone::take_knowing`]; at most so many as are allowed.
    pub(crate) fn take(self, cursor: &mut Cursor, mut each: impl FnMut(PageId)) -> usize {
        self.take_knowing(cursor, |id, _| each(id))
    }

    /// As [`Self::take`]; `each` hears also whether the page is known to be zero.
    pub(crate) fn take_knowing(self, cursor: &mut Cursor, each: impl FnMut(PageId, bool)) -> usize {
        self.zone.take_knowing(cursor, self.pages, each)
    }

    /// Takes blocks, as [`Zone::take_blocks`].
    pub(crate) fn take_blocks(
        self,
        cursor: &mut Cursor,
        order: Order,
        each: impl FnMut(PageId),
        doubled: impl FnMut(PageId),
    ) -> usize {
        let most = self.pages / order.pages();
        self.zone.take_blocks(cursor, (order, most), each, doubled)
    }

    /// Takes this block, as [`Zone::take_block_at`], if it is allowed.
    pub(crate) fn take_block_at(
        self,
        first: PageId,
        order: Order,
        doubled: impl FnMut(PageId),
    ) -> bool {
        self.pages >= order.pages() && self.zone.take_block_at(first, order, doubled)
    }
}

impl Drop for Allowance<'_> {
    /// What was taken no longer counts as free.
    fn drop(&mut self) {
        if self.claimed > 0 {
            // Release: pairs with the Acquire of who claims next.
            self.zone.counts.claimed.fetch_sub(self.claimed, ordering!(Release, "mark-order"));
            // Who comes to wait sees that, or is seen.
            publish_fence();
        }
    }
}

#[cfg(test)]
mod tests;
