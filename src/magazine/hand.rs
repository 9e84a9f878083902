//! A magazine in its owner's hand.
//!
//! Invariant: while a magazine is in a hand, the hand's `end` is the true one and the head's is its published copy.
//! The owner works on figures of its own, at fixed offsets from one pointer, and only *writes* the shared line: at
//! one page a call, reading the shared end back would cost more than all the rest.

use core::mem::MaybeUninit;

use super::{Head, Magazine, Magazines};
use crate::page::{PageId, Place};
use crate::sync::{Atomic, Ordering, Owned, copy_in, copy_out};

/// What the owner of a magazine knows of it. All methods but `new` demand that the caller owns the hand.
pub(crate) struct Hand {
    magazine: Owned<Magazine>,
    start: Owned<Place>,
    end: Owned<Place>,
    limit: Owned<Place>,
    head: Owned<*const Head>,
}

impl Hand {
    /// Takes up a magazine that the caller owns.
    pub(crate) fn new(magazines: &Magazines, magazine: Magazine) -> Self {
        let start = magazines.start(magazine);
        Hand {
            magazine: Owned::new(magazine),
            start: Owned::new(start),
            end: Owned::new(magazines.end(magazine)),
            limit: Owned::new(start + magazines.capacity),
            head: Owned::new(magazines.head(magazine)),
        }
    }

    /// Which magazine it is.
    ///
    /// # Safety
    /// The caller owns the hand, here and below.
    pub(crate) unsafe fn magazine(&self) -> Magazine {
        // SAFETY: the caller owns the hand.
        unsafe { self.magazine.get() }
    }

    /// Takes up another magazine, which the caller owns, in place of this one, which it no longer does.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    pub(crate) unsafe fn replace(&self, magazines: &Magazines, magazine: Magazine) {
        // SAFETY: the caller owns both hands.
        unsafe { self.swap(&Hand::new(magazines, magazine)) };
    }

    /// Exchanges what two hands hold.
    ///
    /// # Safety
    /// The caller owns both.
    pub(crate) unsafe fn swap(&self, other: &Hand) {
        /// # Safety
        /// The caller owns both.
        unsafe fn swap<T: Copy>(a: &Owned<T>, b: &Owned<T>) {
            // SAFETY: the caller owns both.
            let (of_a, of_b) = unsafe { (a.get(), b.get()) };
            // SAFETY: the caller owns it.
            unsafe { a.set(of_b) };
            // SAFETY: the caller owns it.
            unsafe { b.set(of_a) };
        }
        // SAFETY: the caller owns both, field by field.
        unsafe {
            swap(&self.magazine, &other.magazine);
            swap(&self.start, &other.start);
            swap(&self.end, &other.end);
            swap(&self.limit, &other.limit);
            swap(&self.head, &other.head);
        }
    }

    /// The first place.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    pub(crate) unsafe fn start(&self) -> Place {
        // SAFETY: the caller owns the hand.
        unsafe { self.start.get() }
    }

    /// The place after the last id.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn end(&self) -> Place {
        // SAFETY: the caller owns the hand.
        unsafe { self.end.get() }
    }

    /// How many ids the magazine holds.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn len(&self) -> usize {
        // SAFETY: the caller owns the hand.
        unsafe { (self.end.get() - self.start.get()) as usize }
    }

    /// How many more it can hold.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn room(&self) -> usize {
        // SAFETY: the caller owns the hand.
        unsafe { (self.limit.get() - self.end.get()) as usize }
    }

    /// Takes the last `out.len()` ids, in the order in which they were put.
    ///
    /// # Safety
    /// As [`Self::magazine`]; the magazine holds as many.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, magazines: &Magazines, out: &mut [MaybeUninit<PageId>]) {
        // SAFETY: the caller owns the hand; its head lives as long as the magazines.
        unsafe { (*self.head.get()).turn.reads() };
        // SAFETY: as above.
        let end = unsafe { self.end.get() } - out.len() as u32;
        // SAFETY: `end` is a place of this magazine.
        let from = unsafe { magazines.slots.at(end as usize) };
        // SAFETY: the slots from `end` on hold ids, and only the owner writes them.
        unsafe { copy_out(from, out) };
        // SAFETY: the ids below `end` are still there.
        unsafe { self.publish(end) };
    }

    /// Adds ids, where nobody looks: in modes without checks.
    ///
    /// # Safety
    /// As [`Self::magazine`]; there is room, and the mode does not check.
    #[inline(always)]
    pub(crate) unsafe fn push_unseen(&self, magazines: &Magazines, ids: &[PageId]) {
        // SAFETY: the caller owns the hand.
        let end = unsafe { self.end.get() };
        // SAFETY: as above.
        unsafe { self.begin_writing() };
        // SAFETY: `end` is a place of this magazine, or the one after it when `ids` is empty.
        let to = unsafe { magazines.slots.at(end as usize) };
        // SAFETY: there is room for all ids, and nobody else touches the slots.
        unsafe { copy_in(to, ids) };
        // SAFETY: the ids have just been written.
        unsafe { self.publish(end + ids.len() as u32) };
    }

    /// The caller is about to write slot by slot.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn begin_writing(&self) {
        // SAFETY: the caller owns the hand; its head lives as long as the magazines.
        unsafe { (*self.head.get()).turn.writes() };
    }

    /// The slots from the end on, to be written and then published.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn vacant<'a>(&self, magazines: &'a Magazines) -> &'a [Atomic<u32>] {
        // SAFETY: the caller owns the hand, here and below.
        unsafe { self.begin_writing() };
        // SAFETY: as above; the end is a place of this magazine, or the one after it.
        let first = unsafe { magazines.slots.at(self.end() as usize) };
        // SAFETY: as above; so many slots are left in the magazine.
        unsafe { core::slice::from_raw_parts(first, self.room()) }
    }

    /// Stores an id at a place of this magazine, where others may be looking.
    ///
    /// # Safety
    /// As [`Self::magazine`]; the place is one of this magazine's.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, magazines: &Magazines, place: Place, id: PageId) {
        // SAFETY: a place of a magazine lies in the table.
        let slot = unsafe { &*magazines.slots.at(place as usize) };
        // Relaxed: the Release store of the end publishes it.
        slot.store(id.index(), Ordering::Relaxed);
    }

    /// Moves the end.
    ///
    /// Release, also when the end moves down: a looker that reads this store must see every slot stored before it,
    /// or it would take an id that has long left for one that is still there. Pairs with the Acquire in `holds`.
    ///
    /// # Safety
    /// As [`Self::magazine`]; every place below the end holds an id.
    #[inline(always)]
    pub(crate) unsafe fn publish(&self, end: Place) {
        // SAFETY: the caller owns the hand.
        unsafe { self.end.set(end) };
        // SAFETY: the head lives as long as the magazines.
        unsafe { (*self.head.get()).end.store(end, Ordering::Release) };
    }
}
