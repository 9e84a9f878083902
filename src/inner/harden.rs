//! What only hardened modes do: poison in free pages, and a shuffled order of reuse.

use super::{Core, Tables};
use crate::cache::Slot;
use crate::mode::Mode;
use crate::page::{PageId, PageState, Place};

/// Every byte of a free page.
const POISON: u8 = 0xaa;

impl<M: Mode> Core<M> {
    /// Poisons the pages of a new pool, so that the first allocation can verify them too.
    pub(crate) fn poison_all(&self) {
        if M::HARDENED {
            (0..self.pages).for_each(|index| self.poison(PageId::new(index)));
        }
    }

    /// Shuffles the loaded magazine, so that the next page cannot be foretold from the order of frees.
    ///
    /// # Safety
    /// The caller holds the slot.
    pub(super) unsafe fn shuffle(&self, slot: &Slot) {
        // SAFETY: the caller holds the slot, here and below.
        let mut random = unsafe { slot.random.get() };
        // SAFETY: as above: the slot's holder owns its hands.
        let (start, end) = unsafe { (slot.loaded.start(), slot.loaded.end()) };
        // SAFETY: as above.
        unsafe { slot.loaded.begin_writing() };
        // A look never finds pages that change places (`audit`).
        // SAFETY: as above.
        unsafe { slot.loaded.publish::<M>(start) };
        for place in (start + 1..end).rev() {
            // Marsaglia's xorshift: cheap, and unpredictable enough to spoil an accident.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = start + (random % u64::from(place + 1 - start)) as u32;
            let (here, there) = (self.magazines.get(place), self.magazines.get(other));
            if here == there || !(self.is_at(here, place) && self.is_at(there, other)) {
                continue;
            }
            for (to, id) in [(place, there), (other, here)] {
                // SAFETY: both places lie in the loaded magazine, which the slot's holder owns.
                unsafe { slot.loaded.put(to, id) };
                self.word(id).rest(to);
            }
        }
        // SAFETY: as above; every place below the end holds an id.
        unsafe { slot.loaded.publish::<M>(end) };
        // SAFETY: as above.
        unsafe { slot.random.set(random) };
    }

    /// Whether a page's word says that it lies here; one that does not is left for `leaves` to find.
    fn is_at(&self, id: PageId, place: Place) -> bool {
        self.word(id).load() == PageState::resting(place)
    }
}

impl Tables {
    /// Overwrites a page that its owner has just given up.
    pub(super) fn poison(&self, id: PageId) {
        if !self.addresses_only {
            // SAFETY: the page is in the region, and whoever called owns it until it is published.
            unsafe { self.address(id).write_bytes(POISON, self.page_size()) };
        }
    }

    /// The first byte of a free page that somebody has written since it was poisoned, if there is one.
    pub(super) fn changed_at(&self, id: PageId) -> Option<u32> {
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
        bytes.iter().position(|&byte| byte != POISON).map(|offset| offset as u32)
    }
}
