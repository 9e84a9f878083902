//! Freeing: into the loaded magazine (hardened: the spare, which is the quarantine); when it is full, it goes to the
//! depot, or else its pages to the zone.

use super::run::{LONG, Run, fetch_words};
use super::{Core, Tables};
use crate::cache::Slot;
use crate::depot::Stack;
use crate::error::Fault;
use crate::magazine::{Beside, Hand, MAGAZINE_MAX, names};
use crate::mode::{Checked, Mode};
use crate::page::{PageId, Place, ZONE};
use crate::sync::Ordering;

/// The bad pages of a call.
#[derive(Default)]
pub(crate) struct Faults {
    /// The first one, its position and what was wrong.
    pub(crate) first: Option<(PageId, usize, Fault)>,
    /// How many.
    pub(crate) count: usize,
    /// A bit for each bad position below 256.
    pub(crate) bad: [u64; 4],
    /// How many pages of the call came before those that are looked at now.
    before: usize,
}

impl Faults {
    /// No faults yet, of a call whose first pages have been seen to.
    pub(crate) fn after(before: usize) -> Self {
        Faults { before, ..Faults::default() }
    }

    /// Adds those of another part of the call, whose positions are the call's.
    pub(crate) fn merge(&mut self, other: Faults) {
        let first = self.first.take().into_iter().chain(other.first);
        self.first = first.min_by_key(|(_, position, _)| *position);
        self.count += other.count;
        self.bad.iter_mut().zip(other.bad).for_each(|(bits, more)| *bits |= more);
    }

    /// As [`Self::merge`], of a part whose pages stood at `positions` of the call: fewer than 256.
    pub(crate) fn merge_from(&mut self, mut other: Faults, positions: &[usize]) {
        if let Some((_, at, _)) = &mut other.first {
            *at = positions[*at];
        }
        let bad = core::mem::take(&mut other.bad);
        for (at, &position) in positions.iter().enumerate() {
            if bad[at / 64] >> (at % 64) & 1 == 1 {
                other.mark(position);
            }
        }
        self.merge(other);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, page: PageId, position: usize, fault: Fault) {
        self.first.get_or_insert((page, self.before + position, fault));
        self.count += 1;
        self.mark(self.before + position);
    }

    fn mark(&mut self, position: usize) {
        if let Some(bits) = self.bad.get_mut(position / 64) {
            *bits |= 1 << (position % 64);
        }
    }
}

impl<M: Mode> Core<M> {
    /// Takes pages back into the loaded magazine, if that has room and can be used as it is. Returns how many went
    /// there: fewer than all if the next is bad. Where nobody looks they are counted first: a store behind the copy would
    /// wait for it.
    ///
    /// # Safety
    /// The caller holds the slot and gives up the pages.
    #[inline(always)]
    pub(crate) unsafe fn give_now(
        &self,
        slot: &Slot,
        ids: &[PageId],
        count: impl FnOnce(usize),
    ) -> usize {
        let hand = &slot.loaded;
        // SAFETY: the slot's holder owns its hands, here and below.
        let held = unsafe { hand.len() };
        // SAFETY: as above.
        let room = unsafe { hand.room_beside(held) };
        if M::HARDENED || !slot.may_leave(room as i64 - ids.len() as i64) {
            return 0;
        }
        if !M::CHECKS {
            count(ids.len());
            // SAFETY: as above; this one has room, and this mode does not check.
            unsafe { hand.push_unseen(held, ids) };
            return ids.len();
        }
        // SAFETY: as above; this one has room.
        let (filed, _) = unsafe { self.file_checked(hand, held, ids) };
        count(filed);
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
        if !M::HARDENED {
            // SAFETY: the slot's holder owns its hands.
            let fits = |hand: &Hand| unsafe { hand.room() } >= ids.len();
            // SAFETY: the caller holds the slot.
            unsafe { slot.load_what_fits(fits) };
        }
        let target = if M::HARDENED { &slot.spare } else { &slot.loaded };
        let (mut freed, mut at) = (0, 0);
        while at < ids.len() {
            // SAFETY: the slot's holder owns its hands.
            let n = unsafe { target.room() }.min(ids.len() - at);
            if n == 0 {
                // SAFETY: the caller holds the slot.
                unsafe { self.make_room(slot, target, ids.len() - at) };
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

    /// Makes room in the hand that frees go to, which is full. A spare with some room, but less than is needed, comes after
    /// empty magazines.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn make_room(&self, slot: &Slot, full: &Hand, need: usize) {
        let in_spare = |at_least: usize| {
            // SAFETY: the slot's holder owns its hands, here and below.
            let some = !M::HARDENED && unsafe { slot.spare.room() } >= at_least;
            if some {
                // SAFETY: as above.
                unsafe { slot.loaded.swap(&slot.spare) };
            }
            some
        };
        if in_spare(need) {
            return;
        }
        // SAFETY: as above.
        let given = unsafe { full.put_down::<M>(&self.magazines) };
        match self.depot.exchange(&self.magazines, given, Stack::Empty) {
            Some(empty) => {
                // SAFETY: the depot gave the magazine for the other.
                unsafe { full.replace::<M>(&self.magazines, empty) };
                slot.counters.happened::<M>(&slot.counters.depot_flushes);
            }
            None => {
                // SAFETY: the depot did not want it.
                unsafe { full.replace::<M>(&self.magazines, given) };
                if !in_spare(1) {
                    // SAFETY: as above.
                    unsafe { self.flush(full) };
                    slot.counters.happened::<M>(&slot.counters.zone_flushes);
                }
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
            unsafe { self.file_hardened(hand, ids) }
        } else if M::CHECKS {
            // SAFETY: passed on to the caller.
            unsafe { self.file_checked(hand, hand.len(), ids) }
        } else {
            // SAFETY: passed on to the caller; this mode does not check.
            unsafe { hand.push_unseen(hand.len(), ids) };
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
        // Before the words change: a look never finds a page on its way (`audit`).
        // SAFETY: the caller owns the hand, and alone reads its places from here on.
        unsafe { hand.publish::<M>(start) };
        for place in start..end {
            let id = self.magazines.get(place);
            if self.moves(id, place, ZONE) {
                ids[n] = id;
                n += 1;
            }
        }
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
    /// Calls `good` with runs of them, and where each starts.
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
}

impl Tables {
    /// Puts pages into a magazine, each verified first: in range, one reference, a single page, and not free already.
    /// Stops at the first bad one. Returns how many were good, and what was wrong with the next.
    ///
    /// One body for all checking modes but the hardened, so that they cost the same.
    ///
    /// # Safety
    /// The caller owns the hand, which holds `held` ids and has room, and gives up the pages.
    #[inline(always)]
    unsafe fn file_checked(
        &self,
        hand: &Hand,
        held: u32,
        ids: &[PageId],
    ) -> (usize, Option<Fault>) {
        // SAFETY: the caller owns the hand, which has room for all, here and below.
        let to = unsafe { hand.slots_after(ids.len()) };
        // SAFETY: as above.
        let place = unsafe { hand.start() } + held;
        // Pages that this magazine gave out last mostly come back to where they were.
        let run = Run { words: &self.words, ids, last: place, beside: to, to, place };
        let filed = run.file::<false>(|_, _| true);
        if filed < ids.len() {
            // SAFETY: as above; as many have been put.
            return unsafe { self.file_moved(hand, ids, filed) };
        }
        // SAFETY: as above; the ids below this length have been put.
        unsafe { hand.take_in::<Checked>(held, filed) };
        (filed, None)
    }

    /// The rest of [`Self::file_checked`], when `filed` pages have been put: pages from elsewhere.
    ///
    /// Pages that left a magazine together mostly come back together, so one look at a magazine serves for a run of
    /// pages.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn file_moved(
        &self,
        hand: &Hand,
        ids: &[PageId],
        mut filed: usize,
    ) -> (usize, Option<Fault>) {
        // SAFETY: the caller owns the hand, here and below.
        let vacant = unsafe { hand.vacant() };
        // SAFETY: as above.
        let start = unsafe { hand.end() };
        // What the call has filed so far must be found too: the same page may be named twice.
        // SAFETY: as above; the ids below this place have been put.
        let publish = |filed| unsafe { hand.publish::<Checked>(start + filed as Place) };
        if filed > 0 {
            publish(filed);
        }
        if ids.len() < LONG {
            fetch_words(&self.words, ids, filed);
        }
        let fault = loop {
            let Some(&id) = ids.get(filed) else { break None };
            let Some(word) = self.words.get(id.index() as usize) else {
                break Some(Fault::OutOfRange);
            };
            let place = start + filed as Place;
            let last = word.load().place();
            let (ids, to) = (&ids[filed..], &vacant[filed..]);
            let run = |beside| Run { words: &self.words, ids, last, beside, to, place };
            let good = match self.magazines.lookup().beside(last) {
                // If it is this magazine, its vacant places get fewer as the run goes on, but from below.
                Beside::Vacant(slots) => run(slots).file::<true>(|_, _| true),
                Beside::Held(slots) => run(slots).file::<true>(|slot, id| !names(slot, id)),
            };
            filed += good;
            if good == 0 {
                // Not at a glance: a page that is bad, or was in the zone, or that another thread is just moving.
                if let Err(fault) = word.try_free(false, place, |last| self.is_member(last, id)) {
                    break Some(fault);
                }
                // Relaxed: `publish` publishes it.
                vacant[filed].store(id.index(), Ordering::Relaxed);
                filed += 1;
            }
            publish(filed);
        };
        (filed, fault)
    }

    /// Puts pages into quarantine, each verified first, and poisoned. Returns as [`Self::file_checked`].
    ///
    /// # Safety
    /// The caller owns the hand, which has room, and gives up the pages.
    unsafe fn file_hardened(&self, hand: &Hand, ids: &[PageId]) -> (usize, Option<Fault>) {
        // SAFETY: the caller owns the hand, here and below.
        let vacant = unsafe { hand.vacant() };
        // SAFETY: as above.
        let mut place = unsafe { hand.end() };
        let mut fault = None;
        for (&id, slot) in ids.iter().zip(vacant) {
            let freed = match self.words.get(id.index() as usize) {
                None => Err(Fault::OutOfRange),
                Some(word) => word.try_free(true, place, |_| false),
            };
            if let Err(found) = freed {
                fault = Some(found);
                break;
            }
            self.poison(id);
            // Relaxed: `publish` publishes it.
            slot.store(id.index(), Ordering::Relaxed);
            place += 1;
        }
        // SAFETY: as above.
        let filed = place - unsafe { hand.end() };
        // SAFETY: as above; the ids below this place have been put.
        unsafe { hand.publish::<Checked>(place) };
        (filed as usize, fault)
    }
}
