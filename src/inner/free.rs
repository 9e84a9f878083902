//! Freeing: into the loaded magazine (hardened: the spare, which is the quarantine); when it is full, it goes to the
//! depot, or else its pages to the zone.

use super::{Core, Tables};
use crate::cache::Slot;
use crate::depot::Stack;
use crate::error::Fault;
use crate::magazine::{Hand, MAGAZINE_MAX};
use crate::mode::Mode;
use crate::page::{PageId, PageWord, Place, ZONE};
use crate::sync::Ordering;

/// The bad pages of a call.
#[derive(Default)]
pub(crate) struct Faults {
    /// The first one, its position and what was wrong.
    pub(crate) first: Option<(PageId, usize, Fault)>,
    /// How many.
    pub(crate) count: usize,
    /// How many pages of the call came before those that are looked at now.
    before: usize,
}

impl Faults {
    /// No faults yet, of a call whose first pages have been seen to.
    pub(crate) fn after(before: usize) -> Self {
        Faults { before, ..Faults::default() }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, page: PageId, position: usize, fault: Fault) {
        self.first.get_or_insert((page, self.before + position, fault));
        self.count += 1;
    }
}

impl<M: Mode> Core<M> {
    /// Takes pages back into the loaded magazine, if that has room and can be used as it is. Returns how many went
    /// there: fewer than all if the next is bad.
    ///
    /// # Safety
    /// The caller holds the slot and gives up the pages.
    #[inline(always)]
    pub(crate) unsafe fn give_now(&self, slot: &Slot, ids: &[PageId]) -> usize {
        let hand = &slot.loaded;
        // SAFETY: the caller holds the slot.
        if M::HARDENED || unsafe { !self.calm(slot) || ids.len() > hand.room() } {
            return 0;
        }
        let filed = if M::CHECKS {
            // SAFETY: the slot's holder owns its hands, and this one has room.
            unsafe { self.file_run::<false>(hand, ids) }.0
        } else {
            // SAFETY: as above, and this mode does not check.
            unsafe { hand.push_unseen(&self.magazines, ids) };
            ids.len()
        };
        slot.counters.gave::<M>(filed);
        filed
    }

    /// Takes pages back from their sole owner. Returns how many were good; the others stay where they are.
    ///
    /// # Safety
    /// The caller holds the slot and gives up the pages.
    #[inline(never)]
    pub(crate) unsafe fn give(&self, slot: &Slot, ids: &[PageId], faults: &mut Faults) -> usize {
        // SAFETY: the caller holds the slot.
        unsafe { self.answer_pressure(slot) };
        let target = if M::HARDENED { &slot.spare } else { &slot.loaded };
        let (mut freed, mut at) = (0, 0);
        while at < ids.len() {
            // SAFETY: the slot's holder owns its hands.
            let n = unsafe { target.room() }.min(ids.len() - at);
            if n == 0 {
                // SAFETY: the caller holds the slot.
                unsafe { self.make_room(slot, target) };
                continue;
            }
            // SAFETY: the slot's holder owns its hands, and this one has room for `n`.
            let (filed, fault) = unsafe { self.file(target, &ids[at..at + n]) };
            (freed, at) = (freed + filed, at + filed);
            if let Some(fault) = fault {
                faults.add(ids[at], at, fault);
                at += 1;
            }
        }
        freed
    }

    /// Makes room in the hand that frees go to, which is full.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn make_room(&self, slot: &Slot, full: &Hand) {
        // SAFETY: the slot's holder owns its hands.
        if !M::HARDENED && unsafe { slot.spare.room() } > 0 {
            // SAFETY: as above.
            return unsafe { slot.loaded.swap(&slot.spare) };
        }
        // SAFETY: as above.
        match self.depot.exchange(&self.magazines, unsafe { full.magazine() }, Stack::Empty) {
            Some(empty) => {
                // SAFETY: the depot gave the magazine for the other.
                unsafe { full.replace(&self.magazines, empty) };
                slot.counters.happened::<M>(&slot.counters.depot_flushes);
            }
            None => {
                // SAFETY: the slot's holder owns its hands.
                unsafe { self.flush(full) };
                slot.counters.happened::<M>(&slot.counters.zone_flushes);
            }
        }
    }

    /// Puts pages into a magazine, verified where the mode checks, until one is bad. Returns how many were good, and
    /// what was wrong with the next.
    ///
    /// # Safety
    /// The caller owns the hand, which has room, and gives up the pages.
    #[inline(always)]
    unsafe fn file(&self, hand: &Hand, ids: &[PageId]) -> (usize, Option<Fault>) {
        if M::HARDENED {
            // SAFETY: passed on to the caller.
            unsafe { self.file_run::<true>(hand, ids) }
        } else if M::CHECKS {
            // SAFETY: passed on to the caller.
            unsafe { self.file_run::<false>(hand, ids) }
        } else {
            // SAFETY: passed on to the caller; this mode does not check.
            unsafe { hand.push_unseen(&self.magazines, ids) };
            (ids.len(), None)
        }
    }

    /// Empties a magazine into the zone. Returns how many pages went there.
    ///
    /// # Safety
    /// The caller owns the hand.
    pub(super) unsafe fn flush(&self, hand: &Hand) -> usize {
        let mut ids = [PageId::new(0); MAGAZINE_MAX];
        let mut n = 0;
        // SAFETY: the caller owns the hand.
        let (start, end) = unsafe { (hand.start(), hand.end()) };
        for place in start..end {
            let id = self.magazines.get(place);
            if self.moves(id, place, ZONE) {
                ids[n] = id;
                n += 1;
            }
        }
        // SAFETY: the caller owns the hand; no place is left to hold an id.
        unsafe { hand.publish(start) };
        // Sorted, so that neighbours go back with one instruction.
        ids[..n].sort_unstable();
        self.zone.put(&ids[..n], |_| self.taint())
    }

    /// Takes pages back without any slot, when all shared ones are busy: straight into the zone.
    #[cold]
    pub(crate) fn give_without_slot(&self, ids: &[PageId], faults: &mut Faults) -> usize {
        let mut freed = 0;
        for (position, &id) in ids.iter().enumerate() {
            if M::CHECKS {
                let Some(word) = self.words.get(id.index() as usize) else {
                    faults.add(id, position, Fault::OutOfRange);
                    continue;
                };
                if let Err(fault) =
                    word.try_free(M::HARDENED, ZONE, |place| self.is_member(place, id))
                {
                    faults.add(id, position, fault);
                    continue;
                }
                if M::HARDENED {
                    self.poison(id);
                }
            }
            // The old bit shows what the word could not: that the page was here all along.
            freed += self.zone.put(&[id], |id| faults.add(id, position, Fault::AlreadyFree));
        }
        freed
    }

    /// What a raw free looks at where pages are counted but not checked: only pages with one reference may go on.
    /// Calls `good` with runs of them.
    pub(crate) fn sole_runs<'a>(
        &self,
        ids: &'a [PageId],
        faults: &mut Faults,
        mut good: impl FnMut(&'a [PageId]),
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
            good(&ids[start..position]);
            start = position + 1;
        }
        good(&ids[start..]);
    }
}

impl Tables {
    /// Puts pages into a magazine, each verified first: in range, one reference, a single page, and not free already.
    /// Stops at the first bad one. Returns how many were good, and what was wrong with the next.
    ///
    /// One body for all checking modes, so that they cost the same; and with nothing in it that a bad page needs, so
    /// that all it needs stays in registers.
    ///
    /// # Safety
    /// The caller owns the hand, which has room, and gives up the pages.
    #[inline(never)]
    unsafe fn file_run<const HARDENED: bool>(
        &self,
        hand: &Hand,
        ids: &[PageId],
    ) -> (usize, Option<Fault>) {
        // The tables hold atomics: without copies the compiler would fetch their addresses again for every page.
        let words: &[PageWord] = &self.words;
        let lookup = self.magazines.lookup();
        // SAFETY: the caller owns the hand, here and below.
        let vacant = unsafe { hand.vacant(&self.magazines) };
        // SAFETY: as above.
        let start = unsafe { hand.end() };
        let mut filed = 0;
        let fault = loop {
            let Some(&id) = ids.get(filed) else { break None };
            let Some(word) = words.get(id.index() as usize) else { break Some(Fault::OutOfRange) };
            let place = start + filed as Place;
            let is_member = |last| {
                // What this call has filed so far must be found too: the same page may be named twice.
                // SAFETY: as above; the ids below `place` have been put.
                unsafe { hand.publish(place) };
                lookup.holds(last, id) && (last != ZONE || self.zone.holds(id))
            };
            if let Err(fault) = word.try_free(HARDENED, place, is_member) {
                break Some(fault);
            }
            if HARDENED {
                self.poison(id);
            }
            // SAFETY: the caller saw to it that there is room.
            let slot = unsafe { vacant.get_unchecked(filed) };
            // Relaxed: `publish` publishes it.
            slot.store(id.index(), Ordering::Relaxed);
            filed += 1;
        };
        // SAFETY: as above; the ids below this place have been put.
        unsafe { hand.publish(start + filed as Place) };
        (filed, fault)
    }
}
