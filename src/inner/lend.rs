//! Pages lent to devices, and pages that several hold.

use super::{Core, Faults};
use crate::error::Fault;
use crate::mode::Mode;
use crate::page::PageId;

impl<M: Mode> Core<M> {
    /// Where the part of a page to use starts.
    #[inline]
    pub(crate) fn headroom(&self, id: PageId) -> usize {
        (id.index() % self.colours) as usize * 64
    }

    /// Lends a page to a device. What was wrong, if anything.
    pub(crate) fn hand_over(&self, id: PageId) -> Option<Fault> {
        if !M::CHECKS {
            return None;
        }
        self.check_out(id).and_then(|()| self.word(id).lend::<M>()).err()
    }

    /// Takes a page back from a device.
    pub(crate) fn take_back(&self, id: PageId, position: usize, faults: &mut Faults) -> bool {
        let back = if id.index() >= self.pages {
            Err(Fault::OutOfRange)
        } else if M::CHECKS {
            self.word(id).reclaim::<M>()
        } else {
            Ok(())
        };
        if let Err(fault) = back {
            faults.add(id, position, fault);
        }
        back.is_ok()
    }

    /// Whether a page is one that a call may retain or release: in range, and out as a single page.
    pub(crate) fn check_out(&self, id: PageId) -> Result<(), Fault> {
        let Some(word) = self.words.get(id.index() as usize) else {
            return Err(Fault::OutOfRange);
        };
        if !M::CHECKS {
            return Ok(());
        }
        let state = word.load();
        if !state.is_single::<M>() {
            return Err(state.fault());
        }
        if !M::HARDENED && self.is_member(state.place(), id) {
            return Err(Fault::AlreadyFree);
        }
        Ok(())
    }
}
