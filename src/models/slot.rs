//! A cache slot, as a lock.

use super::{Block, store};
use crate::magazine::{Magazine, MagazineLayout, Magazines};
use crate::metadata::MetadataLayout;
use crate::mode::Bare;
use crate::page::PageId;
use crate::slot::{Slot, SlotGuard};

/// A cache slot.
pub struct Lock {
    slot: Slot,
    _magazines: Magazines,
    _block: Block,
}

/// A cache slot that is locked.
pub struct Locked<'a>(SlotGuard<'a>);

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

impl Lock {
    /// A slot that nobody has locked.
    #[must_use]
    pub fn new() -> Self {
        let mut layout = MetadataLayout::starting_with::<()>();
        let magazines = MagazineLayout::new(&mut layout, 2, 1).expect("models are small");
        let block = Block::new(&layout);
        let magazines = Magazines::new(&mut block.tables(), magazines);
        // SAFETY: each of the two magazines is made once.
        let own = [1, 2].map(|number| unsafe { Magazine::from_number(number) });
        Lock {
            slot: Slot::new(&magazines, own, [0; 2], 1, 0),
            _magazines: magazines,
            _block: block,
        }
    }

    /// Locks the slot, if nobody else has.
    #[must_use]
    pub fn try_lock(&self) -> Option<Locked<'_>> {
        self.slot.try_lock().map(Locked)
    }
}

impl Locked<'_> {
    /// Puts an id into the loaded magazine, which has room for one.
    ///
    /// # Panics
    /// When it is full.
    pub fn put(&mut self, id: PageId) {
        store::put(&mut self.0.as_mut().parts().loaded, id);
    }

    /// Takes the last id out of the loaded magazine.
    pub fn take(&mut self) -> Option<PageId> {
        store::take(&mut self.0.as_mut().parts().loaded)
    }

    /// Adds one to a counter that has no more protection than the lock, and to a cell that has none either.
    /// Returns both.
    ///
    /// Two threads cannot call it through one guard:
    ///
    /// ```compile_fail,E0596
    /// let lock = pagesheaf::models::Lock::new();
    /// let locked = lock.try_lock().unwrap();
    /// let shared = &locked;
    /// shared.count();
    /// ```
    pub fn count(&mut self) -> (u64, u32) {
        let parts = self.0.as_mut().parts();
        parts.counters.count_alloc::<Bare>(1);
        *parts.cursor += 1;
        (parts.counters.allocated.get(), *parts.cursor)
    }
}
