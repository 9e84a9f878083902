//! The summary levels: from any word to the next that is not empty, in a few steps.

use super::{BITS, Zone, pages};
use crate::sync::{Ordering, defect, ordering};

impl Zone {
    /// The first word that is not empty, from `from` on: up the summary levels and down again.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from;
        if self.look(0, at) != 0 {
            return Some(at);
        }
        let mut level = 1;
        let mut descending = false;
        while level <= self.top {
            let index = at / BITS;
            let bits = self.look(level, index) & (u64::MAX << (at % BITS));
            if bits == 0 {
                if descending {
                    // The bit above was stale: help to clear it.
                    self.clear(level + 1, index / BITS, 1 << (index % BITS));
                }
                (at, level, descending) = (index + 1, level + 1, false);
                continue;
            }
            at = index * BITS + bits.trailing_zeros() as usize;
            if level > 1 {
                (at, level, descending) = (at * BITS, level - 1, true);
            } else if self.look(0, at) != 0 {
                return Some(at);
            } else {
                self.clear(1, index, 1 << (at % BITS));
                // What comes next is not what the level above told of, and may lie past the end.
                (at, descending) = (at + 1, false);
            }
        }
        None
    }

    /// A word on the way of a search: none past the end.
    fn look(&self, level: usize, index: usize) -> u64 {
        #[cfg(test)]
        super::tests::visits::note(level);
        // Relaxed: a hint; the compare-and-swap that takes the pages is what counts.
        self.level(level).get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Sets summary bits, after the words below became non-empty.
    fn set(&self, level: usize, index: usize, bits: u64) {
        if level > self.top {
            return;
        }
        // AcqRel: pairs with the `fetch_and` of `clear`, which must see the word below if it comes after this.
        let old = self.level(level)[index].fetch_or(bits, ordering!(AcqRel, "summary-order"));
        if old == 0 && !defect!("summary-level") {
            self.set(level + 1, index / BITS, 1 << (index % BITS));
        }
    }

    /// Clears summary bits, after the words below became empty, and sets those again whose words are not.
    fn clear(&self, level: usize, index: usize, bits: u64) {
        if level > self.top {
            return;
        }
        // AcqRel: pairs with the `fetch_or` of `set`.
        let old = self.level(level)[index].fetch_and(!bits, Ordering::AcqRel);
        let back = pages(index, bits)
            .filter(|child| {
                // A bit that was corrupted may tell of a word past the end: there is none.
                let word = self.level(level - 1).get(child.index() as usize);
                // Relaxed: ordered after the `fetch_and`, which read from every `set` that came before it.
                word.is_some_and(|word| word.load(Ordering::Relaxed) != 0)
            })
            .fold(0, |back, child| back | 1 << (child.index() as usize % BITS));
        if back != 0 && !defect!("summary-again") {
            self.set(level, index, back);
        } else if old & !bits == 0 {
            self.clear(level + 1, index / BITS, 1 << (index % BITS));
        }
    }
}

/// A search for words that are not empty: from where the last one ended, round to the start, and if pages are hidden,
/// through every word.
pub(super) struct Search<'a> {
    zone: &'a Zone,
    from: usize,
    lap: Lap,
}

enum Lap {
    Ahead,
    Around,
    /// By the words alone: for a moment the summary does not tell of a page, while the thread that emptied its word
    /// looks at it again. The free count does.
    Rescan,
}

impl<'a> Search<'a> {
    pub(super) fn new(zone: &'a Zone, cursor: u32) -> Self {
        let lap = if cursor == 0 { Lap::Around } else { Lap::Ahead };
        Search { zone, from: cursor as usize, lap }
    }

    /// The next word to try. The words are rescanned only while `least` pages at least should be free.
    pub(super) fn next(&mut self, least: usize) -> Option<usize> {
        loop {
            let found = match self.lap {
                Lap::Rescan => (self.from < self.zone.starts[1]).then_some(self.from),
                _ => self.zone.next(self.from),
            };
            if let Some(index) = found {
                self.from = index + 1;
                return found;
            }
            self.from = 0;
            self.lap = match self.lap {
                Lap::Ahead => Lap::Around,
                Lap::Around
                    if self.zone.top > 0 && self.zone.free() >= least && !defect!("rescan") =>
                {
                    Lap::Rescan
                }
                _ => return None,
            };
        }
    }
}

/// Words that a call has changed, gathered so that a summary word is touched once for all of them.
macro_rules! gathered {
    ($(#[$doc:meta])* $name:ident, $apply:ident) => {
        $(#[$doc])*
        pub(super) struct $name<'a> {
            zone: &'a Zone,
            word: usize,
            bits: u64,
        }

        impl<'a> $name<'a> {
            pub(super) fn new(zone: &'a Zone) -> Self {
                $name { zone, word: 0, bits: 0 }
            }

            pub(super) fn note(&mut self, index: usize) {
                if self.word != index / BITS {
                    self.apply();
                    self.word = index / BITS;
                }
                self.bits |= 1 << (index % BITS);
            }

            fn apply(&mut self) {
                if self.bits != 0 {
                    self.zone.$apply(1, self.word, core::mem::take(&mut self.bits));
                }
            }
        }

        impl Drop for $name<'_> {
            fn drop(&mut self) {
                self.apply();
            }
        }
    };
}
gathered!(
    /// Words made empty; their summary bits are cleared together.
    Emptied,
    clear
);
gathered!(
    /// Words made non-empty; their summary bits are set together.
    Filled,
    set
);

#[cfg(test)]
mod tests;
