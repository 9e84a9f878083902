//! A cache slot, as a lock.

use super::Block;
use crate::cache::Slot;
use crate::magazine::{MagazinePlan, Magazines};
use crate::metadata::MetadataLayout;

/// A cache slot.
pub struct Lock {
    slot: Slot,
    _magazines: Magazines,
    _block: Block,
}

/// A cache slot that is held.
pub struct Locked<'a>(&'a Slot);

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

impl Lock {
    /// A slot that nobody holds.
    #[must_use]
    pub fn new() -> Self {
        let mut plan = MetadataLayout::starting_with::<()>();
        let magazines = MagazinePlan::new(&mut plan, 2, 1).expect("models are small");
        let block = Block::new(&plan);
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block.0, magazines) };
        Lock { slot: Slot::new(&magazines, 1, 0, 1), _magazines: magazines, _block: block }
    }

    /// Holds the slot, if nobody else does.
    #[must_use]
    pub fn try_lock(&self) -> Option<Locked<'_>> {
        self.slot.try_lock().then(|| Locked(&self.slot))
    }
}

impl Locked<'_> {
    /// Adds one to a counter that has no more protection than the lock, and to a cell that has none either.
    /// Returns both.
    pub fn count(&self) -> (u64, u32) {
        let counter = &self.0.counters.allocated;
        counter.add(1);
        // SAFETY: the slot is held.
        let cell = unsafe { self.0.cursor.get() } + 1;
        // SAFETY: as above.
        unsafe { self.0.cursor.set(cell) };
        (counter.get(), cell)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
