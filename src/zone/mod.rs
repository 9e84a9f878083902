//! The zone: one bit per page, set while the page is in nobody's cache or magazine.
//!
//! Invariant: a page leaves by exactly one compare-and-swap that clears its bit and comes back by one `fetch_or`
//! that sets it. Above the words stand summary levels, a bit for each non-empty word below. Whoever makes a word
//! non-empty sets its summary bit afterwards; whoever makes it empty clears the bit and *then looks again*. Both are
//! read-modify-writes of the same summary word, so one of the two sees the other and no page is lost.

mod block;
mod rebuild;
mod summary;
#[cfg(test)]
mod tests;

use summary::{Emptied, Filled, Search};

use crate::metadata::{MetadataBlock, MetadataLayout, MetadataSlice, Padded, Span};
use crate::page::PageId;
use crate::sync::{Atomic, Ordering, ordering};

const BITS: usize = 64;

/// Enough for 2³² pages: words, and five levels of summary.
const LEVELS: usize = 6;

/// The free pages of a pool.
pub(crate) struct Zone {
    /// All levels in one table, the words of the pages first.
    words: MetadataSlice<Atomic<u64>>,
    /// Where each level starts in the table, and after the last one, where it ends.
    starts: [usize; LEVELS + 1],
    /// The level that is a single word.
    top: usize,
    /// Free pages: counted before their bits are set and until after they are cleared, so never fewer than there are.
    free: Padded<Atomic<u64>>,
}

/// How the table of a zone is cut.
pub(crate) struct ZoneLayout {
    span: Span<Atomic<u64>>,
    starts: [usize; LEVELS + 1],
    top: usize,
}

impl ZoneLayout {
    pub(crate) fn new(layout: &mut MetadataLayout, pages: usize) -> Option<Self> {
        let mut starts = [0; LEVELS + 1];
        let mut len = pages.div_ceil(BITS);
        let mut level = 0;
        loop {
            starts[level + 1] = starts[level] + len;
            if len == 1 {
                break;
            }
            len = len.div_ceil(BITS);
            level += 1;
        }
        Some(ZoneLayout { span: layout.table(starts[level + 1])?, starts, top: level })
    }
}

/// The bits of a level of `len` entries that word `index` has when all are set.
fn full(index: usize, len: usize) -> u64 {
    match len.saturating_sub(index * BITS) {
        0 => 0,
        some @ 1..BITS => (1 << some) - 1,
        _ => u64::MAX,
    }
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
    /// A zone of `count` pages, all free.
    pub(crate) fn new(block: &mut MetadataBlock, layout: ZoneLayout, count: usize) -> Self {
        let ZoneLayout { span, starts, top } = layout;
        let (mut level, mut entries) = (0, count);
        let entry = |at: usize| {
            if at == starts[level + 1] {
                entries = entries.div_ceil(BITS);
                level += 1;
            }
            Atomic::new(full(at - starts[level], entries))
        };
        let words = block.fill(span, entry);
        Zone { words, starts, top, free: Padded(Atomic::new(count as u64)) }
    }

    /// How many pages are free, about.
    pub(crate) fn free(&self) -> usize {
        // Relaxed: a report, or a hint.
        self.free.load(Ordering::Relaxed) as usize
    }

    /// How many pages are free, counted bit by bit.
    pub(crate) fn count(&self) -> usize {
        let words = &self.words[..self.starts[1]];
        words.iter().map(|word| word.load(Ordering::Relaxed).count_ones() as usize).sum()
    }

    /// Whether the page is in the zone.
    pub(crate) fn holds(&self, id: PageId) -> bool {
        let index = id.index() as usize;
        // Acquire: pairs with the Release of `put`, so that a caller who sees a page free sees how it got there.
        let word = self.words.get(index / BITS).map_or(0, |word| word.load(Ordering::Acquire));
        word >> (index % BITS) & 1 == 1
    }

    fn level(&self, level: usize) -> &[Atomic<u64>] {
        &self.words[self.starts[level]..self.starts[level + 1]]
    }

    /// Takes up to `max` pages into `each`, ascending from `cursor`, which is left where the next search starts.
    pub(crate) fn take(&self, cursor: &mut u32, max: usize, mut each: impl FnMut(PageId)) -> usize {
        let mut taken = 0;
        let mut emptied = Emptied::new(self);
        let mut search = Search::new(self, *cursor);
        while taken < max {
            let Some(index) = search.next(if taken == 0 { 1 } else { usize::MAX }) else { break };
            let bits = self.claim(index, &mut emptied, |word| lowest(word, max - taken));
            taken += bits.count_ones() as usize;
            pages(index, bits).for_each(&mut each);
            *cursor = index as u32;
        }
        drop(emptied);
        self.uncount(taken);
        taken
    }

    /// Takes those pages of a word that `choose` picks among the free ones, or none if it picks none.
    fn claim(&self, index: usize, emptied: &mut Emptied<'_>, choose: impl Fn(u64) -> u64) -> u64 {
        let word = &self.words[index];
        let mut old = word.load(Ordering::Relaxed);
        loop {
            let bits = choose(old);
            if bits == 0 {
                return 0;
            }
            // Acquire: pairs with the Release `fetch_or` of whoever put the pages here.
            match word.compare_exchange_weak(
                old,
                old & !bits,
                ordering!(Acquire, "zone-take"),
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    if old == bits {
                        emptied.note(index);
                    }
                    return bits;
                }
                Err(current) => old = current,
            }
        }
    }

    /// Puts pages back: one `fetch_or` for each word of neighbours when `ids` is sorted. `doubled` hears of each
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
        self.free.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// So many pages are no longer here, or were not put, being here already.
    fn uncount(&self, n: usize) {
        if n > 0 {
            self.free.fetch_sub(n as u64, Ordering::Relaxed);
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
        let old = self.words[index].fetch_or(bits, ordering!(AcqRel, "zone-publish"));
        if old == 0 {
            filled.note(index);
        }
        pages(index, old & bits).for_each(doubled);
        (bits & !old).count_ones() as usize
    }
}
