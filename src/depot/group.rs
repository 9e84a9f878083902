//! The depots of a pool: a power of two of them, so that threads do not all meet at one word.
//!
//! Invariant: a magazine is on one stack of one depot, in a slot, or in one call's hands. An exchange is
//! one compare-and-swap of one depot's word, also where that is not the slot's own, so a magazine is never
//! between two words. A depot has about as many magazines as it was given, but for those of calls in flight and those
//! that wait for a ticket, which come back to the depot of their number; `fork` and `recover` share them out anew.

use core::ops::Range;

use super::{Depot, Stack};
use crate::magazine::{Link, Magazine, Magazines};
use crate::metadata::Padded;
use crate::mode::Mode;
use crate::sync::{DEPOTS_MAX, defect};

/// The depots of a pool. Each slot has one as its *home*, where it looks first.
///
/// They lie in the core, as many as a pool can have, so that a home's number alone leads to it.
pub(crate) struct Depots {
    depots: [Padded<Depot>; DEPOTS_MAX],
    /// How many are in use: a power of two. The others have no magazine.
    count: u32,
}

const _: () = assert!(DEPOTS_MAX <= Link::DEPOTS, "a link says on which depot's stack it is");

impl Depots {
    /// So many depots (a power of two). The empty magazines with these numbers, as `magazine` makes them, are
    /// shared out: the same number for each depot, or one more.
    pub(crate) fn new(
        count: usize,
        magazines: &Magazines,
        numbers: Range<usize>,
        magazine: impl Fn(usize) -> Magazine,
    ) -> Self {
        debug_assert!(count.is_power_of_two() && count <= DEPOTS_MAX);
        let first = |depot: usize| numbers.start + depot * numbers.len() / count;
        let depots = core::array::from_fn(|at| {
            Padded(if at < count {
                Depot::new(at, magazines, (first(at)..first(at + 1)).map(&magazine))
            } else {
                Depot::without_magazines()
            })
        });
        Depots { depots, count: count as u32 }
    }

    /// The home of what has this number: slots that follow one another have different ones.
    pub(crate) fn home(&self, number: usize) -> u32 {
        number as u32 & (self.count - 1)
    }

    /// The depot `home`.
    #[inline(always)]
    pub(crate) fn at(&self, home: u32) -> &Depot {
        &self.depots[home as usize % DEPOTS_MAX]
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Depot> + Clone {
        (0..self.count).map(|home| self.at(home))
    }

    /// Has `empty` take a magazine from each depot, again and again, until it says that there was none: as many as
    /// there are in all, and no more, though others may push meanwhile.
    pub(crate) fn drain(&self, magazines: &Magazines, mut empty: impl FnMut(&Depot) -> bool) {
        let depots = self.iter().take(if defect!("drain-one") { 1 } else { usize::MAX });
        for depot in depots {
            (1..magazines.count()).all(|_| empty(depot));
        }
    }

    /// All of them but `home`, the farthest first. At each step those who come from different homes go to
    /// different depots; and where few slots are in use, their neighbours are the last to be disturbed.
    fn elsewhere(&self, home: u32) -> impl Iterator<Item = &Depot> {
        let unused = 32 - self.count.trailing_zeros();
        let far = move |step: u32| home ^ (u64::from(step.reverse_bits()) >> unused) as u32;
        (1..self.count).map(move |step| self.at(far(step)))
    }

    /// All of them, `home` first.
    pub(crate) fn from(&self, home: u32) -> impl Iterator<Item = &Depot> {
        core::iter::once(self.at(home)).chain(self.elsewhere(home))
    }

    /// Exchanges at the first depot but `home` that has a magazine to give: see [`Depot::exchange`].
    pub(crate) fn exchange_elsewhere<M: Mode>(
        &self,
        home: u32,
        magazines: &Magazines,
        mut give: Magazine,
        len: u32,
        from: Stack,
    ) -> Result<Magazine, Magazine> {
        if defect!("steal-none") {
            return Err(give);
        }
        for depot in self.elsewhere(home) {
            match depot.exchange::<M>(magazines, give, len, from) {
                Ok(got) => return Ok(got),
                Err(back) => give = back,
            }
        }
        Err(give)
    }

    /// How often a stack was cut off, in any of them: see [`Depot::cuts`].
    pub(crate) fn cuts(&self) -> u64 {
        self.iter().map(Depot::cuts).sum()
    }

    /// Takes a magazine from the first depot that has one.
    #[cfg(test)]
    pub(crate) fn pop<M: Mode>(&self, magazines: &Magazines, from: Stack) -> Option<Magazine> {
        self.iter().find_map(|depot| depot.pop::<M>(magazines, from))
    }

    /// The first.
    #[cfg(test)]
    pub(crate) fn first(&self) -> &Depot {
        self.at(0)
    }
}
