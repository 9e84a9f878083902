//! How the tables of a zone are cut, and what they say at first.
//!
//! Invariant: zeroed tables are those of a zone whose pages are all free and fresh. Only where a
//! level ends inside of a word do its last bits say that there is nothing.

use super::{BITS, Counts, Marks, Zone};
use crate::metadata::{MetadataBlock, MetadataLayout, Padded, Span};
use crate::sync::{Atomic, Ordering};

/// Enough for 2³² pages: their words, and five levels of summary.
pub(super) const LEVELS: usize = 6;

/// Bytes of an area, where a word of pages is not larger: what one huge page would back.
const AREA: usize = 2 << 20;

/// Where each level of a summary starts in its table.
#[derive(Clone, Copy)]
pub(super) struct Levels {
    /// From level 1 on; after the last one, where it ends.
    pub(super) starts: [usize; LEVELS + 1],
    /// The level that is a single word: 0 in a zone of one word, which has no summary.
    pub(super) top: usize,
}

impl Levels {
    /// Above so many words.
    const fn above(mut len: usize) -> Self {
        let mut starts = [0; LEVELS + 1];
        let mut top = 0;
        while len > 1 {
            len = len.div_ceil(BITS);
            top += 1;
            starts[top + 1] = starts[top] + len;
        }
        Levels { starts, top }
    }

    /// The words of all levels.
    const fn words(&self) -> usize {
        self.starts[self.top + 1]
    }
}

/// How the tables of a zone are cut.
pub(crate) struct ZoneLayout {
    words: Span<Atomic<u64>>,
    used: Span<Atomic<u64>>,
    whole: Span<Atomic<u64>>,
    fresh: Span<Atomic<u64>>,
    written: Span<Atomic<u64>>,
    levels: Levels,
    pages: usize,
}

impl ZoneLayout {
    /// For so many pages; `zeroed` says that all of them are zero at first.
    pub(crate) const fn new(
        layout: &mut MetadataLayout,
        pages: usize,
        zeroed: bool,
    ) -> Option<Self> {
        let words = pages.div_ceil(BITS);
        let levels = Levels::above(words);
        let written = if zeroed { words } else { 0 };
        let Some(words) = layout.table(words) else { return None };
        let Some(used) = layout.table(levels.words()) else { return None };
        let Some(whole) = layout.table(levels.words()) else { return None };
        let Some(fresh) = layout.table(levels.words()) else { return None };
        let Some(written) = layout.table(written) else { return None };
        Some(ZoneLayout { words, used, whole, fresh, written, levels, pages })
    }
}

/// Where a zone looks for pages first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Words of an area, a power of two and at most 64.
    pub(super) area: usize,
    /// With QUARANTINE: while fewer used pages than this wait here, fresh ones are taken.
    pub(super) quarantine: Option<usize>,
    /// Whether memory is given back to the system.
    pub(super) purges: bool,
    /// How many pages stay here for others.
    pub(super) marks: Marks,
}

impl Habits {
    pub(crate) fn new(page_size: usize, quarantine: Option<usize>) -> Self {
        let fit = (AREA / BITS / page_size).clamp(1, BITS);
        let area = 1 << fit.ilog2();
        Habits { area, quarantine, purges: false, marks: Marks::default() }
    }

    /// The same where memory is given back to the system, if it is.
    pub(crate) fn purging(self, purges: bool) -> Self {
        Habits { purges, ..self }
    }

    /// The same where some pages stay for others.
    pub(crate) fn keeping(self, marks: Marks) -> Self {
        Habits { marks, ..self }
    }

    /// The word where a slot is at home: they lie evenly over the zone, each at an area's start
    /// where there are enough.
    pub(crate) fn home(self, slot: usize, slots: usize, pages: u32) -> u32 {
        let words = u64::from(pages).div_ceil(BITS as u64);
        let home = slot as u64 * words / slots as u64;
        let area = self.area as u64;
        let aligned = if words >= area * slots as u64 { home - home % area } else { home };
        aligned as u32
    }
}

/// Where one party looks for pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The word where it is at home.
    pub(crate) home: u32,
    /// The word from which it took the last pages.
    pub(crate) at: u32,
    /// How many pages of that word come before those that are next in turn, or are the last ones that it took.
    pub(super) before: u32,
}

impl Cursor {
    /// Of one that has taken nothing yet.
    pub(crate) const fn new(home: u32) -> Self {
        Cursor { home, at: home, before: 0 }
    }

    /// These pages of a word were taken.
    pub(super) fn took(&mut self, index: usize, bits: u64) {
        (self.at, self.before) = (index as u32, u64::BITS - bits.leading_zeros());
    }
}

/// How many of the first `len` bits of these words are clear. What lies behind them is nobody's, whatever it says.
pub(super) fn count_clear(words: &[Atomic<u64>], len: usize) -> usize {
    // Relaxed: a report.
    let clear =
        |(index, word): (usize, &Atomic<u64>)| !word.load(Ordering::Relaxed) & full(index, len);
    words.iter().enumerate().map(|word| clear(word).count_ones() as usize).sum()
}

/// The bits of a level of `len` entries that word `index` has when all are set.
pub(super) fn full(index: usize, len: usize) -> u64 {
    match len.saturating_sub(index * BITS) {
        0 => 0,
        some @ 1..BITS => (1 << some) - 1,
        _ => u64::MAX,
    }
}

impl Zone {
    /// A zone whose first `count` pages are free, and fresh.
    pub(crate) fn new(
        block: &mut MetadataBlock,
        layout: ZoneLayout,
        count: usize,
        habits: Habits,
    ) -> Self {
        let ZoneLayout { words, used, whole, fresh, written, levels, pages } = layout;
        let fresh_words = count.div_ceil(BITS);
        let counts = Counts {
            free: Atomic::new(count as u64),
            fresh: Atomic::new(fresh_words as u64),
            low: Atomic::new(count as u64),
            claimed: Atomic::new(0),
            crossed: Atomic::new(0),
            held: Atomic::new(0),
        };
        let words = block.fill_zero(words);
        none_beyond(&words, count);
        let fresh = block.fill_zero(fresh);
        let mut entries = fresh_words;
        for level in levels.starts.windows(2).skip(1).take(levels.top) {
            none_beyond(&fresh[level[0]..level[1]], entries);
            entries = entries.div_ceil(BITS);
        }
        let (used, whole) = (block.fill_zero(used), block.fill_zero(whole));
        let written = block.fill_zero(written);
        Zone { words, used, whole, fresh, written, pages, levels, habits, counts: Padded(counts) }
    }
}

/// Says of words of zeroes that there is nothing but their first `entries` bits.
fn none_beyond(words: &[Atomic<u64>], entries: usize) {
    for (at, word) in words.iter().enumerate().skip(entries / BITS) {
        // Relaxed: nobody has the zone yet.
        word.store(!full(at, entries), Ordering::Relaxed);
    }
}
