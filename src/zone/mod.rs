//! The zone: one bit per page, clear while the page is in nobody's cache or magazine.
//!
//! Invariant: a page leaves by exactly one compare-and-swap that sets its bit and comes back by one `fetch_and` that
//! clears it. Above the words stand three summaries, each of several levels, with a bit for each word below that has
//! free pages: `fresh` tells of words from which no page was ever taken, `whole` of those whose area was wholly free
//! when that was noted, `used` of the others. Whoever makes a word non-empty
//! notes it in a summary afterwards; whoever makes it empty, or breaks into a fresh one, takes the note away and *then
//! looks again*. Both are read-modify-writes of the same summary word, so one of the two sees the other and no page is
//! lost. Whoever moves a note from one summary to another takes it away first, and then makes it anew (`whole`).
//!
//! A search prefers pages that were used before, so that no more memory is touched than was needed at once, and then
//! those of areas that are not whole (`search`).

mod block;
mod gather;
mod layout;
mod marks;
mod offline;
mod purge;
mod range;
mod rebuild;
mod search;
mod summary;
#[cfg(test)]
mod tests;
mod touched;
mod whole;

pub(crate) use layout::{Cursor, Habits, ZoneLayout};
pub(crate) use marks::{Allowance, BROKE_RESERVE, CROSSED_LOW, CROSSED_RESERVE, Floor, Marks};
pub(crate) use offline::OfflinePages;
pub(crate) use purge::Held;
pub(crate) use summary::{Fresh, Used, Whole};

use gather::{Emptied, Filled};
use layout::{Levels, count_clear};
use search::Search;

use crate::metadata::{MetadataSlice, Padded};
use crate::page::PageId;
use crate::sync::{Atomic, Ordering, ordering};

const BITS: usize = 64;

/// The free pages of a pool.
pub(crate) struct Zone {
    /// A bit for each page: set while the page is not here. So memory of zeroes is a zone whose pages are all free.
    pub(crate) words: MetadataSlice<Atomic<u64>>,
    /// The summary of words from which pages were taken.
    pub(crate) used: MetadataSlice<Atomic<u64>>,
    /// The summary of those of them whose areas were whole.
    pub(crate) whole: MetadataSlice<Atomic<u64>>,
    /// The summary of those from which none was, with its bits the other way: clear where there is such a word.
    pub(crate) fresh: MetadataSlice<Atomic<u64>>,
    /// A bit for each page that may have been written (`purge`); none where nothing is known of the memory.
    written: MetadataSlice<Atomic<u64>>,
    /// How many pages the tables have bits for.
    pages: usize,
    /// How each summary is cut.
    levels: Levels,
    habits: Habits,
    counts: Padded<Counts>,
}

/// What a zone counts.
struct Counts {
    /// Free pages: counted before their bits are clear and until after they are set, so never fewer than there are.
    free: Atomic<u64>,
    /// Words that are fresh, about; kept only for a quarantine.
    fresh: Atomic<u64>,
    /// The fewest that were free since somebody asked, about; kept only if the pool purges.
    low: Atomic<u64>,
    /// Pages that calls may take next (`marks`).
    claimed: Atomic<u64>,
    /// Which marks were crossed.
    crossed: Atomic<u32>,
    /// Which words of an area are held (`purge`): the first one, and behind it how many.
    held: Atomic<u64>,
}

/// The lowest `n` set bits of a word.
fn lowest(word: u64, n: usize) -> u64 {
    if word.count_ones() as usize <= n {
        return word;
    }
    let mut rest = word;
    for _ in 0..n {
        rest &= rest - 1;
    }
    word ^ rest
}

/// The pages of the set bits of a word, ascending.
fn pages(index: usize, mut bits: u64) -> impl Iterator<Item = PageId> {
    core::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            PageId::new((index * BITS + bit) as u32)
        })
    })
}

impl Zone {
    /// How many pages are free, about.
    pub(crate) fn free(&self) -> usize {
        // Relaxed: a report, or a hint.
        self.counts.free.load(Ordering::Relaxed) as usize
    }

    /// How many pages are free, counted bit by bit.
    pub(crate) fn count(&self) -> usize {
        count_clear(&self.words, self.pages)
    }

    /// Whether the page is in the zone.
    pub(crate) fn holds(&self, id: PageId) -> bool {
        let index = id.index() as usize;
        // Acquire: pairs with the Release of `put`, so that a caller who sees a page free sees how it got there.
        let word = self.words.get(index / BITS).map_or(u64::MAX, |it| it.load(Ordering::Acquire));
        word >> (index % BITS) & 1 == 0
    }

    /// Takes up to `max` pages into `each`, ascending in each word, which hears also whether they are known to be
    /// zero. The cursor says where to look first, and is left where the last ones were.
    fn take_knowing(
        &self,
        cursor: &mut Cursor,
        max: usize,
        mut each: impl FnMut(PageId, bool),
    ) -> usize {
        let mut taken = 0;
        let mut emptied = Emptied::new(self);
        let mut search = Search::new(self, *cursor);
        while taken < max {
            let Some(index) = search.next(if taken == 0 { 1 } else { usize::MAX }) else { break };
            let in_turn = search.in_turn();
            let bits = self.claim(index, &mut emptied, |word| lowest(word & in_turn, max - taken));
            taken += bits.count_ones() as usize;
            let zero = emptied.zero;
            pages(index, bits)
                .for_each(|id| each(id, zero >> (id.index() as usize % BITS) & 1 == 1));
            if bits != 0 {
                cursor.took(index, bits);
            }
        }
        drop(emptied);
        self.count_taken(taken);
        taken
    }

    /// Takes those pages of a word that `choose` picks among the free ones, or none if it picks none.
    fn claim(&self, index: usize, emptied: &mut Emptied<'_>, choose: impl Fn(u64) -> u64) -> u64 {
        let word = &self.words[index];
        let mut old = word.load(Ordering::Relaxed);
        loop {
            let bits = choose(!old);
            if bits == 0 {
                return 0;
            }
            // Acquire: pairs with the Release `fetch_and` of whoever put the pages here.
            match word.compare_exchange_weak(
                old,
                old | bits,
                ordering!(Acquire, "zone-take"),
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    emptied.note(index, old | bits == u64::MAX);
                    emptied.zero = self.mark_written(index, bits);
                    return bits;
                }
                Err(current) => old = current,
            }
        }
    }

    /// Puts pages back: one `fetch_and` for each word of neighbours when `ids` is sorted. `doubled` hears of each
    /// page that was here already. Returns how many were not.
    pub(crate) fn put(&self, ids: &[PageId], mut doubled: impl FnMut(PageId)) -> usize {
        self.count_in(ids.len());
        let mut filled = Filled::new(self);
        let mut put = 0;
        let mut rest = ids;
        while let Some(first) = rest.first() {
            let index = first.index() as usize / BITS;
            let same = |id: &&PageId| id.index() as usize / BITS == index;
            let mut bits = 0;
            let mut taken = 0;
            for id in rest.iter().take_while(same) {
                let bit = 1 << (id.index() as usize % BITS);
                if bits & bit != 0 {
                    doubled(*id);
                }
                bits |= bit;
                taken += 1;
            }
            rest = &rest[taken..];
            put += self.put_bits(index, bits, &mut filled, &mut doubled);
        }
        drop(filled);
        self.uncount(ids.len() - put);
        put
    }

    /// So many pages are about to come.
    fn count_in(&self, n: usize) {
        self.counts.free.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// So many pages are no longer here.
    fn count_taken(&self, n: usize) {
        if n == 0 {
            return;
        }
        // Saturating: a bit that was corrupted can be taken, and was not counted.
        let before = self.counts.free.fetch_sub(n as u64, Ordering::Relaxed);
        let left = before.saturating_sub(n as u64);
        if self.has_marks() {
            self.note_crossings(before, left);
        }
        // Relaxed: a hint, so that of two that store at once either may be the last.
        if self.habits.purges && left < self.counts.low.load(Ordering::Relaxed) {
            self.counts.low.store(left, Ordering::Relaxed);
        }
    }

    /// The fewest pages that were free since the last time that somebody asked, about; if the pool purges.
    pub(crate) fn low_water(&self) -> usize {
        let now = self.free();
        // Relaxed: a hint.
        let low = self.counts.low.load(Ordering::Relaxed) as usize;
        self.counts.low.store(now as u64, Ordering::Relaxed);
        low.min(now)
    }

    /// So many pages are no longer here, or were not put, being here already.
    fn uncount(&self, n: usize) {
        if n > 0 {
            self.counts.free.fetch_sub(n as u64, Ordering::Relaxed);
        }
    }

    fn put_bits(
        &self,
        index: usize,
        bits: u64,
        filled: &mut Filled<'_>,
        doubled: impl FnMut(PageId),
    ) -> usize {
        // Release: pairs with the Acquire of `take`, which hands the pages on. Acquire: the old value shows a
        // double free, whose report may follow what the first freer did.
        let old = !self.words[index].fetch_and(!bits, ordering!(AcqRel, "zone-publish"));
        filled.note(index, old, bits);
        pages(index, old & bits).for_each(doubled);
        (bits & !old).count_ones() as usize
    }
}
