//! The depots of a pool: a power of two of them, so that threads do not all meet at one word.
//!
//! Invariant: a magazine is on one stack of one depot, in a slot, or in one call's hands. An exchange is
//! one compare-and-swap of one depot's word, also where that is not the slot's own, so a magazine is never
//! between two words. The number of magazines that a depot has does not change but by calls in flight.

use super::{Depot, Stack};
use crate::magazine::{Magazine, Magazines};
use crate::metadata::{MetadataSlice, Padded};
use crate::mode::Mode;
use crate::sync::defect;

/// The most depots of a pool.
pub(crate) const DEPOTS_MAX: usize = 32;

/// The depots of a pool. Each slot has one as its *home*, where it looks first.
pub(crate) struct Depots(MetadataSlice<Padded<Depot>>);

impl Depots {
    /// These depots: a power of two of them.
    pub(crate) fn new(depots: MetadataSlice<Padded<Depot>>) -> Self {
        debug_assert!(depots.len().is_power_of_two());
        Depots(depots)
    }

    /// The home of what has this number: slots that follow one another have different ones.
    pub(crate) fn home(&self, number: usize) -> u32 {
        (number & (self.0.len() - 1)) as u32
    }

    /// The depot `home`.
    #[inline(always)]
    pub(crate) fn at(&self, home: u32) -> &Depot {
        &self.0[home as usize]
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Depot> + Clone {
        self.0.iter().map(|depot| &depot.0)
    }

    /// All of them but `home`, the farthest first. At each step those who come from different homes go to
    /// different depots; and where few slots are in use, their neighbours are the last to be disturbed.
    fn elsewhere(&self, home: u32) -> impl Iterator<Item = &Depot> {
        let unused = 32 - self.0.len().trailing_zeros();
        let far = move |step: u32| home ^ (u64::from(step.reverse_bits()) >> unused) as u32;
        (1..self.0.len() as u32).map(move |step| &*self.0[far(step) as usize])
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
        give: Magazine,
        len: u32,
        from: Stack,
    ) -> Result<Magazine, Magazine> {
        if defect!("steal-none") {
            return Err(give);
        }
        self.elsewhere(home)
            .try_fold(give, |give, depot| match depot.exchange::<M>(magazines, give, len, from) {
                Ok(got) => Err(got),
                Err(give) => Ok(give),
            })
            .map_or_else(Ok, Err)
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
        &self.0[0]
    }
}
