//! A cache slot, as a lock.

use super::{Block, store};
use crate::magazine::{Magazine, MagazineLayout, Magazines};
use crate::metadata::MetadataLayout;
use crate::mode::Bare;
use crate::page::PageId;
use crate::slot::{Slot, SlotGuard, SlotMut, SlotOwner, StolenSlot};

/// A cache slot.
pub struct Lock {
    slot: Slot,
    _magazines: Magazines,
    _block: Block,
}

/// A cache slot that is locked.
pub struct Locked<'a>(SlotGuard<'a>);

/// A cache slot that has an owner.
pub struct Owned<'a>(SlotOwner<'a>);

/// A cache slot whose owner is idle, for who takes from it.
pub struct Stolen<'a>(StolenSlot<'a>);

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

    /// Locks the slot for as long as its owner lives, if nobody else has.
    #[must_use]
    pub fn try_own(&self) -> Option<Owned<'_>> {
        self.slot.try_lock().map(|guard| Owned(guard.into_owner()))
    }

    /// Takes from the slot, if its owner is idle.
    #[must_use]
    pub fn try_steal(&self) -> Option<Stolen<'_>> {
        self.slot.try_steal().map(Stolen)
    }
}

impl<'a> Owned<'a> {
    /// Lets others take from the slot.
    pub fn go_idle(&mut self) {
        self.0.go_idle();
    }

    /// As [`Locked::count`], if the owner can have the slot again.
    pub fn count(&mut self) -> Option<(u64, u32)> {
        self.0.as_mut().take_back().map(count)
    }

    /// Whether the fast path may run: the owner has the slot, and nobody wants it.
    pub fn fast(&mut self) -> bool {
        self.0.as_mut().fast().entries(0).is_some()
    }

    /// Gives the slot up for good.
    #[must_use]
    pub fn leave(mut self) -> Option<Locked<'a>> {
        self.0.leave().map(Locked)
    }
}

impl<'a> Stolen<'a> {
    /// As [`Locked::count`].
    pub fn count(&mut self) -> (u64, u32) {
        count(self.0.as_mut())
    }

    /// Gives the slot back: to its owner, or to the caller, if that is gone.
    #[must_use]
    pub fn give_back(self) -> Option<Locked<'a>> {
        self.0.give_back().map(Locked)
    }
}

/// Adds one to a counter that has no more protection than the lock, and to a cell that has none either.
fn count(slot: SlotMut<'_>) -> (u64, u32) {
    let parts = slot.parts();
    parts.counters.count_alloc::<Bare>(1);
    *parts.cursor += 1;
    (parts.counters.allocated.get(), *parts.cursor)
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
        count(self.0.as_mut())
    }
}
