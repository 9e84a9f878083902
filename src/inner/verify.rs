//! What is verified of pages that leave or move, and of magazines that come from a depot. What is verified of a page
//! that is freed stands in the modules `push`, `run` and `free`.
//!
//! Invariant: if the core has a page for itself and finds its word, its contents or its id to be impossible, the
//! page is withheld: counted as bad, its word says so if the id is in range, and it is not handed out again. (A page
//! that may be out is counted as bad, too, and its word left alone: `repair`.) Without CLAIM or POISON, words are
//! looked at as pages move between the zone and a magazine, but not as they leave a magazine for an owner.

use super::{Core, Faults, Tables};
use crate::history::Event;
use crate::magazine::MagazineMut;
use crate::mode::{Mode, Policy};
use crate::page::{AtomicCount, AtomicPageState, Fault, Location, Mark, PageId, PageState, ZONE};
use crate::slot::SlotMut;
use crate::sync::{Ordering, defect, fetch_ahead};

/// So many pages are verified at once as they leave: whether each is marked as poisoned is a bit of one number.
pub(super) const VERIFIED_MOST: usize = 64;

/// So many pages ahead of the one that is claimed a word is prefetched: compare-and-swaps wait for one another, and
/// each would wait for its word as well.
pub(super) const CLAIMED_AHEAD: usize = 8;

/// Prefetches a page's word.
#[inline(always)]
pub(super) fn fetch_word(words: &[AtomicPageState], id: PageId) {
    if let Some(word) = words.get(id.index() as usize) {
        fetch_ahead(word);
    }
}

/// The highest bit that is set.
fn last_of(bits: u64) -> Option<usize> {
    bits.checked_ilog2().map(|bit| bit as usize)
}

impl Tables {
    /// Puts a page at `location`, if its word says that its owner may free it.
    #[inline]
    pub(super) fn try_free_word(
        &self,
        claims: bool,
        id: PageId,
        location: Location,
    ) -> Result<(), Fault> {
        let word = self.words.get(id.index() as usize).ok_or(Fault::OutOfRange)?;
        let references = || self.shared_references(id);
        word.try_free(claims, location, references, |last| self.is_member(last, id))
    }

    /// Whether the location that a page's word names still holds it. A page that is offline has not
    /// been put anywhere else since it left the zone.
    pub(crate) fn is_member(&self, location: Location, id: PageId) -> bool {
        if location == ZONE { self.rests_in_zone(id) } else { self.magazines.holds(location, id) }
    }

    /// Whether a page is in the zone, or went offline from there.
    pub(super) fn rests_in_zone(&self, id: PageId) -> bool {
        self.zone.holds(id) || self.offline.has(id)
    }
}

impl<M: Mode> Core<M> {
    /// Why a page is withheld for good, if it is. Where the mode has neither words nor bytes, nothing says so.
    pub(crate) fn withheld(&self, id: PageId) -> Option<Fault> {
        if M::COMPACT {
            return self.withheld_marked(id);
        }
        self.words.get(id.index() as usize)?.withheld()
    }

    /// Whether a page's word says that it rests here. A byte only says whether it rests anywhere.
    pub(super) fn rests_at(&self, id: PageId, location: Location) -> bool {
        if M::COMPACT {
            return self.is_marked(id, Mark::Free);
        }
        let word = self.words.get(id.index() as usize);
        word.is_some_and(|word| word.load() == PageState::resting(location))
    }

    /// Notes that a page rests here, where pages have a word. The caller has the page for itself.
    pub(super) fn rest(&self, id: PageId, location: Location) {
        if M::COMPACT {
            return self.set_mark(id, Mark::Free);
        }
        if let Some(word) = self.words.get(id.index() as usize) {
            word.rest(location);
        }
    }

    /// In checking modes: the word of a page says from now on that it rests in the zone, if its owner may free it. The
    /// caller sets its bit there.
    pub(super) fn try_free_to_zone(&self, id: PageId) -> Result<(), Fault> {
        // A page that is out keeps the word with which it left. If that names the zone, the zone's bit says whether the
        // page has left, and offline pages look as if they had.
        if self.offline.has(id) {
            return Err(Fault::Offline);
        }
        if M::COMPACT {
            let byte = self.mark(id)?;
            return if defect!("compact-late") {
                self.check_out_marked(id)
            } else {
                byte.try_free()
            };
        }
        self.try_free_word(M::CLAIMS, id, ZONE)
    }

    /// In checking modes: if the page's word says that it rests at `from`, or that it came back in doubt (`doubt`) and
    /// nobody has it, notes that it moves to `to`; else withholds the page and returns false. The caller has the page
    /// for itself.
    #[inline]
    pub(super) fn verify_move(&self, id: PageId, from: Location, to: Location) -> bool {
        if M::COMPACT {
            return self.verify_mark(id);
        }
        if M::CHECKS {
            match self.words.get(id.index() as usize) {
                Some(word) if word.load() == PageState::resting(from) => word.rest(to),
                _ => return self.verify_doubted(id, from, to),
            }
        }
        true
    }

    /// Withholds what should be the id of a page that rests somewhere, and is not.
    #[cold]
    pub(super) fn withhold_corrupt(&self, id: PageId) {
        if id.index() < self.pages {
            self.withhold(id, Fault::Corrupt);
        } else {
            self.count_bad();
        }
    }

    /// Verifies pages, at most [`VERIFIED_MOST`], that have just left locations side by side, from `first` on.
    /// Those that may not leave are withheld, and the last ones take their places. Returns how many may. The caller has
    /// them for itself. With CLAIM their words are claimed; then, with POISON, the bytes of those that are marked as
    /// poisoned are compared. How many were is added to `looked`, a figure of the statistics. `after` is the page that
    /// a next call compares, to be prefetched.
    ///
    /// Both loops go down, so the page that takes a place has been looked at.
    #[inline]
    pub(super) fn verify_on_alloc(
        &self,
        ids: &mut [PageId],
        first: Location,
        after: Option<PageId>,
        looked: &mut u64,
    ) -> usize {
        if !M::VERIFIES_ON_ALLOC {
            return ids.len();
        }
        let mut marked = if M::POISONS { self.poison_marks(ids) } else { 0 };
        if let Some(at) = last_of(marked) {
            self.prefetch(ids[at]);
        }
        // At hand: a compare-and-swap would have it loaded again for each page.
        let words = &*self.words;
        let mut n = ids.len();
        for at in (0..n).rev() {
            if M::CLAIMS
                && let Some(&soon) = ids.get(at.wrapping_sub(CLAIMED_AHEAD))
            {
                fetch_word(words, soon);
            }
            let word = words.get(ids[at].index() as usize);
            let may_leave =
                word.is_some_and(|word| !M::CLAIMS || word.claim(first + at as Location));
            if !may_leave {
                self.withhold_corrupt(ids[at]);
                n -= 1;
                ids[at] = ids[n];
                // What is marked has moved, and of what is withheld no mark may be taken.
                marked = if M::POISONS { self.poison_marks(&ids[..n]) } else { 0 };
            }
        }
        while let Some(at) = last_of(marked) {
            marked ^= 1 << at;
            if let Some(next) = last_of(marked).map(|at| ids[at]).or(after) {
                self.prefetch(next);
            }
            if self.take_poison_mark(ids[at]) {
                *looked += 1;
                if let Some(offset) = self.changed_at(ids[at]) {
                    self.withhold(ids[at], Fault::Poison { offset });
                    n -= 1;
                    ids[at] = ids[n];
                }
            }
        }
        n
    }

    /// As [`Self::verify_on_alloc`], of one page of the zone: whether it may leave.
    pub(super) fn verify_from_zone(&self, id: PageId, looked: &mut u64) -> bool {
        if M::COMPACT {
            self.mark_out(&[id]);
        }
        self.verify_on_alloc(&mut [id], ZONE, None, looked) == 1
    }

    /// Whether a page is in range and, in checking modes, out as a single page, with any count of references.
    pub(crate) fn check_out(&self, id: PageId) -> Result<(), Fault> {
        if M::COMPACT {
            return self.check_out_marked(id);
        }
        if id.index() >= self.pages {
            return Err(Fault::OutOfRange);
        }
        if !M::CHECKS {
            return Ok(());
        }
        let state = self.word(id).load();
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
            let fault = match self.counts.get(id.index() as usize).map(AtomicCount::load) {
                Some(AtomicCount::ONE) => continue,
                Some(references) => Fault::of_references(references),
                None => Fault::OutOfRange,
            };
            self.tracker.free_refused(id);
            faults.add(id, position, fault);
            good(start, &ids[start..position], faults);
            start = position + 1;
        }
        good(start, &ids[start..], faults);
    }

    /// In checking modes, verifies a magazine that has just come from a depot: its length must be the one that
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

    /// Repairs a magazine of which head and link disagree about the length, or which has an id out of range. The caller
    /// has it for itself. Below the shorter length a page stays if its word names the entry, and else counts as bad.
    /// Between the two lengths it stays only with CLAIM, where such a word proves that the page is free. Without, the
    /// page may be out: it counts as bad, for the figures to add up, but its word is left alone.
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
            // A byte does not say where its page lies.
            let rests = self.rests_at(id, from) && !(M::COMPACT && self.lies_anywhere(id));
            if rests && from < sure {
                let mut room = magazine.room(1);
                self.rest(id, room.location());
                // Relaxed: `commit` publishes it.
                room.entries()[0].store(id.index(), Ordering::Relaxed);
                // SAFETY: the entry was just written, with the id of a page that rests nowhere else: its word names
                // this entry; of a byte, every location was searched, and this magazine was cleared before.
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

    /// Withholds a page that a call has just got and counted, as if it had been found to be corrupt as it left: a plan
    /// of faults says so (`injector`).
    pub(crate) fn veto(&self, slot: Option<SlotMut<'_>>, id: PageId) {
        if M::CHECKS {
            self.withhold_corrupt(id);
        } else {
            self.tracker.end(id, Event::Withheld);
            self.count_bad();
        }
        self.forbid([id]);
        match slot {
            Some(slot) => slot.counters().freed.add(1),
            None => self.count_uncached_free(1),
        }
    }

    /// Takes a page out of circulation for good. The caller has it for itself; its id is in range.
    #[cold]
    pub(super) fn withhold(&self, id: PageId, why: Fault) {
        if M::COMPACT {
            self.set_mark(id, Mark::Bad);
        } else {
            self.word(id).withhold(why);
        }
        self.tracker.end(id, Event::Withheld);
        self.count_withheld(id, why);
    }
}

#[cfg(test)]
mod tests;
