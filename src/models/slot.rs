//! A cache slot, as a lock.

use super::{Block, store};
use crate::magazine::{Magazine, MagazineLayout, Magazines};
use crate::metadata::MetadataLayout;
use crate::mode::{Bare, Checked};
use crate::page::PageId;
use crate::slot::{Claim, Slot, SlotGuard, SlotMut, SlotOwner, StolenSlot};
use crate::sync::{fence_all_threads, heavy_fence};
use crate::zone::Cursor;

/// A cache slot.
pub struct Lock {
    slot: Slot,
    _magazines: Magazines,
    _block: Block,
}

/// A cache slot that is locked.
pub struct Locked<'a>(SlotGuard<'a>);

/// A cache slot that has an owner.
pub struct Owned<'a, const STEALABLE: bool = false>(SlotOwner<'a, STEALABLE>);

/// A cache slot that somebody has claimed, who has not looked whether its owner was in a call.
pub struct Claimed<'a>(Claim<'a>);

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
            slot: Slot::new(&magazines, own, Cursor::default(), 0, 1, 0),
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

    /// The same, for an owner from whom others may take between its calls.
    #[must_use]
    pub fn try_own_stealable(&self) -> Option<Owned<'_, true>> {
        self.slot.try_lock().map(|guard| Owned(guard.into_owner()))
    }

    /// Claims the slot, if its owner can be stolen from.
    #[must_use]
    pub fn try_claim(&self) -> Option<Claimed<'_>> {
        self.slot.try_claim().map(Claimed)
    }

    /// Takes from the slot, if its owner is idle.
    #[must_use]
    pub fn try_steal(&self) -> Option<Stolen<'_>> {
        self.slot.try_steal().map(Stolen)
    }
}

impl<'a, const STEALABLE: bool> Owned<'a, STEALABLE> {
    /// Lets others take from the slot.
    pub fn go_idle(&mut self) {
        self.0.go_idle();
    }

    /// As [`Locked::count`], if the owner can have the slot again.
    pub fn count(&mut self) -> Option<(u64, u32)> {
        self.0.enter().as_mut().take_back().map(count)
    }

    /// The same in two calls of the slot, between which somebody may begin to take.
    pub fn count_twice(&mut self) -> [Option<(u64, u32)>; 2] {
        let mut call = self.0.enter();
        [(); 2].map(|()| call.as_mut().take_back().map(count))
    }

    /// As [`Self::count`], as fast paths do: only if nobody has asked for anything.
    pub fn count_fast(&mut self) -> Option<(u64, u32)> {
        self.0.enter().as_mut().undisturbed().map(count)
    }

    /// Takes the last id out of the loaded magazine, by the fast path.
    pub fn take_fast(&mut self) -> Option<PageId> {
        let mut call = self.0.enter();
        let entries = call.as_mut().fast().entries(1)?;
        let mut out = [core::mem::MaybeUninit::uninit()];
        entries.pop::<Checked>(&mut out);
        // SAFETY: `pop` wrote it.
        Some(unsafe { out[0].assume_init() })
    }

    /// Puts an id into the loaded magazine, which has room for one. Says whether the owner has the slot.
    ///
    /// # Panics
    /// When it is full.
    pub fn put(&mut self, id: PageId) -> bool {
        let put = |slot: SlotMut<'_>| store::put(&mut slot.parts().loaded, id);
        self.0.enter().as_mut().take_back().map(put).is_some()
    }

    /// Whether the fast path may run: the owner has the slot, and nobody wants it.
    pub fn fast(&mut self) -> bool {
        self.0.enter().as_mut().fast().entries(0).is_some()
    }

    /// Gives the slot up for good.
    #[must_use]
    pub fn leave(mut self) -> Option<Locked<'a>> {
        self.0.leave().map(Locked)
    }
}

impl<'a> Claimed<'a> {
    /// Makes a heavy fence, and takes from the slot if its owner was in no call.
    ///
    /// # Errors
    /// The slot, if its owner is gone, or nothing.
    pub fn steal(self) -> Result<Stolen<'a>, Option<Locked<'a>>> {
        let withdraw = |claim: Claim<'a>| claim.withdraw().map(Locked);
        match heavy_fence(fence_all_threads) {
            Some(fenced) => self.0.steal(&fenced).map(Stolen).map_err(withdraw),
            None => Err(withdraw(self.0)),
        }
    }
}

impl<'a> Stolen<'a> {
    /// Takes the last id out of the loaded magazine.
    pub fn take(&mut self) -> Option<PageId> {
        store::take(&mut self.0.as_mut().parts().loaded)
    }

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
    parts.cursor.at += 1;
    (parts.counters.allocated.get(), parts.cursor.at)
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
