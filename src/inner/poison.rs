//! Poison in free pages, and a shuffled order of reuse: what the hardening switches do to pages that are in a
//! magazine.
//!
//! Invariant: a free page that is marked has been poisoned. Who takes it out clears the mark, and sets it again
//! only if the page goes back untouched.

use super::{Core, GOLDEN, Tables};
use crate::magazine::{MAGAZINE_MAX, MagazineMut};
use crate::metadata::LINE;
use crate::mode::{Mode, Policy};
use crate::page::{Location, PageId, PageState};
use crate::slot::Parts;
use crate::sync::{FETCHES_AHEAD, Ordering, entropy, fetch_ahead};

/// Every byte of a poisoned page.
const POISON: u8 = 0xaa;

/// So many bytes of a page are brought nearer beforehand. More of them came too late when it was measured.
const PREFETCHED: usize = 16 * LINE;

/// So many pages beforehand, where only some are poisoned.
const SAMPLED_AHEAD: u32 = 12;

/// The next number of a generator (SplitMix64 of Steele, Lea and Flood), whose numbers do not wait for one
/// another: cheap, and unpredictable enough to spoil an accident.
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(GOLDEN);
    let mixed = (*random ^ *random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A number below `end`. Multiplied, because a division would take longer than the generator.
fn below(random: &mut u64, end: u64) -> u64 {
    ((u128::from(next(random)) * u128::from(end)) >> 64) as u64
}

/// How many pages go by until the next one's turn, if one in `every` has its turn: from 0 to twice as many,
/// so that a page's turn depends neither on its number nor on the rhythm of a program.
pub(super) fn gap(random: &mut u64, every: u32) -> u64 {
    below(random, 2 * u64::from(every) - 1)
}

impl<M: Mode> Core<M> {
    /// Poisons the pages of a core that is being built, one in as many as it is to poison, so that
    /// the first allocation can verify them too; the region's info says so. From `end` on all are
    /// offline.
    pub(super) fn poison_new(&mut self, end: u32) {
        if M::POISONS && !self.addresses_only {
            let mut random = entropy(&raw const *self);
            let mut poisoned = 0;
            let mut at = gap(&mut random, self.poison_every);
            while at < u64::from(end) {
                let id = PageId::new(at as u32);
                if self.offline.has(id) {
                    let rest = (end - id.index()) as usize;
                    let Some(next) = self.offline.first_online(id, rest) else { break };
                    at = u64::from(next.index()) + gap(&mut random, self.poison_every);
                    continue;
                }
                self.poison(id);
                self.zone.note_written(id);
                poisoned += 1;
                at += gap(&mut random, self.poison_every) + 1;
            }
            let info = &mut self.region.info;
            info.poisoned_pages = poisoned;
            info.populated |= poisoned == self.tables.pages;
        }
    }

    /// Poisons those of the pages whose turn it is, which were just freed through a slot.
    pub(super) fn poison_some(&self, parts: &mut Parts<'_>, ids: &[PageId]) {
        let mut turn = *parts.until_poison as usize;
        while let Some(&id) = ids.get(turn) {
            turn += 1;
            if self.poison_every > 1 {
                turn = turn.saturating_add(gap(parts.random, self.poison_every) as usize);
            }
            if let Some(&after) = ids.get(turn) {
                self.prefetch(after);
            }
            self.poison(id);
        }
        *parts.until_poison = (turn - ids.len()) as u64;
    }

    /// A poisoned page of a magazine that will be verified soon, after those that were taken from `first` on.
    #[inline]
    pub(super) fn poisoned_below(
        &self,
        magazine: &MagazineMut<'_>,
        first: Location,
    ) -> Option<PageId> {
        if !FETCHES_AHEAD || !M::POISONS || self.addresses_only {
            return None;
        }
        // Where few pages are poisoned, the one before the next is passed too soon.
        let ahead = if self.poison_every == 1 { 1 } else { SAMPLED_AHEAD };
        let id = (magazine.len() >= ahead).then(|| self.magazines.get(first - ahead));
        id.filter(|&id| self.has_poison_mark(id))
    }

    /// Poisons a page that is freed without a slot, if it is its turn.
    pub(super) fn poison_without_slot(&self, id: PageId) {
        if !M::POISONS {
            return;
        }
        // No state is at hand: the number of frees so far serves for one, spread over all its bits.
        let mut random = self.counters.poison_turns.fetch_add(1, Ordering::Relaxed);
        random = random.wrapping_mul(GOLDEN);
        if below(&mut random, u64::from(self.poison_every)) == 0 {
            self.poison(id);
        }
    }

    /// Shuffles the loaded magazine, so that the next page cannot be foretold from the order of frees. A page
    /// whose word does not say that it lies there is withheld.
    pub(super) fn shuffle(&self, parts: &mut Parts<'_>) {
        // At hand: the stores below would have it loaded again for each page.
        let words = &*self.words;
        let mut ids = [PageId::new(0); MAGAZINE_MAX];
        let (mut n, mut places) = (0, 0);
        // Out of the magazine meanwhile: a look never finds a page that changes its location (`audit`).
        for (location, id) in parts.loaded.take_ids::<M>() {
            let word = words.get(id.index() as usize);
            if !word.is_some_and(|word| word.load() == PageState::resting(location)) {
                self.withhold_corrupt(id);
                continue;
            }
            // One number is four places of 16 bits: none is more likely than another by more than one in 256.
            if n % 4 == 0 {
                places = next(parts.random);
            }
            // Each takes the place of one of those before it, which goes to the end, or goes there itself.
            let place = ((places & 0xffff) as usize * (n + 1)) >> 16;
            places >>= 16;
            ids[n] = ids[place];
            ids[place] = id;
            n += 1;
        }
        let mut room = parts.loaded.room(n);
        for ((&id, entry), location) in ids[..n].iter().zip(room.entries()).zip(room.location()..) {
            words[id.index() as usize].rest(location);
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
        self.with_access(id, || {
            // SAFETY: the page is in the region, and its owner gave it up to the caller, who has it for itself.
            unsafe { self.address(id).write_bytes(POISON, self.page_size()) }
        });
        self.set_poison_mark(id);
    }

    /// Marks a page that has been poisoned.
    pub(super) fn set_poison_mark(&self, id: PageId) {
        let index = id.index() as usize;
        // Relaxed: who takes the page out has what was done to it before, by the slot's lock, a depot's word
        // or the zone's.
        self.poisoned[index / 64].fetch_or(1 << (index % 64), Ordering::Relaxed);
    }

    /// Whether a page has a poison mark, as far as a hint needs to know.
    fn has_poison_mark(&self, id: PageId) -> bool {
        let index = id.index() as usize;
        let word = self.poisoned.get(index / 64);
        // Relaxed: a hint.
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (index % 64)) != 0)
    }

    /// Which of at most 64 pages have a poison mark, as bits. Without a branch for each: which have is random.
    pub(super) fn poison_marks(&self, ids: &[PageId]) -> u64 {
        let bit = |(at, &id): (usize, &PageId)| u64::from(self.has_poison_mark(id)) << at;
        ids.iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit)
    }

    /// Brings the start of a page nearer, so that whoever writes or reads all of it soon does not wait for it;
    /// the processor foresees the rest.
    pub(super) fn prefetch(&self, id: PageId) {
        if self.addresses_only {
            return;
        }
        let bytes = self.page_size().min(PREFETCHED);
        for offset in (0..bytes).step_by(LINE) {
            fetch_ahead(self.address(id).wrapping_add(offset));
        }
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
        self.with_access(id, || self.find_change(id))
    }

    fn find_change(&self, id: PageId) -> Option<u64> {
        // SAFETY: the page is in the region, initialised, and the caller has just taken it.
        let bytes = unsafe { core::slice::from_raw_parts(self.address(id), self.page_size()) };
        // A page has a line at the least. If all bytes are the same, each line is as the one before it: so the page
        // is compared with itself, a line later, by the platform's own comparison.
        let (first, rest) = bytes.split_at(LINE);
        if first == [POISON; LINE] && rest == &bytes[..rest.len()] {
            return None;
        }
        bytes.iter().position(|&byte| byte != POISON).map(|offset| offset as u64)
    }
}

#[cfg(test)]
mod tests;
