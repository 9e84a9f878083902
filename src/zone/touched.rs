//! Which pages somebody has had: the others need no look.
//!
//! Invariant: a group is untouched if all its pages are here, and the summary says that all its words are fresh. So
//! where the summary was corrupted, no page is hidden that is elsewhere. A word that came back from a purge with its
//! area is fresh, too.

use super::{BITS, Fresh, Zone};
use crate::page::PageId;
use crate::sync::{Atomic, Ordering};

/// Pages of a group: those that a word of the summary tells of.
const GROUP: usize = BITS * BITS;

impl Zone {
    /// The pages of all groups but those that are untouched, as of about now, of so many pages that there are. `skip`
    /// says which groups need no look either: it hears of the first page of each, and how many it has.
    pub(crate) fn touched(
        &self,
        pages: u32,
        skip: impl Fn(PageId, usize) -> bool,
    ) -> impl Iterator<Item = PageId> {
        let groups = self.words.chunks(BITS).enumerate();
        let touched = groups.filter(|&(group, words)| !self.is_untouched(group, words));
        let ids = touched.map(move |(group, words)| {
            let first = group * GROUP;
            first as u32..(first + words.len() * BITS).min(pages as usize) as u32
        });
        ids.filter(move |ids| !skip(PageId::new(ids.start), ids.len())).flatten().map(PageId::new)
    }

    /// How many pages are in groups that are untouched.
    pub(crate) fn untouched(&self) -> usize {
        let groups = self.words.chunks(BITS).enumerate();
        let untouched = groups.filter(|&(group, words)| self.is_untouched(group, words));
        untouched.map(|(_, words)| words.len() * BITS).sum()
    }

    /// Whether nobody has had a page of a group. Where the last word has fewer pages than bits, its group counts as
    /// touched.
    fn is_untouched(&self, group: usize, words: &[Atomic<u64>]) -> bool {
        // Relaxed: a report, and the words say what is here.
        let is_zero = |word: &Atomic<u64>| word.load(Ordering::Relaxed) == 0;
        let fresh = self.level::<Fresh>(1).get(group).map(|word| word.load(Ordering::Relaxed));
        // The last word of the summary has bits for no words, which say that these are not fresh.
        let some = u64::MAX >> (BITS - words.len());
        fresh.is_some_and(|fresh| fresh & some == 0) && words.iter().all(is_zero)
    }
}
