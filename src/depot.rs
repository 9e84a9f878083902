//! The depot: two stacks of magazines, non-empty and empty, in one word.
//!
//! Invariant: the word is `tag:32 | stocked:16 | empty:16`. Every change is one compare-and-swap that raises the
//! tag, so a link read from a magazine that has moved meanwhile is never used. A cache that exchanges a magazine of
//! one kind for one of the other needs that one compare-and-swap only.

#[cfg(test)]
mod stacks;

use crate::magazine::{Magazine, Magazines};
use crate::sync::{Atomic, Ordering, TAG_BITS, defect, ordering};

/// The most magazines that the word can name.
pub(crate) const DEPOT_MAX: usize = 0xffff;

/// The bits of the tag that count.
const TAG: u32 = if defect!("depot-tag") { 0 } else { TAG_BITS };

/// A side of the depot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// Magazines with at least one id.
    Stocked = 16,
    /// Magazines without any.
    Empty = 0,
}

impl Stack {
    const fn other(self) -> Self {
        match self {
            Stack::Stocked => Stack::Empty,
            Stack::Empty => Stack::Stocked,
        }
    }
}

#[derive(Clone, Copy)]
struct Tops(u64);

impl Tops {
    fn top(self, stack: Stack) -> Magazine {
        (self.0 >> stack as u32) as u32 & 0xffff
    }

    fn with(self, stack: Stack, top: Magazine) -> Self {
        Tops(self.0 & !(0xffff << stack as u32) | u64::from(top) << stack as u32)
    }

    fn retagged(self) -> Self {
        let tag = ((self.0 >> 32) as u32).wrapping_add(1) & TAG;
        Tops(self.0 & 0xffff_ffff | u64::from(tag) << 32)
    }
}

/// The magazines that are in no cache.
pub(crate) struct Depot(Atomic<u64>);

impl Depot {
    /// A depot of the empty magazines `first..=last`.
    pub(crate) fn new(magazines: &Magazines, first: Magazine, last: Magazine) -> Self {
        let mut top = 0;
        for magazine in first..=last {
            magazines.link(magazine, top);
            top = magazine;
        }
        Depot(Atomic::new(Tops(0).with(Stack::Empty, top).0))
    }

    /// Gives a magazine, which the caller owns, for one from the other stack, if that has any.
    ///
    /// The caller's magazine goes where it belongs: give an empty one to get a stocked one, and the reverse.
    pub(crate) fn exchange(
        &self,
        magazines: &Magazines,
        give: Magazine,
        from: Stack,
    ) -> Option<Magazine> {
        self.update(|tops| {
            let got = tops.top(from);
            if got == 0 {
                return None;
            }
            magazines.link(give, tops.top(from.other()));
            Some((tops.with(from, magazines.below(got)).with(from.other(), give), got))
        })
    }

    /// Takes a magazine.
    pub(crate) fn pop(&self, magazines: &Magazines, from: Stack) -> Option<Magazine> {
        self.update(|tops| {
            let got = tops.top(from);
            (got != 0).then(|| (tops.with(from, magazines.below(got)), got))
        })
    }

    /// Gives a magazine back.
    pub(crate) fn push(&self, magazines: &Magazines, give: Magazine, to: Stack) {
        self.update(|tops| {
            magazines.link(give, tops.top(to));
            Some((tops.with(to, give), give))
        });
    }

    fn update(&self, step: impl Fn(Tops) -> Option<(Tops, Magazine)>) -> Option<Magazine> {
        // Acquire: the links of the magazines on the stacks were published by the Release below.
        let mut old = Tops(self.0.load(Ordering::Acquire));
        loop {
            let (new, magazine) = step(old)?;
            // Release publishes the contents of the magazine given; Acquire receives those of the one taken.
            match self.0.compare_exchange_weak(
                old.0,
                new.retagged().0,
                ordering!(AcqRel, "depot-publish"),
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(magazine),
                Err(current) => old = Tops(current),
            }
        }
    }
}
