//! Pages into a magazine, verified where the mode checks.
//!
//! Invariant: an id is committed only when its page has been found to be out, and its word names the entry.

use super::run::{Run, fetch_words};
use super::verify::{CLAIMED_AHEAD, fetch_word};
use super::{Core, Tables};
use crate::magazine::{EntriesFrom, MagazineMut, Room, names};
use crate::mode::{Checked, Mode, Policy};
use crate::page::{Fault, Location, PageId, PageState};
use crate::sync::Ordering;

impl<M: Mode> Core<M> {
    /// Puts pages into a magazine, as many as it has room for, verified where the mode checks, until one is
    /// bad. Returns how many were good, and what was wrong with the next.
    #[inline(always)]
    pub(super) fn push(
        &self,
        magazine: &mut MagazineMut<'_>,
        ids: &[PageId],
    ) -> (usize, Option<Fault>) {
        let room = magazine.room(ids.len());
        let ids = &ids[..room.count()];
        if M::CLAIMS {
            self.push_claimed(room, ids)
        } else if M::COMPACT {
            self.push_marked(room, ids)
        } else if M::CHECKS {
            self.push_verified(room, ids)
        } else {
            room.push_unchecked(ids);
            (ids.len(), None)
        }
    }
}

impl Tables {
    /// Puts pages into a magazine, each verified first: in range, one reference, a single page, and not free
    /// already. Stops at the first bad one. Returns how many were good, and what was wrong with the next.
    ///
    /// One body for all checking modes but those that claim, so that they cost the same. There is room for
    /// all ids.
    #[inline(always)]
    fn push_verified(&self, room: Room<'_>, ids: &[PageId]) -> (usize, Option<Fault>) {
        let mut fault = None;
        let pushed = match self.push_in_place(room, ids) {
            Ok(()) => ids.len(),
            Err((magazine, pushed)) => {
                pushed + self.push_relocated(magazine, &ids[pushed..], &mut fault)
            }
        };
        (pushed, fault)
    }

    /// Puts pages into a magazine while they come back to where they were, which those mostly do that this
    /// magazine gave out last. Otherwise returns how many did, and the magazine for the others.
    #[inline(always)]
    pub(super) fn push_in_place<'a>(
        &self,
        mut room: Room<'a>,
        ids: &[PageId],
    ) -> Result<(), (MagazineMut<'a>, usize)> {
        let (location, to) = (room.location(), room.entries());
        let run = Run { words: &self.words, ids, last: location, beside: to, to, location };
        if let Err(pushed) = run.push::<false>(|_, _| true) {
            if pushed > 0 {
                // SAFETY: as many entries have been written, and their pages were out; here and below.
                unsafe { room.commit::<Checked>(pushed) };
            }
            return Err((room.into_magazine(), pushed));
        }
        // SAFETY: as above, and the room is for these ids.
        unsafe { room.commit_all::<Checked>() };
        Ok(())
    }

    /// Puts one page that comes from elsewhere into a magazine, if it is surely out. Returns whether it did.
    ///
    /// As `put_one`, but that asks for the room's first entry before it looks, which the loop around it needs: with one
    /// body for both, two to sixteen pages a call took 2 to 5 % more.
    #[inline(never)]
    pub(super) fn push_alone(&self, mut magazine: MagazineMut<'_>, id: PageId) -> bool {
        let Some(word) = self.words.get(id.index() as usize) else { return false };
        if self.magazines.may_hold::<true>(word.load().0, id) != Some(false) {
            return false;
        }
        // After the look, which needs the registers.
        let mut room = magazine.room(1);
        let Some(to) = room.entries().first() else { return false };
        word.rest(room.location());
        // Relaxed: `commit` publishes it.
        to.store(id.index(), Ordering::Relaxed);
        // SAFETY: the entry has just been written, and its page was out.
        unsafe { room.commit::<Checked>(1) };
        true
    }

    /// Puts pages into a magazine that come from elsewhere. Returns how many, and what was wrong with the
    /// next.
    ///
    /// Pages that left a magazine together mostly come back together, so one look at a magazine serves for a
    /// run of pages. What the call has put so far must be found too, for the same page may be named twice.
    #[inline(never)]
    pub(super) fn push_relocated(
        &self,
        mut magazine: MagazineMut<'_>,
        ids: &[PageId],
        fault: &mut Option<Fault>,
    ) -> usize {
        let mut room = magazine.room(ids.len());
        fetch_words(&self.words, ids);
        let (mut pushed, mut fetched) = (0, false);
        let mut is_run = true;
        while let Some(&id) = ids.get(pushed) {
            let ids = &ids[pushed..];
            let mut good = 0;
            // Of the first pages, and behind a run, another is taken for granted.
            let last = if is_run { self.last_of(ids, 0) } else { self.start_of_run(ids) };
            if let Some(last) = last {
                good = self.push_run(&room, ids, last.location());
                is_run = good > 1;
            } else if !fetched {
                // Pages that come back in no order: each comes from a place of its own.
                fetched = true;
                self.fetch_origins(ids);
            }
            if good == 0
                && self.put_one(&room, id) != Some(true)
                && let Err(found) = self.put_special(&room, id)
            {
                *fault = Some(found);
                break;
            }
            let good = good.max(1);
            // SAFETY: as many more entries have been written, and their pages were out.
            unsafe { room.commit::<Checked>(good) };
            pushed += good;
        }
        pushed
    }

    /// The state of a page, if there is such a page.
    #[inline(always)]
    fn last_of(&self, ids: &[PageId], at: usize) -> Option<PageState> {
        Some(self.words.get(ids.get(at)?.index() as usize)?.load())
    }

    /// The state of the first page, if the second one was in the location after its.
    #[inline(always)]
    fn start_of_run(&self, ids: &[PageId]) -> Option<PageState> {
        let (first, second) = (self.last_of(ids, 0)?, self.last_of(ids, 1)?);
        (second == first.after(1)).then_some(first)
    }

    /// Fills the room with the first pages that left locations side by side, from `last` on. Returns how many.
    #[inline(always)]
    fn push_run(&self, room: &Room<'_>, ids: &[PageId], last: Location) -> usize {
        let (location, to) = (room.location(), room.entries());
        let run = |beside| Run { words: &self.words, ids, last, beside, to, location };
        let pushed = match self.magazines.lookup().entries_from(last) {
            // If it is this magazine, its vacant entries get fewer as the run goes on, but from below.
            EntriesFrom::Vacant(entries) => run(entries).push::<true>(|_, _| true),
            EntriesFrom::Filled(entries) => {
                run(entries).push::<true>(|entry, id| !names(entry, id))
            }
        };
        pushed.err().unwrap_or(ids.len())
    }

    /// Writes one page into the room, if its word names an entry that surely does not hold it. Says whether, or
    /// `None` if the word names none. The caller commits it.
    #[inline(always)]
    fn put_one(&self, room: &Room<'_>, id: PageId) -> Option<bool> {
        let word = self.words.get(id.index() as usize)?;
        let (location, to) = (room.location(), room.entries().first()?);
        // A word that says more than a location is beyond every table.
        let is_out = !self.magazines.may_hold::<false>(word.load().0, id)?;
        if is_out {
            word.rest(location);
            // Relaxed: `commit` publishes it.
            to.store(id.index(), Ordering::Relaxed);
        }
        Some(is_out)
    }

    /// Writes one page into the room that is shared, or was in the zone, or says what is wrong with it.
    #[cold]
    #[inline(never)]
    fn put_special(&self, room: &Room<'_>, id: PageId) -> Result<(), Fault> {
        self.try_free_word(false, id, room.location())?;
        // Relaxed: `commit` publishes it.
        room.entries()[0].store(id.index(), Ordering::Relaxed);
        Ok(())
    }

    /// Asks for what tells whether the pages are out, whose words are here: the ends of magazines and their
    /// entries.
    #[inline(never)]
    fn fetch_origins(&self, ids: &[PageId]) {
        let words = ids.iter().filter_map(|id| self.words.get(id.index() as usize));
        words.for_each(|word| self.magazines.fetch(word.load().0));
    }

    /// Puts pages into a magazine, each claimed back with a compare-and-swap. Returns as
    /// [`Self::push_verified`].
    fn push_claimed(&self, mut room: Room<'_>, ids: &[PageId]) -> (usize, Option<Fault>) {
        let (start, entries) = (room.location(), room.entries());
        // At hand: a compare-and-swap would have it loaded again for each page.
        let words = &*self.words;
        let mut fault = None;
        let mut pushed = 0;
        for (&id, entry) in ids.iter().zip(entries) {
            if let Some(&soon) = ids.get(pushed + CLAIMED_AHEAD) {
                fetch_word(words, soon);
            }
            let freed = match words.get(id.index() as usize) {
                None => Err(Fault::OutOfRange),
                Some(word) => {
                    let references = || self.shared_references(id);
                    word.try_free(true, start + pushed as Location, references, |_| false)
                }
            };
            if let Err(found) = freed {
                fault = Some(found);
                break;
            }
            // Relaxed: `commit` publishes it.
            entry.store(id.index(), Ordering::Relaxed);
            pushed += 1;
        }
        // SAFETY: as many entries have been written, and their pages were out.
        unsafe { room.commit::<Checked>(pushed) };
        (pushed, fault)
    }
}
