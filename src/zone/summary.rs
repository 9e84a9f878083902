//! The three summaries: from any word to the next that has free pages, in a few steps.

use super::{BITS, Zone, pages};
use crate::sync::{Atomic, Ordering, defect, ordering};

/// One of the three summaries.
pub(crate) trait Summary {
    /// Which of them it is.
    #[cfg(test)]
    const NUMBER: usize;

    /// Whether it tells of fresh words; its bits are then the other way.
    const FRESH: bool = false;

    /// Whether what is left of a word is told of in it, and not among the used ones.
    const KEEPS: bool = false;

    /// Its words.
    fn table(zone: &Zone) -> &[Atomic<u64>];
}

/// The summary of words from which pages were taken.
pub(crate) struct Used;

/// The summary of such words whose areas were whole (`whole`).
pub(crate) struct Whole;

/// The summary of words from which none was.
pub(crate) struct Fresh;

impl Summary for Used {
    #[cfg(test)]
    const NUMBER: usize = 0;
    const KEEPS: bool = true;

    fn table(zone: &Zone) -> &[Atomic<u64>] {
        &zone.used
    }
}

impl Summary for Whole {
    #[cfg(test)]
    const NUMBER: usize = 1;

    fn table(zone: &Zone) -> &[Atomic<u64>] {
        &zone.whole
    }
}

impl Summary for Fresh {
    #[cfg(test)]
    const NUMBER: usize = 2;
    const FRESH: bool = true;

    fn table(zone: &Zone) -> &[Atomic<u64>] {
        &zone.fresh
    }
}

impl Zone {
    /// The words of a level of a summary, from 1 on.
    pub(super) fn level<S: Summary>(&self, level: usize) -> &[Atomic<u64>] {
        &S::table(self)[self.levels.starts[level]..self.levels.starts[level + 1]]
    }

    /// Whether this summary tells of any word, as of about now; in a zone of one word it does.
    pub(super) fn tells<S: Summary>(&self) -> bool {
        self.levels.top == 0 || self.look::<S>(self.levels.top, 0) != 0
    }

    /// The first word that this summary tells of and that has pages, from `from` on: up its levels and down again.
    pub(crate) fn next<S: Summary>(&self, from: usize) -> Option<usize> {
        if self.levels.top == 0 {
            return (self.look::<S>(0, from) != 0).then_some(from);
        }
        let mut at = from;
        let mut level = 1;
        let mut descending = false;
        while level <= self.levels.top {
            let index = at / BITS;
            let bits = self.look::<S>(level, index) & (u64::MAX << (at % BITS));
            if bits == 0 {
                if descending {
                    // The bit above was stale: help to clear it.
                    self.clear::<S>(level + 1, index / BITS, 1 << (index % BITS));
                }
                (at, level, descending) = (index + 1, level + 1, false);
                continue;
            }
            at = index * BITS + bits.trailing_zeros() as usize;
            if level > 1 {
                (at, level, descending) = (at * BITS, level - 1, true);
            } else if self.look::<S>(0, at) != 0 {
                return Some(at);
            } else {
                self.clear::<S>(1, index, 1 << (at % BITS));
                // What comes next is not what the level above told of, and may lie past the end.
                (at, descending) = (at + 1, false);
            }
        }
        None
    }

    /// As [`Self::next`] of used words, whole areas or not, from `from` to before `end`, which lie in one word of the
    /// summary.
    pub(super) fn next_within(&self, from: usize, end: usize) -> Option<usize> {
        if from >= end {
            return None;
        }
        let index = from / BITS;
        let within = (u64::MAX << (from % BITS)) & (u64::MAX >> (BITS - 1 - (end - 1) % BITS));
        let told = self.look::<Used>(1, index) | self.look::<Whole>(1, index);
        let found = pages(index, told & within);
        found.map(|word| word.index() as usize).find(|&at| {
            let some = self.look::<Used>(0, at) != 0;
            if !some {
                self.clear_told(index, 1 << (at % BITS), 0);
            }
            some
        })
    }

    /// A word on the way of a search, with its bits set for what there is: none past the end.
    fn look<S: Summary>(&self, level: usize, index: usize) -> u64 {
        #[cfg(test)]
        super::tests::visits::note(level + S::NUMBER * super::layout::LEVELS);
        // Relaxed: a hint; the compare-and-swap that takes the pages is what counts.
        let bits = |word: &Atomic<u64>| word.load(Ordering::Relaxed);
        match level {
            0 => self.words.get(index).map_or(0, |word| !bits(word)),
            _ if S::FRESH => self.level::<S>(level).get(index).map_or(0, |word| !bits(word)),
            _ => self.level::<S>(level).get(index).map_or(0, bits),
        }
    }

    /// Whether a word was fresh, as of about now.
    pub(super) fn is_fresh(&self, index: usize) -> bool {
        // Relaxed: see `Emptied::note`.
        let word = self.fresh.get(index / BITS);
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (index % BITS) & 1 == 0)
    }

    /// Sets bits of a summary, after the words below became non-empty.
    pub(super) fn set<S: Summary>(&self, level: usize, index: usize, bits: u64) {
        if level > self.levels.top {
            return;
        }
        let word = &self.level::<S>(level)[index];
        // AcqRel: pairs with the read-modify-write of `clear`, which must see the word below if it comes after this.
        let order = ordering!(AcqRel, "summary-order");
        let old = if S::FRESH { !word.fetch_and(!bits, order) } else { word.fetch_or(bits, order) };
        if S::FRESH && level == 1 {
            self.count_fresh(bits & !old);
        }
        if old == 0 && !defect!("summary-level") {
            self.set::<S>(level + 1, index / BITS, 1 << (index % BITS));
        }
    }

    /// Clears bits of a summary, after the words below became empty, or were broken into, and sets those again whose
    /// words are not empty. Of words that were fresh until now, or in a whole area, that of used ones tells then.
    pub(super) fn clear<S: Summary>(&self, level: usize, index: usize, bits: u64) {
        if level > self.levels.top {
            return;
        }
        let word = &self.level::<S>(level)[index];
        // AcqRel: pairs with the read-modify-write of `set`.
        let order = Ordering::AcqRel;
        let old = if S::FRESH { !word.fetch_or(bits, order) } else { word.fetch_and(!bits, order) };
        // Relaxed: ordered after the read-modify-write, which read from every `set` that came before it. A bit that was
        // corrupted may tell of a word past the end: there is none.
        let again = pages(index, bits)
            .filter(|child| self.is_set_below::<S>(level, child.index() as usize))
            .fold(0, |again, child| again | 1 << (child.index() as usize % BITS));
        let left = old & !bits == 0;
        if S::FRESH && level == 1 {
            self.uncount_fresh(old & bits);
        }
        if !S::KEEPS && level == 1 {
            if again != 0 && !defect!("fresh-again") {
                self.set::<Used>(1, index, again);
            }
        } else if again != 0 && !defect!("summary-again") {
            return self.set::<S>(level, index, again);
        }
        if left {
            self.clear::<S>(level + 1, index / BITS, 1 << (index % BITS));
        }
    }

    /// Clears bits of the first level, whose words another summary will tell of.
    pub(super) fn take_note<S: Summary>(&self, index: usize, bits: u64) {
        // AcqRel: what those bits said is known to who sees where they go.
        if self.level::<S>(1)[index].fetch_and(!bits, Ordering::AcqRel) & !bits == 0 {
            self.clear::<S>(2, index / BITS, 1 << (index % BITS));
        }
    }

    /// Whether a word below a level of a summary has anything.
    fn is_set_below<S: Summary>(&self, level: usize, index: usize) -> bool {
        if level == 1 {
            return self.words.get(index).is_some_and(|it| it.load(Ordering::Relaxed) != u64::MAX);
        }
        let nothing = if S::FRESH { u64::MAX } else { 0 };
        let word = self.level::<S>(level - 1).get(index);
        word.is_some_and(|word| word.load(Ordering::Relaxed) != nothing)
    }

    /// These words are fresh again.
    fn count_fresh(&self, bits: u64) {
        if self.habits.quarantine.is_some() {
            // Relaxed: a hint.
            self.counts.fresh.fetch_add(bits.count_ones().into(), Ordering::Relaxed);
        }
    }

    /// These words are no longer fresh.
    fn uncount_fresh(&self, bits: u64) {
        if self.habits.quarantine.is_some() {
            // Relaxed: a hint.
            self.counts.fresh.fetch_sub(bits.count_ones().into(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
