//! Poison in free pages, and a shuffled order of reuse: what the hardening switches do to pages that are in a
//! magazine.
//!
//! Invariant: a free page that is marked has been poisoned. Who takes it out clears the mark, and sets it again
//! only if the page goes back untouched.

use super::{Core, Tables};
use crate::magazine::MAGAZINE_MAX;
use crate::mode::{Mode, Policy};
use crate::page::PageId;
use crate::slot::Parts;
use crate::sync::{Ordering, entropy};

/// Every byte of a poisoned page.
const POISON: u8 = 0xaa;

/// The next number of a generator (Marsaglia's xorshift): cheap, and unpredictable enough to spoil an
/// accident.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// How many pages go by until the next one's turn, if one in `every` has its turn: from 0 to twice as many,
/// so that a page's turn depends neither on its number nor on the rhythm of a program.
pub(super) fn gap(random: &mut u64, every: u32) -> u64 {
    next(random) % (2 * u64::from(every) - 1)
}

impl<M: Mode> Core<M> {
    /// Poisons the pages of a new pool, one in as many as the pool was built to poison, so that the first
    /// allocation can verify them too.
    pub(crate) fn poison_new(&self) {
        if M::POISONS {
            let mut random = entropy(&raw const *self) | 1;
            let mut at = gap(&mut random, self.poison_every);
            while at < u64::from(self.pages) {
                self.poison(PageId::new(at as u32));
                at += gap(&mut random, self.poison_every) + 1;
            }
        }
    }

    /// Poisons those of the pages whose turn it is, which were just freed through a slot.
    pub(super) fn poison_some(&self, parts: &mut Parts<'_>, ids: &[PageId]) {
        if self.poison_every == 1 {
            return ids.iter().for_each(|&id| self.poison(id));
        }
        for &id in ids {
            match parts.until_poison.checked_sub(1) {
                Some(left) => *parts.until_poison = left,
                None => {
                    self.poison(id);
                    *parts.until_poison = gap(parts.random, self.poison_every);
                }
            }
        }
    }

    /// Poisons a page that is freed without a slot, if it is its turn.
    pub(super) fn poison_without_slot(&self, id: PageId) {
        if !M::POISONS {
            return;
        }
        // No state is at hand: the number of frees so far serves for one, spread over all its bits.
        let mut random = self.counters.poison_turns.fetch_add(1, Ordering::Relaxed);
        random = random.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if next(&mut random).is_multiple_of(u64::from(self.poison_every)) {
            self.poison(id);
        }
    }

    /// Shuffles the loaded magazine, so that the next page cannot be foretold from the order of frees. A page
    /// whose word does not say that it lies there is withheld.
    pub(super) fn shuffle(&self, parts: &mut Parts<'_>) {
        let mut ids = [PageId::new(0); MAGAZINE_MAX];
        let mut n = 0;
        // Out of the magazine meanwhile: a look never finds a page that changes its location (`audit`).
        for (location, id) in parts.loaded.take_ids::<M>() {
            if self.verify_move(id, location, location) {
                ids[n] = id;
                n += 1;
            }
        }
        for last in (1..n).rev() {
            ids.swap(last, (next(parts.random) % (last as u64 + 1)) as usize);
        }
        let mut room = parts.loaded.room(n);
        for ((&id, entry), location) in ids[..n].iter().zip(room.entries()).zip(room.location()..) {
            self.word(id).rest(location);
            // Relaxed: `commit` publishes it.
            entry.store(id.index(), Ordering::Relaxed);
        }
        // SAFETY: the entries were just written, with the pages that were there.
        unsafe { room.commit::<M>(n) };
    }
}

impl Tables {
    /// Overwrites a page that its owner has just given up, and marks it.
    pub(super) fn poison(&self, id: PageId) {
        if self.addresses_only {
            return;
        }
        // SAFETY: the page is in the region, and its owner gave it up to the caller, who has it for itself.
        unsafe { self.address(id).write_bytes(POISON, self.page_size()) };
        self.set_poison_mark(id);
    }

    /// Marks a page that has been poisoned.
    pub(super) fn set_poison_mark(&self, id: PageId) {
        let index = id.index() as usize;
        // Relaxed: who takes the page out has what was done to it before, by the slot's lock, the depot's word
        // or the zone's.
        self.poisoned[index / 64].fetch_or(1 << (index % 64), Ordering::Relaxed);
    }

    /// Takes a page's poison mark off; whether there was one.
    pub(super) fn take_poison_mark(&self, id: PageId) -> bool {
        let index = id.index() as usize;
        let Some(word) = self.poisoned.get(index / 64) else { return false };
        let mark = 1 << (index % 64);
        // Relaxed: as in `set_poison_mark`.
        word.load(Ordering::Relaxed) & mark != 0
            && word.fetch_and(!mark, Ordering::Relaxed) & mark != 0
    }

    /// The first byte of a poisoned page that somebody has written since, if there is one.
    pub(super) fn changed_at(&self, id: PageId) -> Option<u64> {
        // No page without bytes is poisoned; its mark was corrupted.
        if self.addresses_only {
            return None;
        }
        // SAFETY: the page is in the region, initialised, and the caller has just taken it.
        let bytes = unsafe { core::slice::from_raw_parts(self.address(id), self.page_size()) };
        // Eight bytes at a time, all of them: a branch for each would cost more than the loads.
        let (words, _) = bytes.as_chunks::<8>();
        let expected = u64::from_ne_bytes([POISON; 8]);
        let differs = |differs, &word| differs | (u64::from_ne_bytes(word) ^ expected);
        if words.iter().fold(0, differs) == 0 {
            return None;
        }
        bytes.iter().position(|&byte| byte != POISON).map(|offset| offset as u64)
    }
}
