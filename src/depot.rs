//! A depot: two stacks of magazines, non-empty and empty, in one word. A pool has several ([`Depots`]).
//!
//! Invariant: the word is `tag:32 | nonempty:16 | empty:16`. Every change is one compare-and-swap that
//! raises the tag, so a link read from a magazine that has moved meanwhile is not used: not unless the
//! thread that read it stood still while the word changed exactly 2³² times (about a minute of one busy
//! core), or a multiple of that. A cache that exchanges a magazine of one kind for one of the other needs
//! one compare-and-swap.

pub(crate) mod fenced;
mod group;
#[cfg(test)]
mod tests;

pub(crate) use crate::sync::DEPOTS_MAX;
pub(crate) use group::Depots;

use crate::magazine::{Link, MAGAZINE_MAX, Magazine, Magazines};
use crate::mode::{Checked, Mode};
use crate::page::LOCATIONS;
use crate::sync::{Atomic, Ordering, TAG_BITS, defect, ordering};

/// The most magazines that the word can name.
pub(crate) const DEPOT_MAX: usize = 0xffff;

const _: () = assert!(
    (DEPOT_MAX + 1) * MAGAZINE_MAX.next_power_of_two() <= LOCATIONS,
    "a page's word has room for every entry of every magazine"
);

/// A side of the depot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// Magazines with at least one id.
    Nonempty = 16,
    /// Magazines without any.
    Empty = 0,
}

impl Stack {
    const fn other(self) -> Self {
        match self {
            Stack::Nonempty => Stack::Empty,
            Stack::Empty => Stack::Nonempty,
        }
    }

    /// What kind of stack the link of a magazine says that it lies on.
    const fn kind(self) -> u32 {
        match self {
            Stack::Nonempty => 2,
            Stack::Empty => 1,
        }
    }
}

#[derive(Clone, Copy)]
struct Tops(u64);

impl Tops {
    fn top(self, stack: Stack) -> u32 {
        (self.0 >> stack as u32) as u32 & 0xffff
    }

    fn with(self, stack: Stack, top: u32) -> Self {
        Tops(self.0 & !(0xffff << stack as u32) | u64::from(top) << stack as u32)
    }

    fn retagged(self) -> Self {
        // The bits of the tag that count.
        let bits = if defect!("depot-tag") { 0 } else { TAG_BITS };
        let tag = ((self.0 >> 32) as u32).wrapping_add(1) & bits;
        Tops(self.0 & 0xffff_ffff | u64::from(tag) << 32)
    }
}

/// Magazines that are in no slot.
pub(crate) struct Depot {
    pub(crate) tops: Atomic<u64>,
    /// How often a stack was cut because its top could not be so: checking modes only.
    cuts: Atomic<u64>,
    /// Which of a pool's depots it is, as its links say it.
    bits: u32,
}

/// What a step wants.
enum Step {
    /// To change the word, and to have the magazine with this number.
    Take(Tops, u32),
    /// To change the word, and to have nothing.
    Give(Tops),
    /// To cut off a stack whose top cannot be so.
    Cut(Tops),
    /// Nothing.
    Stop,
}

impl Depot {
    /// The depot with this number, of these empty magazines.
    pub(crate) fn new(
        number: usize,
        magazines: &Magazines,
        empty: impl Iterator<Item = Magazine>,
    ) -> Self {
        let depot = Depot { bits: Link::depot_bits(number as u32), ..Self::without_magazines() };
        let mut top = 0;
        for magazine in empty {
            let link = Link::new(depot.mark::<Checked>(Stack::Empty), 0, top);
            magazines.set_link(&magazine, link);
            top = magazine.into_number();
        }
        Depot { tops: Atomic::new(Tops(0).with(Stack::Empty, top).0), ..depot }
    }

    /// A depot without a magazine.
    pub(crate) fn without_magazines() -> Self {
        Depot { tops: Atomic::new(0), cuts: Atomic::new(0), bits: 0 }
    }

    /// What the links of magazines on a stack say: where nobody checks, which kind of stack it is.
    #[inline(always)]
    fn mark<M: Mode>(&self, stack: Stack) -> u32 {
        let bits = if M::CHECKS && !defect!("depot-foreign") { self.bits } else { 0 };
        Link::mark_of(stack.kind(), bits)
    }

    /// Whether a stack has a magazine, as of about now.
    pub(crate) fn has(&self, stack: Stack) -> bool {
        self.top(stack) != 0
    }

    /// How often a stack was cut off because its top was corrupt. What was on it is lost.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }

    /// Gives a magazine of `len` ids for one from the other stack, or gets it back if that has none.
    ///
    /// The magazine goes where it belongs: give an empty one to get a non-empty one, and the reverse.
    pub(crate) fn exchange<M: Mode>(
        &self,
        magazines: &Magazines,
        give: Magazine,
        len: u32,
        from: Stack,
    ) -> Result<Magazine, Magazine> {
        let to = from.other();
        let got = self.update(|tops| {
            self.take_top::<M>(magazines, tops, from, |rest| {
                let below = if defect!("steal-link") { 0 } else { tops.top(to) };
                magazines.set_link(&give, Link::new(self.mark::<M>(to), len, below));
                rest.with(to, give.number())
            })
        });
        match got {
            Some(number) => {
                // Its value is now the number on the stack.
                give.into_number();
                Ok(taken::<M>(magazines, number))
            }
            None => {
                if M::CHECKS {
                    magazines.set_link(&give, Link::NONE);
                }
                Err(give)
            }
        }
    }

    /// Takes a magazine.
    pub(crate) fn pop<M: Mode>(&self, magazines: &Magazines, from: Stack) -> Option<Magazine> {
        let number = self.update(|tops| self.take_top::<M>(magazines, tops, from, |rest| rest))?;
        Some(taken::<M>(magazines, number))
    }

    /// Gives a magazine of `len` ids back.
    pub(crate) fn push(&self, magazines: &Magazines, give: Magazine, len: u32, to: Stack) {
        self.update(|tops| {
            magazines.set_link(&give, Link::new(self.mark::<Checked>(to), len, tops.top(to)));
            Step::Give(tops.with(to, give.number()))
        });
    }

    /// How many ids the next magazine of a stack holds, as of about now: 0 where there is none.
    pub(crate) fn next_len(&self, magazines: &Magazines, from: Stack) -> usize {
        let top = self.top(from);
        if (1..magazines.count()).contains(&top) { magazines.len(top) as usize } else { 0 }
    }

    /// The magazine on top of a stack, or 0, as of about now.
    pub(crate) fn top(&self, stack: Stack) -> u32 {
        // Relaxed: a look.
        Tops(self.tops.load(Ordering::Relaxed)).top(stack)
    }

    /// Takes all magazines off both stacks, without looking at them: nobody has their values any
    /// more.
    pub(crate) fn forget(&self) {
        self.update(|tops| Step::Give(tops.with(Stack::Nonempty, 0).with(Stack::Empty, 0)));
    }

    /// The step that takes the top of a stack, and does `also` to what is left.
    ///
    /// In checking modes a top that is not there, because the word or a link was corrupted, is cut off, with
    /// whatever is below it.
    fn take_top<M: Mode>(
        &self,
        magazines: &Magazines,
        tops: Tops,
        from: Stack,
        also: impl FnOnce(Tops) -> Tops,
    ) -> Step {
        let top = tops.top(from);
        if top == 0 {
            return Step::Stop;
        }
        if M::CHECKS && top >= magazines.count() {
            return Step::Cut(tops.with(from, 0));
        }
        let link = magazines.link(top);
        if M::CHECKS && link.mark() != self.mark::<M>(from) {
            return Step::Cut(tops.with(from, 0));
        }
        Step::Take(also(tops.with(from, link.below())), top)
    }

    fn update(&self, step: impl Fn(Tops) -> Step) -> Option<u32> {
        // Acquire: the links of the magazines on the stacks were published by the Release below.
        let mut old = Tops(self.tops.load(Ordering::Acquire));
        loop {
            let step = step(old);
            let (Step::Take(new, _) | Step::Give(new) | Step::Cut(new)) = step else {
                return None;
            };
            if defect!("depot-cut") && matches!(step, Step::Cut(_)) {
                return self.outcome(step);
            }
            // Release publishes the contents of the magazine given; Acquire receives those of the one taken.
            match self.tops.compare_exchange_weak(
                old.0,
                new.retagged().0,
                ordering!(AcqRel, "depot-publish"),
                Ordering::Acquire,
            ) {
                Ok(_) => return self.outcome(step),
                Err(current) => old = Tops(current),
            }
        }
    }

    /// What came of a step that was done.
    fn outcome(&self, step: Step) -> Option<u32> {
        match step {
            Step::Take(_, number) => return Some(number),
            Step::Cut(_) => _ = self.cuts.fetch_add(1, Ordering::Relaxed),
            Step::Give(_) | Step::Stop => {}
        }
        None
    }
}

/// The magazine with a number that was just taken off a stack.
fn taken<M: Mode>(magazines: &Magazines, number: u32) -> Magazine {
    // SAFETY: one compare-and-swap took the number off its stack, where the owner's value had become it.
    let magazine = unsafe { Magazine::from_number(number) };
    if M::CHECKS {
        // The length stays, for whoever loads the magazine.
        magazines.set_link(&magazine, magazines.link(number).off_stack());
    }
    magazine
}
