//! Making a zone's summaries and its counts anew, from the bits of its pages.
//!
//! Invariant: the bits of the pages are the truth. A thread that stopped in the middle of a call
//! leaves each word whole, but may not have touched a summary yet, or a count. What the first level
//! says to be fresh stays so, if it has pages: nothing depends on it but which pages come first.

use super::summary::Summary;
use super::{BITS, Fresh, Used, Whole, Zone};
use crate::sync::{Atomic, Ordering};

impl Zone {
    /// Recomputes every summary word and the counts. The caller is alone: a page that came or
    /// left meanwhile could be missed.
    pub(crate) fn rebuild(&self) {
        let below = self.words.chunks(BITS);
        let words = self.level::<Used>(1).iter().zip(self.level::<Whole>(1));
        let words = words.zip(self.level::<Fresh>(1)).zip(below).enumerate();
        let mut count = 0;
        for (index, (((used, whole), fresh), children)) in words {
            let some = told(children, u64::MAX);
            // Relaxed: the caller is alone, here and below.
            let still = some & !fresh.load(Ordering::Relaxed);
            fresh.store(!still, Ordering::Relaxed);
            let areas = some & !still & self.whole_areas(index, some);
            whole.store(areas, Ordering::Relaxed);
            used.store(some & !still & !areas, Ordering::Relaxed);
            count += u64::from(still.count_ones());
        }
        self.rebuild_above::<Used>();
        self.rebuild_above::<Whole>();
        self.rebuild_above::<Fresh>();
        self.forget_claims();
        self.counts.fresh.store(count, Ordering::Relaxed);
        self.counts.free.store(self.count() as u64, Ordering::Relaxed);
    }

    /// The levels of a summary above its first, from that.
    fn rebuild_above<S: Summary>(&self) {
        let (nothing, flip) = if S::FRESH { (u64::MAX, u64::MAX) } else { (0, 0) };
        for level in 2..=self.levels.top {
            let below = self.level::<S>(level - 1).chunks(BITS);
            for (word, children) in self.level::<S>(level).iter().zip(below) {
                word.store(told(children, nothing) ^ flip, Ordering::Relaxed);
            }
        }
    }
}

/// A bit for each word that is not as one that has `nothing`.
fn told(words: &[Atomic<u64>], nothing: u64) -> u64 {
    words.iter().enumerate().fold(0, |bits, (bit, word)| {
        bits | u64::from(word.load(Ordering::Relaxed) != nothing) << bit
    })
}

#[cfg(test)]
mod tests;
