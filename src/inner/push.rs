//! Pages into a magazine, verified where the mode checks.
//!
//! Invariant: an id is committed only when its page has been found to be out, and its word names the entry.

use super::run::{LONG, Run, fetch_words};
use super::{Core, Tables};
use crate::magazine::{EntriesFrom, MagazineMut, Room, names};
use crate::mode::{Checked, Mode, Policy};
use crate::page::{Fault, Location, PageId};
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
    pub(super) fn push_verified(
        &self,
        mut room: Room<'_>,
        ids: &[PageId],
    ) -> (usize, Option<Fault>) {
        let (location, to) = (room.location(), room.entries());
        // Pages that this magazine gave out last mostly come back to where they were.
        let run = Run { words: &self.words, ids, last: location, beside: to, to, location };
        let pushed = run.push::<false>(|_, _| true);
        if pushed < ids.len() {
            return self.push_relocated(room, ids, pushed);
        }
        // SAFETY: as many entries have been written, and their pages were out.
        unsafe { room.commit::<Checked>(ids.len()) };
        (ids.len(), None)
    }

    /// The rest of [`Self::push_verified`], when `pushed` pages have been put: pages from elsewhere.
    ///
    /// Pages that left a magazine together mostly come back together, so one look at a magazine serves for a
    /// run of pages.
    #[inline(never)]
    fn push_relocated(
        &self,
        mut room: Room<'_>,
        ids: &[PageId],
        mut pushed: usize,
    ) -> (usize, Option<Fault>) {
        let (start, entries) = (room.location(), room.entries());
        let mut committed = 0;
        // What the call has pushed so far must be found too: the same page may be named twice.
        let mut commit = |pushed| {
            // SAFETY: the entries below have been written, and their pages were out.
            unsafe { room.commit::<Checked>(pushed - core::mem::replace(&mut committed, pushed)) };
        };
        if pushed > 0 {
            commit(pushed);
        }
        if ids.len() < LONG {
            fetch_words(&self.words, ids, pushed);
        }
        let fault = loop {
            let Some(&id) = ids.get(pushed) else { break None };
            let Some(word) = self.words.get(id.index() as usize) else {
                break Some(Fault::OutOfRange);
            };
            let location = start + pushed as Location;
            let last = word.load().location();
            let (ids, to) = (&ids[pushed..], &entries[pushed..]);
            let run = |beside| Run { words: &self.words, ids, last, beside, to, location };
            let good = match self.magazines.lookup().entries_from(last) {
                // If it is this magazine, its vacant entries get fewer as the run goes on, but from below.
                EntriesFrom::Vacant(entries) => run(entries).push::<true>(|_, _| true),
                EntriesFrom::Filled(entries) => {
                    run(entries).push::<true>(|entry, id| !names(entry, id))
                }
            };
            pushed += good;
            if good == 0 {
                // Not at a glance: a page that is bad, or was in the zone, or that another thread is just
                // moving.
                let is_member = |last| self.is_member(last, id);
                if let Err(fault) = word.try_free(false, location, is_member) {
                    break Some(fault);
                }
                // Relaxed: `commit` publishes it.
                entries[pushed].store(id.index(), Ordering::Relaxed);
                pushed += 1;
            }
            commit(pushed);
        };
        (pushed, fault)
    }

    /// Puts pages into a magazine, each claimed back with a compare-and-swap. Returns as
    /// [`Self::push_verified`].
    fn push_claimed(&self, mut room: Room<'_>, ids: &[PageId]) -> (usize, Option<Fault>) {
        let (start, entries) = (room.location(), room.entries());
        let mut fault = None;
        let mut pushed = 0;
        for (&id, entry) in ids.iter().zip(entries) {
            let freed = match self.words.get(id.index() as usize) {
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
