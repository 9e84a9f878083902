//! After a fork: the child takes back what the parent's other threads left behind.
//!
//! Invariant: in the child those threads stand still for ever, each wherever it was. Every word is
//! whole, and what a thread did before it gave something up is there. So what was given up can be
//! trusted: bits of the zone, magazines on the depots' stacks, slots that nobody had, or whose owner
//! was idle. What a thread had for itself cannot: a magazine in a locked slot, or in no slot and on
//! no stack, may be half written. Its number goes on without what it held.
//!
//! Where others look into magazines, in checking modes, a page that lies below the end of one, and
//! whose word says so, is free at every moment (`magazine`). Such pages are taken back. All that is
//! nowhere then, and does not count as out, is lost.
//!
//! `recover` takes the same steps, when nobody is in a call, for magazines that a fault has lost.

use core::ptr::NonNull;

use super::Core;
use crate::depot::{Depot, Stack};
use crate::magazine::{Link, Magazine};
use crate::mode::{Mode, Policy};
use crate::page::{PageId, ZONE};
use crate::slot::{OwnerMut, SlotMut};
use crate::sync::Ordering;

/// The child of a fork, in the middle of [`Core::after_fork`].
pub struct AfterFork<'a, M: Mode>(&'a Core<M>);

impl<M: Mode> Core<M> {
    /// Puts into the zone all that nobody had. Tell the result which slots are kept, and let it
    /// finish.
    ///
    /// # Safety
    /// The caller is the only thread that uses the core from now on, and is in no other call of it.
    /// No guard of a slot is used or dropped any more, but those that the result is told to keep,
    /// none of which was in a call at the fork.
    pub(crate) unsafe fn after_fork(&self) -> AfterFork<'_, M> {
        self.zone.put_back_held(|id| {
            if M::POISONS {
                // Its memory may have gone back.
                self.take_poison_mark(id);
            }
        });
        self.zone.rebuild();
        self.line.forget();
        let _ = self.drain_shared();
        self.drain_idle(|_| true);
        self.drain_depots();
        self.depots.iter().for_each(Depot::forget);
        self.fenced.forget_queues();
        self.magazines.forget_links();
        self.exact_turn.reset();
        self.upkeep.reset();
        AfterFork(self)
    }

    /// Takes back what a magazine held that nobody has any more, as far as it can be trusted. It is
    /// empty then.
    fn take_back(&self, magazine: Magazine) -> Magazine {
        let mut open = self.magazines.open::<M>(magazine);
        for (location, id) in open.as_mut().take_ids::<M>() {
            if M::CHECKS && self.rests_at(id, location) {
                self.rest(id, ZONE);
                self.forbid([id]);
                self.zone.put(&[id], |id| self.taint(id));
            }
        }
        open.close::<M>(&self.magazines).0
    }

    /// Counts as lost what is nowhere and not out, and marks it as a page that is out is marked: to
    /// a look both are missing. No page counts as bad any more that no word names.
    ///
    /// The figure of pages out may be off by what calls had moved but not counted, or counted but
    /// not moved: it becomes one that can be. Not where something was corrupt, for then a page that
    /// is out may seem to be elsewhere: too low a figure would end the pool under its owner.
    fn count_lost(&self) {
        self.recount_bad();
        self.offline.recount(self.pages as usize);
        let free = (self.zone.free() + self.cached()) as u64;
        let somewhere = free + self.bad() + self.offline.len() + self.line.promised();
        let missing = u64::from(self.pages).saturating_sub(somewhere);
        let counted = self.out();
        let is_corrupt = self.is_tainted() || self.bad() > 0 || M::CHECKS && self.misplaced() > 0;
        let most = if is_corrupt && counted <= self.pages.into() { counted } else { missing };
        let out = (counted as i64).clamp(0, most as i64) as u64;
        // Relaxed: the caller is alone.
        self.counters.uncached_balance.fetch_add(out.wrapping_sub(counted), Ordering::Relaxed);
        self.recount_given();
        self.counters.lost.store(missing.saturating_sub(out), Ordering::Relaxed);
        if M::CLAIMS {
            self.claim_missing();
        }
        if M::COMPACT {
            self.mark_missing();
        }
    }

    /// Marks as held every page that is nowhere, and whose word says that it rests somewhere.
    fn claim_missing(&self) {
        for id in (0..self.pages).map(PageId::new) {
            let location = self.word(id).load().location();
            if !self.is_member(location, id) {
                self.word(id).claim(location);
            }
        }
    }
}

impl<M: Mode> AfterFork<'_, M> {
    /// Whether it is of this core.
    pub(crate) fn is_of(&self, core: NonNull<Core<M>>) -> bool {
        NonNull::from(self.0) == core
    }

    /// The slot's owner goes on, with what the slot holds; or with none of it, if the owner was idle, and one who
    /// is gone had begun to take from the slot.
    pub(crate) fn keep<const STEALABLE: bool>(&self, mut owner: OwnerMut<'_, STEALABLE>) {
        match owner.reborrow().take_back() {
            Some(slot) => {
                self.note_in_slot(slot);
                owner.keep();
            }
            None => owner.keep_empty(),
        }
    }

    fn note_in_slot(&self, slot: SlotMut<'_>) {
        let mut parts = slot.parts();
        parts.loaded.note_in_slot(&self.0.magazines);
        parts.previous.note_in_slot(&self.0.magazines);
    }

    /// Opens the slots of all who do not go on, and counts what is lost.
    pub(crate) fn finish(self) {
        let core = self.0;
        self.reopen();
        core.count_lost();
        core.begin_to_fill_reserve();
    }

    /// Opens the slots of all who do not go on, with the magazines that are left. Others of these
    /// go to the depots, evenly. All are empty.
    pub(super) fn reopen(self) {
        let core = self.0;
        for slot in core.slots.iter() {
            if let Some(mut slot) = slot.try_lock() {
                self.note_in_slot(slot.as_mut());
            }
        }
        // Nor in the queue of a fence: what is fenced goes back there.
        let is_left = |&number: &u32| core.magazines.link(number).mark() == Link::NONE.mark();
        let mut left = (1..core.magazines.count()).filter(is_left).filter_map(|number| {
            // SAFETY: it is on no stack, for there is none on any, and in no slot that somebody
            // goes on to use; whoever else had its value is gone. Each number comes once.
            let magazine = unsafe { Magazine::from_number(number) };
            Some(core.take_back(core.fence_again(magazine)?))
        });
        for slot in core.slots.iter() {
            let mut own = || Some([left.next()?, left.next()?]);
            // SAFETY: the guards that are still used were kept, by the promise made to
            // `after_fork`.
            unsafe { slot.reopen(&core.magazines, &mut own) };
        }
        for (magazine, depot) in left.zip(core.depots.iter().cycle()) {
            depot.push(&core.magazines, magazine, 0, Stack::Empty);
        }
    }
}

#[cfg(test)]
mod tests;
