//! Words that a call has changed, gathered so that a summary word is touched once for all of them.

use super::{BITS, Fresh, Zone};

/// Words from which pages were taken: those made empty, those that were fresh, and those of whole areas.
pub(super) struct Emptied<'a> {
    zone: &'a Zone,
    word: usize,
    used: u64,
    fresh: u64,
    /// The words of areas that are not whole any more, where nobody goes on to take the rest.
    broken: u64,
    breaks: bool,
    /// Of the pages that were taken last, those known to be zero.
    pub(super) zero: u64,
}

impl<'a> Emptied<'a> {
    pub(super) fn new(zone: &'a Zone) -> Self {
        Emptied { zone, word: 0, used: 0, fresh: 0, broken: 0, breaks: false, zero: 0 }
    }

    /// For a call that takes pages out of the midst of areas, and leaves the rest alone.
    pub(super) fn breaking(zone: &'a Zone) -> Self {
        Emptied { breaks: true, ..Self::new(zone) }
    }

    /// Pages were taken from a word, which may be empty now.
    ///
    /// The look at the fresh bit may see an old value. If it says that the word is fresh, the bit is cleared and the
    /// word looked at again: at worst it counts as used. If it says that it is not, a search clears the bit once the
    /// word is empty.
    pub(super) fn note(&mut self, index: usize, empty: bool) {
        if self.word != index / BITS {
            self.apply();
            self.word = index / BITS;
        }
        let bit = 1 << (index % BITS);
        if self.breaks {
            self.broken |= self.zone.area_bits(index);
        }
        if self.zone.is_fresh(index) {
            self.fresh |= bit;
        } else if empty {
            self.used |= bit;
        }
    }

    fn apply(&mut self) {
        let used = core::mem::take(&mut self.used);
        let broken = core::mem::take(&mut self.broken);
        if used | broken != 0 {
            self.zone.clear_told(self.word, used, broken);
        }
        let fresh = core::mem::take(&mut self.fresh);
        if fresh != 0 {
            self.zone.clear::<Fresh>(1, self.word, fresh);
        }
    }
}

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        self.apply();
    }
}

/// Words made non-empty, by pages that came back, and those made whole: all of them are used.
pub(super) struct Filled<'a> {
    zone: &'a Zone,
    word: usize,
    bits: u64,
    whole: u64,
}

impl<'a> Filled<'a> {
    pub(super) fn new(zone: &'a Zone) -> Self {
        Filled { zone, word: 0, bits: 0, whole: 0 }
    }

    /// Pages came to a word that had the free pages `old`.
    pub(super) fn note(&mut self, index: usize, old: u64, bits: u64) {
        let whole = old | bits == self.zone.all(index);
        if old != 0 && !whole {
            return;
        }
        if self.word != index / BITS {
            self.apply();
            self.word = index / BITS;
        }
        let bit = 1 << (index % BITS);
        self.bits |= if old == 0 { bit } else { 0 };
        self.whole |= if whole { bit } else { 0 };
    }

    fn apply(&mut self) {
        let bits = core::mem::take(&mut self.bits);
        let whole = core::mem::take(&mut self.whole);
        if bits | whole != 0 {
            self.zone.set_told(self.word, bits, whole);
        }
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        self.apply();
    }
}
