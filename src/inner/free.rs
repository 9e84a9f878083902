//! Freeing: into the loaded magazine (hardened: the spare, which is the quarantine); when it is full, it goes to the
//! depot, or else its pages to the zone.

use super::Core;
use crate::cache::Slot;
use crate::depot::Stack;
use crate::error::Fault;
use crate::magazine::{MAGAZINE_MAX, Magazine};
use crate::mode::Mode;
use crate::page::{PageId, ZONE};

/// The bad pages of a call.
#[derive(Default)]
pub(crate) struct Faults {
    /// The first one, its position and what was wrong.
    pub(crate) first: Option<(PageId, usize, Fault)>,
    /// How many.
    pub(crate) count: usize,
}

impl Faults {
    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, page: PageId, position: usize, fault: Fault) {
        self.first.get_or_insert((page, position, fault));
        self.count += 1;
    }
}

impl<M: Mode> Core<M> {
    /// Takes pages back from their sole owner. Returns how many were good; the others stay where they are.
    ///
    /// # Safety
    /// The caller holds the slot and gives up the pages.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, slot: &Slot, ids: &[PageId], faults: &mut Faults) -> usize {
        // SAFETY: the caller holds the slot.
        let (calm, loaded) = unsafe { (self.calm(slot), slot.loaded.get()) };
        if !M::HARDENED && calm && ids.len() <= self.magazines.room(loaded) {
            // SAFETY: the slot's holder owns its magazines, and this one has room.
            return unsafe { self.file(loaded, ids, 0, faults) };
        }
        // SAFETY: passed on to the caller.
        unsafe { self.give_slowly(slot, ids, faults) }
    }

    /// # Safety
    /// As [`Core::give`].
    #[inline(never)]
    unsafe fn give_slowly(&self, slot: &Slot, ids: &[PageId], faults: &mut Faults) -> usize {
        // SAFETY: the caller holds the slot, here and below.
        unsafe { self.answer_pressure(slot) };
        let (mut freed, mut position) = (0, 0);
        while position < ids.len() {
            let target = if M::HARDENED { &slot.spare } else { &slot.loaded };
            // SAFETY: as above.
            let magazine = unsafe { target.get() };
            let n = self.magazines.room(magazine).min(ids.len() - position);
            if n == 0 {
                // SAFETY: as above.
                unsafe { self.make_room(slot) };
                continue;
            }
            // SAFETY: the slot's holder owns its magazines, and this one has room for `n`.
            freed += unsafe { self.file(magazine, &ids[position..position + n], position, faults) };
            position += n;
        }
        freed
    }

    /// Makes room in the magazine that frees go to, which is full.
    ///
    /// # Safety
    /// The caller holds the slot.
    unsafe fn make_room(&self, slot: &Slot) {
        // SAFETY: the caller holds the slot, here and below.
        let spare = unsafe { slot.spare.get() };
        if !M::HARDENED && self.magazines.room(spare) > 0 {
            // SAFETY: as above.
            unsafe { slot.swap() };
            return;
        }
        let target = if M::HARDENED { &slot.spare } else { &slot.loaded };
        // SAFETY: as above.
        let full = unsafe { target.get() };
        match self.depot.exchange(&self.magazines, full, Stack::Empty) {
            Some(empty) => {
                // SAFETY: as above.
                unsafe { target.set(empty) };
                slot.counters.happened::<M>(&slot.counters.depot_flushes);
            }
            None => {
                // SAFETY: the slot's holder owns its magazines.
                unsafe { self.flush(full) };
                slot.counters.happened::<M>(&slot.counters.zone_flushes);
            }
        }
    }

    /// Puts pages into a magazine. In checking modes each is verified first: in range, one reference, a single page,
    /// and not free already.
    ///
    /// # Safety
    /// The caller owns the magazine, which has room, and gives up the pages.
    #[inline(always)]
    unsafe fn file(
        &self,
        magazine: Magazine,
        ids: &[PageId],
        position: usize,
        faults: &mut Faults,
    ) -> usize {
        if !M::CHECKS {
            // SAFETY: the caller owns the magazine, which has room.
            unsafe { self.magazines.push_unseen(magazine, ids) };
            return ids.len();
        }
        self.magazines.begin_writing(magazine);
        let start = self.magazines.end(magazine);
        let mut end = start;
        for (at, &id) in ids.iter().enumerate() {
            let Some(word) = self.words.get(id.index() as usize) else {
                faults.add(id, position + at, Fault::OutOfRange);
                continue;
            };
            // The end is published once, after the loop, so pages filed by this very call are looked for apart.
            let in_use = |place: u32| {
                place.wrapping_sub(start) < end - start || self.magazines.in_use(place)
            };
            if let Err(fault) =
                word.try_free::<M>(end, |place| in_use(place) && self.is_there(place, id))
            {
                faults.add(id, position + at, fault);
                continue;
            }
            if M::HARDENED {
                self.poison(id);
            }
            // SAFETY: the caller owns the magazine, which has room for all of them.
            unsafe { self.magazines.put(end, id) };
            end += 1;
        }
        self.magazines.publish(magazine, end);
        (end - start) as usize
    }

    /// Empties a magazine into the zone.
    ///
    /// # Safety
    /// The caller owns the magazine.
    pub(super) unsafe fn flush(&self, magazine: Magazine) -> usize {
        let mut ids = [PageId::new(0); MAGAZINE_MAX];
        let start = self.magazines.start(magazine);
        let mut n = 0;
        for place in start..self.magazines.end(magazine) {
            let id = self.magazines.get(place);
            if self.moves(id, place, ZONE) {
                ids[n] = id;
                n += 1;
            }
        }
        self.magazines.publish(magazine, start);
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
                if let Err(fault) = word.try_free::<M>(ZONE, |place| self.is_member(place, id)) {
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
                // The load is Acquire: it pairs with the Release of the holders that let go.
                Some(word) if word.load().references() != 1 => word.load().fault(),
                Some(_) => continue,
            };
            faults.add(id, position, fault);
            good(&ids[start..position]);
            start = position + 1;
        }
        good(&ids[start..]);
    }
}
