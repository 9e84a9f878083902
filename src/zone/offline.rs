//! Which pages are offline: a bit for each, clear while the pool does not have the page to give out.
//!
//! Invariant: whoever clears a page's bit has just taken the page out of the zone, and whoever sets
//! it puts the page there afterwards. So a page that is offline is nowhere else, and whoever gets a
//! page from the zone finds its bit set. A pool whose size is fixed has no bits.
//!
//! Zeroed memory is a pool whose pages are all offline: one that begins with few of them writes few
//! bits. The bits behind the last page are set.

use super::BITS;
use super::layout::{count_clear, full};
use super::range::words_of;
use crate::metadata::{MetadataBlock, MetadataLayout, MetadataSlice, Span};
use crate::page::PageId;
use crate::sync::{Atomic, Ordering, ordering};

/// The pages of a pool that are offline.
pub(crate) struct OfflinePages {
    /// A bit for each page: set while it is online.
    pub(crate) words: MetadataSlice<Atomic<u64>>,
    /// How many pages went, counted after their bits were cleared, and how many came back, counted
    /// before they are put where others can have them. So while a page is on its way it counts as in
    /// the middle of a call.
    went: Atomic<u64>,
    came: Atomic<u64>,
}

impl OfflinePages {
    /// The table of so many pages, or of none, if the pool's size is fixed.
    pub(crate) const fn layout(
        layout: &mut MetadataLayout,
        pages: usize,
    ) -> Option<Span<Atomic<u64>>> {
        layout.table(pages.div_ceil(BITS))
    }

    /// Of `pages` pages, all but the first `online` are offline: none, if the pool's size is fixed.
    pub(crate) fn new(
        block: &mut MetadataBlock,
        span: Span<Atomic<u64>>,
        pages: usize,
        online: usize,
    ) -> Self {
        let words = block.fill_zero(span);
        let (first, last) = (online.div_ceil(BITS), words.len().saturating_sub(1));
        let all = || words.iter().enumerate();
        for (index, word) in all().take(first).chain(all().skip(last)) {
            // Relaxed: nobody has the pool yet.
            word.store(full(index, online) | !full(index, pages), Ordering::Relaxed);
        }
        let went = Atomic::new((pages - online) as u64);
        OfflinePages { words, went, came: Atomic::new(0) }
    }

    /// Whether pages can go offline.
    pub(crate) fn is_kept(&self) -> bool {
        !self.words.is_empty()
    }

    /// How many pages are offline, as of about now. Never below zero, also where a page is taken out
    /// before whoever added it has counted it.
    pub(crate) fn len(&self) -> u64 {
        // Relaxed: a report, or a hint.
        let came = self.came.load(Ordering::Relaxed);
        (self.went.load(Ordering::Relaxed).wrapping_sub(came) as i64).max(0) as u64
    }

    /// How many pages went, ever.
    pub(crate) fn went(&self) -> u64 {
        // Acquire: pairs with the Release of `insert`, for a reading of all counters.
        self.went.load(Ordering::Acquire)
    }

    /// How many came back, ever.
    pub(crate) fn came(&self) -> u64 {
        // Acquire: what is looked at next comes after it.
        self.came.load(Ordering::Acquire)
    }

    /// How many of the first `pages` pages, which are all, are offline, counted bit by bit.
    pub(crate) fn count(&self, pages: usize) -> u64 {
        count_clear(&self.words, pages) as u64
    }

    /// Makes the figure that of the bits. The caller is alone.
    pub(crate) fn recount(&self, pages: usize) {
        // Relaxed: the caller is alone.
        self.went.store(self.count(pages), Ordering::Relaxed);
        self.came.store(0, Ordering::Relaxed);
    }

    /// Whether a page is offline.
    pub(crate) fn has(&self, id: PageId) -> bool {
        let index = id.index() as usize;
        // Relaxed: whoever has the page got it from the zone, whose word has brought the set bit.
        let word =
            self.words.get(index / BITS).map_or(u64::MAX, |word| word.load(Ordering::Relaxed));
        word >> (index % BITS) & 1 == 0
    }

    /// The first of `count` pages from `first` on that is not offline, if there is one.
    pub(crate) fn first_online(&self, first: PageId, count: usize) -> Option<PageId> {
        words_of(first, count).find_map(|(index, mask)| {
            // Relaxed: a look.
            let online = mask & self.words[index].load(Ordering::Relaxed);
            (online != 0).then(|| page_of(index, online))
        })
    }

    /// The first of `count` pages from `first` on that is offline, if there is one.
    pub(crate) fn first(&self, first: PageId, count: usize) -> Option<PageId> {
        let pages = first.index()..first.index() + count as u32;
        pages.map(PageId::new).find(|&id| self.has(id))
    }

    /// Adds a page, which the caller has just taken out of the zone.
    pub(crate) fn insert(&self, id: PageId) {
        let index = id.index() as usize;
        let bit = 1 << (index % BITS);
        // Release: pairs with the Acquire of `remove`, which hands on what was done to the page.
        self.words[index / BITS].fetch_and(!bit, ordering!(Release, "offline-publish"));
        // Release: pairs with the Acquire in `went`.
        self.went.fetch_add(1, Ordering::Release);
    }

    /// Takes out `count` pages from `first` on, for whoever puts them into the zone: all of them,
    /// or none if one is not offline, which is named.
    pub(crate) fn remove(&self, first: PageId, count: usize) -> Result<(), PageId> {
        // The look first takes nothing where something is wrong, unless somebody is quicker.
        self.first_online(first, count).map_or(Ok(()), Err)?;
        self.take_out(first, count)
    }

    /// As [`Self::remove`], of pages that were all offline when the caller looked.
    fn take_out(&self, first: PageId, count: usize) -> Result<(), PageId> {
        for (index, mask) in words_of(first, count) {
            // Acquire: pairs with the Release of `insert`. Of two that take out a page one gets it.
            let had = mask & !self.words[index].fetch_or(mask, ordering!(Acquire, "online-order"));
            if had != mask {
                let before = (index * BITS).saturating_sub(first.index() as usize);
                self.put_back(index, had);
                words_of(first, before).for_each(|(index, mask)| self.put_back(index, mask));
                return Err(page_of(index, mask & !had));
            }
        }
        // Relaxed: whoever puts the pages into the zone publishes it.
        self.came.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Pages that were taken out a moment ago are offline after all.
    fn put_back(&self, index: usize, bits: u64) {
        // Release: as in `insert`.
        self.words[index].fetch_and(!bits, Ordering::Release);
    }
}

/// The lowest page of some bits of a word.
fn page_of(index: usize, bits: u64) -> PageId {
    PageId::new((index * BITS) as u32 + bits.trailing_zeros())
}

#[cfg(test)]
mod tests;
