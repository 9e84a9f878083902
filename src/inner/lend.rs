//! Pages lent to devices.

use super::{Core, Faults};
use crate::mode::Mode;
use crate::page::{AtomicMark, Fault, PageId};

impl<M: Mode> Core<M> {
    /// Where the part of a page to use starts.
    #[inline]
    pub(crate) fn headroom(&self, id: PageId) -> usize {
        (id.index() % self.colors) as usize * 64
    }

    /// Lends a page to a device. It is not counted yet.
    pub(crate) fn lend(&self, id: PageId) -> Result<(), Fault> {
        let lent = self.lend_untracked(id);
        match lent {
            Ok(()) => self.tracker.lent(id),
            Err(_) => self.tracker.refused(id),
        }
        lent
    }

    fn lend_untracked(&self, id: PageId) -> Result<(), Fault> {
        if !M::CHECKS {
            return Ok(());
        }
        self.check_out(id)?;
        if M::COMPACT {
            return self.mark(id)?.lend();
        }
        self.word(id).lend::<M>(|| self.shared_references(id))
    }

    /// Takes a page back from a device, and counts it.
    pub(crate) fn reclaim(&self, id: PageId, position: usize, faults: &mut Faults) -> bool {
        let back = if id.index() >= self.pages {
            Err(Fault::OutOfRange)
        } else if M::COMPACT {
            self.mark(id).and_then(AtomicMark::reclaim)
        } else if M::CHECKS {
            self.word(id).reclaim::<M>()
        } else if self.offline.has(id) {
            Err(Fault::Offline)
        } else {
            Ok(())
        };
        match back {
            Ok(()) => {
                self.tracker.reclaimed(id);
                self.count_reclaimed(1);
            }
            Err(fault) => self.refuse_call(id, position, fault, faults),
        }
        back.is_ok()
    }
}
