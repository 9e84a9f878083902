//! Words that a call has changed, gathered so that a summary word is touched once for all of them.

use super::{BITS, Fresh, Used, Zone};

/// Words from which pages were taken: those made empty, and those that were fresh.
pub(super) struct Emptied<'a> {
    zone: &'a Zone,
    word: usize,
    used: u64,
    fresh: u64,
    /// Of the pages that were taken last, those known to be zero.
    pub(super) zero: u64,
}

impl<'a> Emptied<'a> {
    pub(super) fn new(zone: &'a Zone) -> Self {
        Emptied { zone, word: 0, used: 0, fresh: 0, zero: 0 }
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
        if self.zone.is_fresh(index) {
            self.fresh |= bit;
        } else if empty {
            self.used |= bit;
        }
    }

    fn apply(&mut self) {
        let used = core::mem::take(&mut self.used);
        if used != 0 {
            self.zone.clear::<Used>(1, self.word, used);
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

/// Words made non-empty, by pages that came back: they are used.
pub(super) struct Filled<'a> {
    zone: &'a Zone,
    word: usize,
    bits: u64,
}

impl<'a> Filled<'a> {
    pub(super) fn new(zone: &'a Zone) -> Self {
        Filled { zone, word: 0, bits: 0 }
    }

    pub(super) fn note(&mut self, index: usize) {
        if self.word != index / BITS {
            self.apply();
            self.word = index / BITS;
        }
        self.bits |= 1 << (index % BITS);
    }

    fn apply(&mut self) {
        let bits = core::mem::take(&mut self.bits);
        if bits != 0 {
            self.zone.set::<Used>(1, self.word, bits);
        }
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        self.apply();
    }
}
