//! Areas of which all pages are free: they are taken last, so that huge pages and large blocks stay whole.
//!
//! Invariant: a page is in a summary that tells of its word, whichever that is. Whoever moves a note takes it out of
//! one summary *and then* puts it into the other: between the two the free count tells of the page, as for any page on
//! its way. The other way round, somebody who had emptied the word could take the second note away by an old look at
//! the word, while the mover takes the first one away by a look at the second.
//!
//! Which of the two summaries it is only says what is taken first. An area is moved to `whole` by who brings its last
//! page. It stays there while a party takes it page by page: that party stays in its area until nothing is left, and
//! others are not led to where it is at work. Who takes out of its midst, a block or pages by their numbers, moves what
//! is left to `used`. The looks that decide this are relaxed: two that bring the last pages of an area in the same
//! moment may both miss it, on some processors.

use super::layout::full;
use super::{BITS, Used, Whole, Zone};
use crate::sync::{Atomic, Ordering, defect};

impl Zone {
    /// Whether whole areas are told from others: a quarantine takes pages by their age alone.
    fn sorts(&self) -> bool {
        self.habits.quarantine.is_none() && self.levels.top > 0
    }

    /// The first word of the area that has this one, and where the area ends.
    fn area_of(&self, index: usize) -> (usize, usize) {
        let first = index & !(self.habits.area - 1);
        (first, (first + self.habits.area).min(self.words.len()))
    }

    /// The bits of its area in the word of a summary that has this word's bit.
    pub(super) fn area_bits(&self, index: usize) -> u64 {
        let (first, end) = self.area_of(index);
        full(0, end - first) << (first % BITS)
    }

    /// Whether all pages of a word's area are free, as of about now.
    pub(super) fn is_whole_area(&self, index: usize) -> bool {
        let (first, end) = self.area_of(index);
        let mut words = first..end;
        // Relaxed: a hint.
        words.all(|index| self.words[index].load(Ordering::Relaxed) == !self.all(index))
    }

    /// A word of the first level of a summary, as of about now.
    fn told(&self, table: &[Atomic<u64>], word: usize) -> u64 {
        // Relaxed: a hint, here: each note is a read-modify-write.
        table.get(word).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Notes words that became non-empty, and what is whole now that all pages of the words `whole` are free. All lie
    /// in one word of a summary.
    pub(super) fn set_told(&self, word: usize, bits: u64, whole: u64) {
        let areas = self.whole_areas(word, whole);
        let used = bits & !areas;
        if used != 0 {
            self.set::<Used>(1, word, used);
        }
        if areas == 0 {
            return;
        }
        // Fresh words stay so: of them nothing is taken away. If it is said too late that one is not, it is noted.
        let fresh = !self.told(&self.fresh, word);
        let areas = areas & (!fresh | bits);
        let moved = self.told(&self.used, word) & areas;
        // What came must be noted by a write, whatever is there.
        if (bits & areas) | moved == 0 && areas & !self.told(&self.whole, word) == 0 {
            return;
        }
        let (early, lost) = (defect!("whole-order"), defect!("whole-moved"));
        if early {
            self.set::<Whole>(1, word, areas);
        }
        if moved != 0 {
            self.take_note::<Used>(word, moved);
        }
        if !early && !lost {
            self.set::<Whole>(1, word, areas);
        }
    }

    /// The bits of those areas that are whole, of all in which these words lie; none where nobody asks.
    pub(super) fn whole_areas(&self, word: usize, mut words: u64) -> u64 {
        let mut whole = 0;
        if !self.sorts() {
            return whole;
        }
        while words != 0 {
            let index = word * BITS + words.trailing_zeros() as usize;
            let area = self.area_bits(index);
            words &= !area;
            if self.is_whole_area(index) {
                whole |= area;
            }
        }
        whole
    }

    /// Clears the bits of words that became empty, in whichever summary tells of them, and those of areas that are not
    /// whole any more: see [`Self::clear`]. A bit that is missed here is stale, and a search will find it.
    pub(super) fn clear_told(&self, word: usize, emptied: u64, broken: u64) {
        let whole = self.told(&self.whole, word) & (emptied | broken);
        if whole != 0 {
            self.clear::<Whole>(1, word, whole);
        }
        let used = self.told(&self.used, word) & emptied & !whole;
        if used != 0 {
            self.clear::<Used>(1, word, used);
        }
    }
}
