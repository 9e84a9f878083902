//! Pages that are held while the system takes their memory back, and which pages are known to be zero.
//!
//! Invariant: `written` has a bit for each page, set when the page leaves the zone and cleared only by who holds it
//! here, after the system has taken its memory back. So a page that leaves and whose bit is clear has only zeros: what
//! was written to it before happened before it came back, and its bit was set before that. Where memory is not known to
//! be zero at first, there are no bits.

use core::ops::Range;

use super::layout::full;
use super::{BITS, Fresh, Zone, lowest, pages};
use crate::page::PageId;
use crate::sync::{Ordering, defect, ordering};

/// More than the words of an area: how a note of held words has both, the first of them and how many.
const HELD: u64 = 2 * BITS as u64;

/// Pages of the zone that the holder has for itself. Dropping it puts them back, as [`Held::put_back`] does.
pub(crate) struct Held<'a> {
    zone: &'a Zone,
    first: usize,
    /// How many words from the first on.
    words: usize,
    /// The pages of the first word, or all pages of each word.
    bits: Option<u64>,
    zeroed: bool,
}

impl Zone {
    /// How many areas there are.
    pub(crate) fn areas(&self) -> usize {
        self.words.len().div_ceil(self.habits.area)
    }

    /// How many words there are.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// How many pages are free and known to be zero.
    pub(crate) fn known_zero(&self) -> usize {
        let pairs = self.words.iter().zip(self.written.iter());
        // Relaxed: a hint.
        let zero = pairs.map(|(taken, written)| {
            !(taken.load(Ordering::Relaxed) | written.load(Ordering::Relaxed))
        });
        zero.map(|bits| bits.count_ones() as usize).sum()
    }

    /// All pages of a word.
    pub(super) fn all(&self, index: usize) -> u64 {
        full(index, self.pages)
    }

    /// Pages of a word that are free and may have been written, as of about now.
    fn worn(&self, index: usize) -> u64 {
        // Relaxed: a hint.
        let taken = self.words[index].load(Ordering::Relaxed);
        self.written.get(index).map_or(0, |it| it.load(Ordering::Relaxed) & !taken)
    }

    /// Whether anything is known of pages that are zero.
    pub(crate) fn knows_zero(&self) -> bool {
        !self.written.is_empty()
    }

    /// Notes that a page may have been written though it did not leave.
    pub(crate) fn note_written(&self, id: PageId) {
        self.mark_written(id.index() as usize / BITS, 1 << (id.index() as usize % BITS));
    }

    /// Pages leave the zone. Returns which of them are known to be zero.
    pub(super) fn mark_written(&self, index: usize, bits: u64) -> u64 {
        let Some(word) = self.written.get(index) else { return 0 };
        // Relaxed: who holds a page has what was done to it before, by the zone's word.
        let before = word.load(Ordering::Relaxed);
        if before & bits == bits || defect!("written") {
            return bits & !before;
        }
        bits & !word.fetch_or(bits, Ordering::Relaxed)
    }

    /// Holds an area of which every page is free, if some may have been written, and no more than `most`.
    pub(crate) fn hold_area(&self, area: usize, most: usize) -> Option<Held<'_>> {
        let first = area * self.habits.area;
        let end = (first + self.habits.area).min(self.words.len());
        let worn = || (first..end).map(|index| self.worn(index).count_ones() as usize).sum();
        if !self.is_whole_area(first) || !(1..=most).contains(&worn()) {
            return None;
        }
        // What is held so far goes back if another word is no longer whole.
        let mut held = Held { zone: self, first, words: 0, bits: None, zeroed: false };
        for index in first..end {
            if !self.hold(index, self.all(index)) {
                return None;
            }
            held.words += 1;
            self.note_held(first, held.words);
        }
        // They are empty now. Whoever puts them back says in which summary they belong.
        self.clear_told(first / BITS, self.area_bits(first), 0);
        Some(held)
    }

    /// So many words from this one on are held, all their pages: for the child of a fork, which has nobody that would
    /// put them back. A word is noted once it is held, and no longer before it goes back: so what is noted nobody else
    /// has.
    fn note_held(&self, first: usize, words: usize) {
        // Release: what is noted was held before. After a fork nothing else is there to pair with.
        let note = first as u64 * HELD + words as u64;
        self.counts.held.store(note, Ordering::Release);
    }

    /// Puts back what one who is gone held of an area. The caller is alone, and makes summaries and counts anew. `each`
    /// hears of the pages.
    pub(crate) fn put_back_held(&self, each: impl FnMut(PageId)) {
        // Relaxed: the caller is alone, here and below.
        let held = self.counts.held.swap(0, Ordering::Relaxed);
        let (first, count) = ((held / HELD) as usize, (held % HELD) as usize);
        let words = (first..first + count).filter(|&index| index < self.words.len());
        let ids = words.flat_map(|index| {
            let bits = self.all(index);
            self.words[index].fetch_and(!bits, Ordering::Relaxed);
            pages(index, bits)
        });
        ids.for_each(each);
    }

    /// Holds pages of a word that are free and may have been written, at most so many.
    pub(crate) fn hold_worn(&self, index: usize, most: usize) -> Option<Held<'_>> {
        let bits = lowest(self.worn(index), most);
        let held = bits != 0 && self.hold(index, bits);
        held.then(|| Held { zone: self, first: index, words: 1, bits: Some(bits), zeroed: false })
    }

    /// Takes these pages of a word, if all of them are free. They still count as free: whoever finds none looks again.
    fn hold(&self, index: usize, bits: u64) -> bool {
        let word = &self.words[index];
        let mut old = word.load(Ordering::Relaxed);
        while old & bits == 0 {
            if defect!("purge-held") {
                return true;
            }
            // Acquire: pairs with the Release of whoever put the pages here.
            match word.compare_exchange_weak(
                old,
                old | bits,
                ordering!(Acquire, "purge-take"),
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(current) => old = current,
            }
        }
        false
    }
}

impl Held<'_> {
    fn bits(&self, index: usize) -> u64 {
        self.bits.unwrap_or_else(|| self.zone.all(index))
    }

    /// Calls `f` with each run of neighbouring pages: the first, and how many. It returns which of them are zero now.
    /// Returns how many of these may not have been before.
    pub(crate) fn give_back(&mut self, mut f: impl FnMut(usize, usize) -> Range<usize>) -> usize {
        let start = self.first * BITS;
        let Some(mut bits) = self.bits else {
            // All words of an area are one run.
            let end = ((self.first + self.words) * BITS).min(self.zone.pages);
            return self.note_zero(f(start, end - start));
        };
        let mut zero = 0;
        while bits != 0 {
            let first = bits.trailing_zeros();
            let len = (bits >> first).trailing_ones();
            bits &= !((u64::MAX >> (BITS as u32 - len)) << first);
            zero += self.note_zero(f(start + first as usize, len as usize));
        }
        zero
    }

    /// Notes that these pages, which are held, are zero. Returns how many may not have been before.
    fn note_zero(&mut self, pages: Range<usize>) -> usize {
        let mut worn = 0;
        for index in pages.start / BITS..pages.end.div_ceil(BITS) {
            let bits = full(index, pages.end) & !full(index, pages.start) & self.bits(index);
            if let Some(word) = self.zone.written.get(index) {
                // Relaxed: putting the pages back publishes it.
                worn += (word.fetch_and(!bits, Ordering::Relaxed) & bits).count_ones() as usize;
            }
        }
        self.zeroed |= worn > 0;
        worn
    }
}

impl Held<'_> {
    /// Puts the pages back: an area that has no memory any more is fresh. `doubled` hears of each page that somebody
    /// freed meanwhile.
    pub(crate) fn put_back(mut self, doubled: impl FnMut(PageId)) {
        self.put(doubled);
    }

    fn put(&mut self, mut doubled: impl FnMut(PageId)) {
        let (zone, mut emptied, mut whole) = (self.zone, 0, 0);
        let words = self.first..self.first + core::mem::take(&mut self.words);
        for index in words.rev() {
            if self.bits.is_none() {
                zone.note_held(self.first, index - self.first);
            }
            let bits = self.bits(index);
            // Release: pairs with the Acquire of `take`, for which the page is zero. Acquire: as of any pages that come
            // back.
            let old = !zone.words[index].fetch_and(!bits, ordering!(AcqRel, "purge-publish"));
            let bit = 1 << (index % BITS);
            emptied |= if old == 0 { bit } else { 0 };
            whole |= if old | bits == zone.all(index) { bit } else { 0 };
            // They were counted when they were freed, too.
            zone.uncount((old & bits).count_ones() as usize);
            pages(index, old & bits).for_each(&mut doubled);
        }
        if emptied | whole == 0 {
            return;
        }
        // An area lies in one word of the summary.
        let summary = self.first / BITS;
        if self.zeroed && self.bits.is_none() {
            zone.set::<Fresh>(1, summary, emptied);
        } else {
            zone.set_told(summary, emptied, whole);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.put(|_| {});
    }
}
