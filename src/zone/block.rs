//! Blocks: aligned runs of pages of the zone.
//!
//! Invariant: that of the zone. A block of 64 pages or fewer leaves by the one compare-and-swap of
//! its word. A larger one takes its words one by one, ascending, each as a whole; a claim that
//! meets a word from which a page is missing puts back what it took. Of two claims that overlap one
//! goes on: each has the words below those that it still needs, and whoever is second at a word
//! gives way. What a claim has in hand counts as free until the claim has all: so whoever finds no
//! page meanwhile looks again, and does not take the pool for exhausted.

use super::gather::{Emptied, Filled};
use super::search::Search;
use super::{BITS, Cursor, Zone, lowest, pages};
use crate::page::{Order, PageId};
use crate::sync::{Ordering, defect};

/// How many words a block of this order takes as a whole, if it takes more than a part of one.
fn whole_words(order: Order) -> Option<usize> {
    (order.pages() > BITS).then_some(order.pages() / BITS)
}

impl Zone {
    /// Takes up to `max` aligned runs of 2^order pages, and hands the first page of each to `each`.
    /// `doubled` hears of pages that came back while this call had them in hand.
    pub(super) fn take_blocks(
        &self,
        cursor: &mut Cursor,
        (order, max): (Order, usize),
        mut each: impl FnMut(PageId),
        mut doubled: impl FnMut(PageId),
    ) -> usize {
        let mut emptied = Emptied::breaking(self);
        let mut search = Search::new(self, *cursor);
        let (mut taken, mut last) = (0, None);
        while taken < max {
            let least = if taken == 0 { order.pages() } else { usize::MAX };
            let Some(index) = search.next(least) else { break };
            let in_turn = search.in_turn();
            let Some(words) = whole_words(order) else {
                let choose = |word| aligned_runs(word & in_turn, order, max - taken);
                let bits = self.claim(index, &mut emptied, choose);
                if bits != 0 {
                    cursor.took(index, bits);
                    let firsts = bits & starts(order);
                    taken += firsts.count_ones() as usize;
                    pages(index, firsts).for_each(&mut each);
                }
                continue;
            };
            if in_turn != u64::MAX {
                continue;
            }
            let start = index - index % words;
            // Each word that has pages leads here: the first one is enough, in each lap of the
            // search.
            let is_seen = |last| last < index && last >= start;
            if !last.replace(index).is_some_and(is_seen)
                && self.claim_words(start, words, &mut emptied, &mut doubled)
            {
                cursor.took(start, u64::MAX);
                taken += 1;
                each(PageId::new((start * BITS) as u32));
            }
        }
        drop(emptied);
        self.count_taken(taken * order.pages());
        taken
    }

    /// Takes this block, which is aligned and in range, if all of its pages are here. `doubled` is
    /// as in [`Self::take_blocks`].
    pub(super) fn take_block_at(
        &self,
        first: PageId,
        order: Order,
        doubled: impl FnMut(PageId),
    ) -> bool {
        let mut emptied = Emptied::breaking(self);
        let index = first.index() as usize / BITS;
        let taken = match whole_words(order) {
            Some(words) => self.claim_words(index, words, &mut emptied, doubled),
            None => {
                let bits = run(order) << (first.index() as usize % BITS);
                let choose = |word| if word & bits == bits { bits } else { 0 };
                self.claim(index, &mut emptied, choose) != 0
            }
        };
        drop(emptied);
        if taken {
            self.count_taken(order.pages());
        }
        taken
    }

    /// Takes neighbouring words as wholes, or none of them. They are not uncounted.
    fn claim_words(
        &self,
        start: usize,
        words: usize,
        emptied: &mut Emptied<'_>,
        doubled: impl FnMut(PageId),
    ) -> bool {
        // The look first leaves alone what is no block, so that a claim rarely gives way.
        (start..start + words).all(|index| self.is_whole(index))
            && self.claim_whole(start, words, emptied, doubled)
    }

    /// As [`Self::claim_words`], of words that were whole when the caller looked.
    fn claim_whole(
        &self,
        start: usize,
        words: usize,
        emptied: &mut Emptied<'_>,
        mut doubled: impl FnMut(PageId),
    ) -> bool {
        if defect!("block-uncount") {
            self.uncount(words * BITS);
        }
        let whole = |word| if word == u64::MAX { word } else { 0 };
        let taken = |index: &usize| self.claim(*index, emptied, whole) != 0;
        let claimed = (start..start + words).take_while(taken).count();
        if defect!("block-uncount") {
            self.count_in(words * BITS);
        }
        if claimed == words {
            return true;
        }
        if !defect!("block-words") {
            let mut filled = Filled::new(self);
            let put = |index| self.put_bits(index, u64::MAX, &mut filled, &mut doubled);
            let put: usize = (start..start + claimed).map(put).sum();
            drop(filled);
            // A page that came back meanwhile was counted then, too.
            self.uncount(claimed * BITS - put);
        }
        false
    }

    /// Whether a word has all its pages; none past the end has.
    fn is_whole(&self, index: usize) -> bool {
        // Relaxed: a hint; the compare-and-swap that takes the pages is what counts.
        self.words.get(index).is_some_and(|word| word.load(Ordering::Relaxed) == 0)
    }
}

/// Up to `n` aligned runs of free pages in a word, the first ones.
fn aligned_runs(word: u64, order: Order, n: usize) -> u64 {
    let mut runs = word;
    for step in 0..order.get() {
        runs &= runs >> (1 << step);
    }
    // Runs that are aligned do not overlap, so nothing carries.
    lowest(runs & starts(order), n) * run(order)
}

/// Where aligned runs start.
fn starts(order: Order) -> u64 {
    u64::MAX / run(order)
}

/// The bits of a block of 64 pages or fewer at bit 0.
fn run(order: Order) -> u64 {
    u64::MAX >> (BITS - order.pages())
}

#[cfg(test)]
mod tests;
