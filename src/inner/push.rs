//! Pages into a magazine, verified where the mode checks.
//!
//! Invariant: an id is committed only when its page has been found to be out, and its word names the entry.

use super::run::{Run, fetch_words};
use super::verify::{CLAIMED_AHEAD, fetch_word};
use super::{Core, Tables};
use crate::magazine::{EntriesFrom, MagazineMut, Room, names};
use crate::mode::{Checked, Mode, Policy};
use crate::page::{Fault, Location, PageId};
use crate::sync::{LONG, Ordering};

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
        let (start, entries) = (room.location(), room.entries());
        if ids.len() < LONG {
            fetch_words(&self.words, ids);
        }
        let mut pushed = 0;
        while let Some(&id) = ids.get(pushed) {
            let Some(word) = self.words.get(id.index() as usize) else {
                *fault = Some(Fault::OutOfRange);
                break;
            };
            let location = start + pushed as Location;
            let last = word.load().location();
            let (ids, to) = (&ids[pushed..], &entries[pushed..]);
            let run = |beside| Run { words: &self.words, ids, last, beside, to, location };
            let pushed_here = match self.magazines.lookup().entries_from(last) {
                // If it is this magazine, its vacant entries get fewer as the run goes on, but from below.
                EntriesFrom::Vacant(entries) => run(entries).push::<true>(|_, _| true),
                EntriesFrom::Filled(entries) => {
                    run(entries).push::<true>(|entry, id| !names(entry, id))
                }
            };
            let mut good = pushed_here.err().unwrap_or(ids.len());
            if good == 0 {
                // Not at a glance: a page that is bad, or was in the zone, or that another thread is just
                // moving.
                let is_member = |last| self.is_member(last, id);
                if let Err(found) = word.try_free(false, location, is_member) {
                    *fault = Some(found);
                    break;
                }
                // Relaxed: `commit` publishes it.
                entries[pushed].store(id.index(), Ordering::Relaxed);
                good = 1;
            }
            // SAFETY: as many more entries have been written, and their pages were out.
            unsafe { room.commit::<Checked>(good) };
            pushed += good;
        }
        pushed
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
                Some(word) => word.try_free(true, start + pushed as Location, |_| false),
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
