//! Exact pages of the zone: they leave and come back by their numbers.
//!
//! Invariant: that of the zone. A page leaves by the one compare-and-swap that sets its bit, so
//! whoever takes a range gets each page that was here at that moment, and nobody else gets it.

use super::gather::{Emptied, Filled};
use super::{BITS, Zone, pages};
use crate::page::PageId;
use crate::sync::{Ordering, defect};

/// The words that stand for `count` pages from `first` on, each with the bits of these pages.
pub(super) fn words_of(first: PageId, count: usize) -> impl Iterator<Item = (usize, u64)> {
    let start = first.index() as usize;
    let end = start + count;
    (start / BITS..end.div_ceil(BITS)).map(move |index| {
        let from = start.saturating_sub(index * BITS);
        let to = (end - index * BITS).min(BITS);
        (index, u64::MAX << from & u64::MAX >> (BITS - to))
    })
}

impl Zone {
    /// Takes those of `count` pages from `first` on that are here, ascending. All of them are in
    /// range. Returns how many there were.
    pub(crate) fn take_range(
        &self,
        first: PageId,
        count: usize,
        mut each: impl FnMut(PageId),
    ) -> usize {
        let mut emptied = Emptied::breaking(self);
        let mut taken = 0;
        for (index, mask) in words_of(first, count) {
            let bits = if defect!("range-claim") {
                self.set_unclaimed(index, mask, &mut emptied)
            } else {
                self.claim(index, &mut emptied, |word| word & mask)
            };
            taken += bits.count_ones() as usize;
            pages(index, bits).for_each(&mut each);
        }
        drop(emptied);
        self.count_taken(taken);
        taken
    }

    /// Puts `count` pages from `first` on back, all of them in range, as [`Zone::put`].
    pub(crate) fn put_range(
        &self,
        first: PageId,
        count: usize,
        mut doubled: impl FnMut(PageId),
    ) -> usize {
        self.count_in(count);
        let mut filled = Filled::new(self);
        let words = words_of(first, count);
        let put = words.map(|(index, mask)| self.put_bits(index, mask, &mut filled, &mut doubled));
        let put = put.sum::<usize>();
        drop(filled);
        self.uncount(count - put);
        put
    }

    /// Notes that `count` pages from `first` on, which are not here, may have been written.
    pub(crate) fn note_written_range(&self, first: PageId, count: usize) {
        words_of(first, count).for_each(|(index, mask)| _ = self.mark_written(index, mask));
    }

    /// The defect `range-claim`: looks first, and sets what it saw to be clear without a second look.
    fn set_unclaimed(&self, index: usize, mask: u64, emptied: &mut Emptied<'_>) -> u64 {
        let bits = !self.words[index].load(Ordering::Acquire) & mask;
        if bits != 0 {
            let old = self.words[index].fetch_or(bits, Ordering::AcqRel);
            emptied.note(index, old | bits == u64::MAX);
        }
        bits
    }
}

#[cfg(test)]
mod tests;
