//! How many references a page has: a table of counts, beside the words.
//!
//! Invariant: a page that nobody retained has the count 1, free or out, and a page that was retained has its `shared`
//! mark until its last holder frees it. So where there are words the count is looked at only if the mark is there. It
//! moves by compare-and-swaps, which continue what a decrement released. In memory its lowest bit is flipped: zero is
//! one reference, so a page that was never retained needs no count to be written.

use super::Fault;
use super::state::{AtomicPageState, SATURATED};
use crate::sync::{Atomic, Ordering, defect, ordering, zeroed};

/// What [`References::release`], or [`References::release_many`], found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    /// Others still hold the page.
    Shared,
    /// The caller is the last: it is now the page's sole owner.
    Last,
    /// The count has stuck: nobody will free the page.
    Saturated,
    /// There are fewer references than were to be given up, so none was. Of many only: who gives up one has it.
    Fewer(u32),
}

/// The count of one page, as [`flipped`].
#[repr(transparent)]
pub(crate) struct AtomicCount(Atomic<u32>);

// The count of a page that nobody retained.
zeroed!(AtomicCount(0));

/// What a count is in memory; and what is in memory, as a count.
const fn flipped(count: u32) -> u32 {
    count ^ AtomicCount::ONE
}

impl AtomicCount {
    /// The count of a page that nobody retained.
    pub(crate) const ONE: u32 = 1;

    /// How many references there are, as of some moment. Acquire: whoever sees the count at one sees what the other
    /// holders did. Pairs with the Release of `release`.
    #[inline(always)]
    pub(crate) fn load(&self) -> u32 {
        flipped(self.0.load(ordering!(Acquire, "sole-owner")))
    }

    /// **retain**: the caller, who holds a reference, adds `n`; `Err` when the count has stuck.
    ///
    /// A compare-and-swap, so that the count can be exact at its limit. Relaxed, as in `Arc`: a new reference is made
    /// from one that already orders the page's contents.
    fn retain(&self, n: u32) -> Result<(), Fault> {
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            let new = flipped(current).saturating_add(n).min(SATURATED);
            let (relaxed, word) = (Ordering::Relaxed, &self.0);
            match word.compare_exchange_weak(current, flipped(new), relaxed, relaxed) {
                _ if defect!("retain-step") => {
                    word.store(flipped(new), relaxed);
                    return Ok(());
                }
                Ok(_) if new == SATURATED => return Err(Fault::Saturated),
                Ok(_) => return Ok(()),
                Err(_) if defect!("retain") => return Ok(()),
                Err(changed) => current = changed,
            }
        }
    }

    /// **release**: the caller gives up one reference.
    ///
    /// The Acquire load that sees one reference pairs with the Release decrement of every other holder. The count
    /// never goes below one: the last holder becomes the sole owner instead, because only an owner can retain.
    fn release(&self) -> Released {
        let mut current = self.0.load(Ordering::Acquire);
        loop {
            match flipped(current) {
                0 | 1 => return Released::Last,
                SATURATED.. => return Released::Saturated,
                references => {
                    let (release, word) = (ordering!(Release, "release"), &self.0);
                    match word.compare_exchange_weak(
                        current,
                        flipped(references - 1),
                        release,
                        Ordering::Acquire,
                    ) {
                        Ok(_) => return Released::Shared,
                        Err(changed) => current = changed,
                    }
                }
            }
        }
    }

    /// **release_many**: the caller gives up `n` references, at least one, in one step.
    ///
    /// As `release`, whose orderings these are: who gives up all that there are becomes the sole owner, and leaves
    /// the count at one.
    fn release_many(&self, n: u32) -> Released {
        let mut current = self.0.load(Ordering::Acquire);
        loop {
            let references = flipped(current);
            if references >= SATURATED {
                return Released::Saturated;
            }
            let Some(left) = references.checked_sub(n) else { return Released::Fewer(references) };
            let new = flipped(left.max(Self::ONE));
            let (release, word) = (ordering!(Release, "release-many"), &self.0);
            if defect!("release-step") {
                word.store(new, release);
                return if left == 0 { Released::Last } else { Released::Shared };
            }
            match word.compare_exchange_weak(current, new, release, Ordering::Acquire) {
                Ok(_) if left == 0 => return Released::Last,
                Ok(_) => return Released::Shared,
                Err(changed) => current = changed,
            }
        }
    }

    /// Sets the count to one, whatever it was: the elevated free's promise that nobody else uses theirs. Returns what
    /// it was. Acquire: pairs with the Release of holders that did let go.
    fn forget(&self) -> u32 {
        flipped(self.0.swap(flipped(Self::ONE), Ordering::Acquire))
    }

    /// The page is nobody's any more; the caller is alone.
    pub(crate) fn reset(&self) {
        self.0.store(flipped(Self::ONE), Ordering::Relaxed);
    }
}

/// The references of one page, in a mode that counts.
#[derive(Clone, Copy)]
pub(crate) struct References<'a> {
    word: Option<&'a AtomicPageState>,
    count: &'a AtomicCount,
}

impl<'a> References<'a> {
    /// Of a page with this count and, where pages have one, this word.
    #[inline(always)]
    pub(crate) fn new(word: Option<&'a AtomicPageState>, count: &'a AtomicCount) -> Self {
        References { word, count }
    }

    /// How many there are, as of some moment, for somebody who has one.
    ///
    /// Without the mark nobody else has had the page since it was allocated: whoever retains makes the mark first, and
    /// a new holder comes after that.
    #[inline]
    pub(crate) fn load(self) -> u32 {
        match self.word {
            Some(word) if !word.load().is_shared() => AtomicCount::ONE,
            _ => self.count.load(),
        }
    }

    /// **retain**: the caller, who holds a reference, adds `n`; `Err` when the count has stuck.
    pub(crate) fn retain(self, claims: bool, n: u32) -> Result<(), Fault> {
        if let Some(word) = self.word {
            word.share(claims);
        }
        self.count.retain(n)
    }

    /// **release**: the caller gives up one reference. The last one is told to free the page, and finds it as
    /// if it had never been shared.
    ///
    /// Not with CLAIM: there the count alone counts, and the mark stays. A second free of the page may be on its
    /// way, which one compare-and-swap of the free's decides.
    pub(crate) fn release(self, claims: bool) -> Released {
        let word = match self.word {
            Some(word) if !claims => word,
            _ => return self.count.release(),
        };
        let state = word.load();
        if !state.is_shared() {
            return Released::Last;
        }
        let released = self.count.release();
        if released == Released::Last {
            word.unshare(state);
        }
        released
    }

    /// **release_many**: the caller gives up `n` references, at least one; as [`Self::release`].
    pub(crate) fn release_many(self, claims: bool, n: u32) -> Released {
        let word = match self.word {
            Some(word) if !claims => word,
            _ => return self.count.release_many(n),
        };
        let state = word.load();
        if !state.is_shared() {
            return if n == 1 { Released::Last } else { Released::Fewer(AtomicCount::ONE) };
        }
        let released = self.count.release_many(n);
        if released == Released::Last {
            word.unshare(state);
        }
        released
    }

    /// Sets the count to one, whatever it was: the elevated free's promise that nobody else uses theirs.
    pub(crate) fn forget(self) -> u32 {
        match self.word {
            Some(word) if !word.load().is_shared() => AtomicCount::ONE,
            _ => self.count.forget(),
        }
    }
}

#[cfg(test)]
mod tests;
