//! Exchanges with the depots.

use super::Core;
use crate::depot::Stack;
use crate::magazine::MagazineMut;
use crate::mode::Mode;

impl<M: Mode> Core<M> {
    /// Exchanges a magazine for one of this stack, verified: at the depot `home`, or else at another. Says
    /// whether there was one.
    #[inline(always)]
    pub(super) fn exchange(&self, mut magazine: MagazineMut<'_>, home: u32, from: Stack) -> bool {
        let depot = self.depots.at(home);
        let tables = &self.magazines;
        let exchanged = magazine
            .exchange::<M>(tables, |give, len| depot.exchange::<M>(tables, give, len, from))
            || self.exchange_elsewhere(magazine.reborrow(), home, from);
        if exchanged {
            self.verify_loaded(magazine);
        }
        exchanged
    }

    /// Opens the magazine again, so that the first attempt keeps no registers for this one.
    #[cold]
    #[inline(never)]
    fn exchange_elsewhere(&self, mut magazine: MagazineMut<'_>, home: u32, from: Stack) -> bool {
        magazine.exchange::<M>(&self.magazines, |give, len| {
            self.depots.exchange_elsewhere::<M>(home, &self.magazines, give, len, from)
        })
    }
}
