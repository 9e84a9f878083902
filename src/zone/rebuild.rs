//! Making a zone's summary and its free count anew, from the bits of its pages.
//!
//! Invariant: the bits of the pages are the truth. A thread that stopped in the middle of a call leaves
//! each word whole, but may not have touched the summary yet, or the count.

use super::{BITS, Zone};
use crate::sync::Ordering;

impl Zone {
    /// Recomputes every summary word and the free count. The caller is alone: a page that came or left
    /// meanwhile could be missed.
    pub(crate) fn rebuild(&self) {
        for level in 1..=self.top {
            let below = self.level(level - 1).chunks(BITS);
            for (word, children) in self.level(level).iter().zip(below) {
                let bits = children.iter().enumerate().fold(0, |bits, (bit, child)| {
                    // Relaxed: the caller is alone, here and below.
                    bits | u64::from(child.load(Ordering::Relaxed) != 0) << bit
                });
                word.store(bits, Ordering::Relaxed);
            }
        }
        self.free.store(self.count() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
