//! Pages lent to devices.
//!
//! Invariant: a page is lent from when its word says so, or in modes without words from when it is counted, until one
//! call takes it back.

use super::Core;
use crate::mode::Mode;
use crate::page::{AtomicMark, Fault, Kind, Mark, PageId};

impl<M: Mode> Core<M> {
    /// Where the part of a page to use starts.
    #[inline]
    pub(crate) fn headroom(&self, id: PageId) -> usize {
        (id.index() % self.colors) as usize * 64
    }

    /// Lends a page to a device. It is not counted yet.
    pub(crate) fn lend(&self, id: PageId) -> Result<(), Fault> {
        if M::CHECKS
            && let Err(fault) = self.check_out(id)
        {
            self.tracker.refused(id);
            return Err(fault);
        }
        self.lend_new(id)
    }

    /// As [`Self::lend`], of a page that has just left: where it lay last need not be looked at.
    #[inline]
    pub(crate) fn lend_new(&self, id: PageId) -> Result<(), Fault> {
        let lent = if M::COMPACT {
            self.mark(id).and_then(AtomicMark::lend)
        } else if M::CHECKS {
            let word = self.words.get(id.index() as usize).ok_or(Fault::OutOfRange);
            word.and_then(|word| word.lend::<M>(|| self.shared_references(id)))
        } else {
            Ok(())
        };
        match lent {
            Ok(()) => self.tracker.lent(id),
            Err(_) => self.tracker.refused(id),
        }
        lent
    }

    /// Takes a page back from a device. It is not counted yet.
    #[inline]
    pub(crate) fn take_from_device(&self, id: PageId) -> Result<(), Fault> {
        if id.index() >= self.pages {
            return Err(Fault::OutOfRange);
        }
        if M::COMPACT {
            self.mark(id).and_then(AtomicMark::reclaim)?;
        } else if M::CHECKS {
            self.words[id.index() as usize].reclaim::<M>()?;
        } else if self.offline.is_kept() && self.offline.has(id) {
            return Err(Fault::Offline);
        }
        self.tracker.reclaimed(id);
        Ok(())
    }

    /// In checking modes: the pages that a device has, each as of when the iterator comes to it.
    pub(crate) fn lent_pages(&self) -> impl Iterator<Item = PageId> {
        let touched = self.zone.touched(self.pages, |_, _| false);
        touched.filter(|&id| {
            if M::COMPACT {
                self.is_marked(id, Mark::Lent)
            } else {
                self.word(id).load().kind() == Some(Kind::Lent)
            }
        })
    }
}
