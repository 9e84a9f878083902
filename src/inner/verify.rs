//! What is verified of pages that leave or move, and of magazines that come from the depot. Frees look at their
//! pages' words in `push`, `run` and `free`.
//!
//! Invariant: if the core has a page for itself and finds its word, its contents or its id to be impossible, the
//! page is withheld: counted as bad, its word says so if the id is in range, and it is not handed out again.
//! Without CLAIM an allocation from a magazine does not look at words.

use super::{Core, Faults, Tables};
use crate::magazine::MagazineMut;
use crate::mode::{Mode, Policy};
use crate::page::{Fault, Location, PageId, PageState, ZONE};
use crate::sync::Ordering;

impl Tables {
    /// Whether the location that a page's word names still holds it.
    pub(crate) fn is_member(&self, location: Location, id: PageId) -> bool {
        if location == ZONE {
            self.zone.holds(id)
        } else {
            self.magazines.lookup().holds(location, id)
        }
    }

    /// Whether a page was withheld for good.
    pub(crate) fn is_withheld(&self, id: PageId) -> bool {
        self.words.get(id.index() as usize).is_some_and(|word| word.withheld().is_some())
    }

    /// Whether a page's word says that it rests here.
    pub(super) fn rests_at(&self, id: PageId, location: Location) -> bool {
        let word = self.words.get(id.index() as usize);
        word.is_some_and(|word| word.load() == PageState::resting(location))
    }
}

impl<M: Mode> Core<M> {
    /// In checking modes: if the page's word says that it rests at `from`, notes that it moves to `to`; else
    /// withholds the page and returns false. The caller has the page for itself.
    #[inline]
    pub(super) fn verify_move(&self, id: PageId, from: Location, to: Location) -> bool {
        if M::CHECKS {
            let Some(word) = self.words.get(id.index() as usize) else {
                self.count_bad();
                return false;
            };
            if word.load() != PageState::resting(from) {
                self.withhold(id, Fault::Corrupt);
                return false;
            }
            word.rest(to);
        }
        true
    }

    /// Whether a page may leave the location that it was taken from; if not, it is withheld. The caller has it for
    /// itself. With CLAIM its word is claimed, with POISON its bytes are compared, if it is marked as poisoned:
    /// such pages are added to `looked`.
    #[inline]
    pub(super) fn verify_on_alloc(&self, id: PageId, location: Location, looked: &mut u64) -> bool {
        if !M::VERIFIES_ON_ALLOC {
            return true;
        }
        let Some(word) = self.words.get(id.index() as usize) else {
            self.count_bad();
            return false;
        };
        let fault = if M::CLAIMS && !word.claim(location) {
            Some(Fault::Corrupt)
        } else if M::POISONS && self.take_poison_mark(id) {
            *looked += 1;
            self.changed_at(id).map(|offset| Fault::Poison { offset })
        } else {
            None
        };
        if let Some(fault) = fault {
            self.withhold(id, fault);
        }
        fault.is_none()
    }

    /// Whether a page is in range and, in checking modes, out as a single page, with any count of references.
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
        if !M::CLAIMS && self.is_member(state.location(), id) {
            return Err(Fault::AlreadyFree);
        }
        Ok(())
    }

    /// Where pages are counted but not checked: splits ids into runs of pages with one reference, and adds the
    /// others to `faults`. Calls `good` with each run, which may be empty, and where it starts.
    pub(crate) fn sole_runs<'a>(
        &self,
        ids: &'a [PageId],
        faults: &mut Faults,
        mut good: impl FnMut(usize, &'a [PageId], &mut Faults),
    ) {
        let mut start = 0;
        for (position, &id) in ids.iter().enumerate() {
            let fault = match self.words.get(id.index() as usize) {
                None => Fault::OutOfRange,
                // One load, which is Acquire: it pairs with the Release of the holders that let go.
                Some(word) => match word.load() {
                    state if state.references() == 1 => continue,
                    state => state.fault(),
                },
            };
            faults.add(id, position, fault);
            good(start, &ids[start..position], faults);
            start = position + 1;
        }
        good(start, &ids[start..], faults);
    }

    /// In checking modes, verifies a magazine that has just come from the depot: its length must be the one that
    /// its link notes, with which it was put there, and its ids must be in range. Otherwise it is repaired.
    #[inline]
    pub(super) fn verify_loaded(&self, magazine: MagazineMut<'_>) {
        if M::CHECKS {
            let noted = self.magazines.link(magazine.number()).len();
            if noted != magazine.len() || !magazine.ids_are_below(self.pages) {
                self.repair(magazine, noted);
            }
        }
    }

    /// Repairs a magazine whose head and link disagree about its length, or which has an id out of range. Below
    /// the shorter length a page stays if its word names the entry, and else counts as bad. Between the two
    /// lengths it stays only with CLAIM, where such a word proves that the page is free. Without, the page may be
    /// out: it counts as bad, for the figures to add up, but its word is left alone.
    #[cold]
    #[inline(never)]
    fn repair(&self, mut magazine: MagazineMut<'_>, noted: u32) {
        let (start, len) = (magazine.start(), magazine.len());
        let noted = noted.min(self.magazines.capacity() as u32);
        let (shorter, longer) = (len.min(noted), len.max(noted));
        let sure = start + if M::CLAIMS { longer } else { shorter };
        magazine.clear::<M>();
        let mut lost = 0;
        for from in start..start + longer {
            let id = self.magazines.get(from);
            let rests = self.rests_at(id, from);
            if rests && from < sure {
                let mut room = magazine.room(1);
                self.word(id).rest(room.location());
                // Relaxed: `commit` publishes it.
                room.entries()[0].store(id.index(), Ordering::Relaxed);
                // SAFETY: the entry was just written, with the id of a page that no other location has.
                unsafe { room.commit::<M>(1) };
            } else if rests || from < start + shorter {
                // A page that may be here and may be out; or one that was here, under another id.
                lost += 1;
            }
        }
        match lost {
            0 => self.count_corruption(),
            _ => (0..lost).for_each(|_| self.count_bad()),
        }
    }

    /// Takes a page out of circulation for good.
    #[cold]
    pub(super) fn withhold(&self, id: PageId, why: Fault) {
        self.word(id).withhold(why);
        self.count_bad();
    }
}
