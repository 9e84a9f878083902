//! A magazine in its owner's hand.
//!
//! Invariant: while a magazine is in a hand, the hand's `len` is the true one and the head's is its published copy.
//! The owner works on figures of its own, at fixed offsets from one pointer, and only *writes* the shared line: at
//! one page a call, reading the shared end back would cost more than all the rest.

use core::mem::MaybeUninit;

use super::{Head, Magazine, Magazines};
use crate::page::{PageId, Place};
use crate::sync::{Atomic, Ordering, Owned, copy_in, copy_out, ordering};

/// What the owner of a magazine knows of it. All methods but `new` demand that the caller owns the hand.
pub(crate) struct Hand {
    len: Owned<u32>,
    capacity: Owned<u32>,
    slots: Owned<*const Atomic<u32>>,
    head: Owned<*const Head>,
    start: Owned<Place>,
    magazine: Owned<Magazine>,
}

impl Hand {
    /// Takes up a magazine that the caller owns.
    pub(crate) fn new(magazines: &Magazines, magazine: Magazine) -> Self {
        let start = magazines.start(magazine);
        Hand {
            len: Owned::new(magazines.len(magazine)),
            capacity: Owned::new(magazines.capacity),
            slots: Owned::new(&raw const magazines.slots[start as usize]),
            head: Owned::new(magazines.head(magazine)),
            start: Owned::new(start),
            magazine: Owned::new(magazine),
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
            swap(&self.len, &other.len);
            swap(&self.slots, &other.slots);
            swap(&self.head, &other.head);
            swap(&self.start, &other.start);
            swap(&self.magazine, &other.magazine);
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
        // SAFETY: the caller owns the hand, here and below.
        let start = unsafe { self.start.get() };
        // SAFETY: as above.
        start + unsafe { self.len.get() }
    }

    /// How many ids the magazine holds.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn len(&self) -> usize {
        // SAFETY: the caller owns the hand.
        unsafe { self.len.get() as usize }
    }

    /// How many more it can hold.
    ///
    /// # Safety
    /// As [`Self::magazine`].
    #[inline(always)]
    pub(crate) unsafe fn room(&self) -> usize {
        // SAFETY: the caller owns the hand.
        unsafe { (self.capacity.get() - self.len.get()) as usize }
    }

    /// Takes the last `out.len()` ids, in the order in which they were put.
    ///
    /// # Safety
    /// As [`Self::magazine`]; the magazine holds as many.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, out: &mut [MaybeUninit<PageId>]) {
        // SAFETY: the caller owns the hand; its head lives as long as the magazines.
        unsafe { (*self.head.get()).turn.reads() };
        // SAFETY: as above.
        let len = unsafe { self.len.get() } - out.len() as u32;
        // SAFETY: the slots from `len` on hold ids, and only the owner writes them.
        unsafe { copy_out(self.slot(len), out) };
        // SAFETY: the ids below `len` are still there.
        unsafe { self.set_len(len) };
    }

    /// Adds ids, where nobody looks: in modes without checks.
    ///
    /// # Safety
    /// As [`Self::magazine`]; there is room, and the mode does not check.
    #[inline(always)]
    pub(crate) unsafe fn push_unseen(&self, ids: &[PageId]) {
        // SAFETY: the caller owns the hand.
        let len = unsafe { self.len.get() };
        // SAFETY: as above.
        unsafe { self.begin_writing() };
        // SAFETY: there is room for all ids, and nobody else touches the slots.
        unsafe { copy_in(self.slot(len), ids) };
        // SAFETY: the ids have just been written.
        unsafe { self.set_len(len + ids.len() as u32) };
    }

    /// The address of a slot.
    ///
    /// # Safety
    /// As [`Self::magazine`]; `index` is at most the capacity.
    #[inline(always)]
    unsafe fn slot(&self, index: u32) -> *const Atomic<u32> {
        // SAFETY: the caller owns the hand.
        let slots = unsafe { self.slots.get() };
        // SAFETY: the magazine has as many slots.
        unsafe { slots.add(index as usize) }
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
    /// As [`Self::magazine`], for as long as the slots are used, which is no longer than the magazines live.
    #[inline(always)]
    pub(crate) unsafe fn vacant<'a>(&self) -> &'a [Atomic<u32>] {
        // SAFETY: the caller owns the hand, here and below.
        unsafe { self.begin_writing() };
        // SAFETY: as above; the length is at most the capacity.
        let first = unsafe { self.slot(self.len.get()) };
        // SAFETY: as above; so many slots are left in the magazine.
        unsafe { core::slice::from_raw_parts(first, self.room()) }
    }

    /// Stores an id at a place of this magazine, where others may be looking.
    ///
    /// # Safety
    /// As [`Self::magazine`]; the place is one of this magazine's.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, place: Place, id: PageId) {
        // SAFETY: the caller owns the hand, and the place is one of the magazine's.
        let slot = unsafe { &*self.slot(place - self.start.get()) };
        // Relaxed: the Release store of the end publishes it.
        slot.store(id.index(), Ordering::Relaxed);
    }

    /// Moves the end.
    ///
    /// # Safety
    /// As [`Self::magazine`]; every place below the end holds an id.
    #[inline(always)]
    pub(crate) unsafe fn publish(&self, end: Place) {
        // SAFETY: passed on to the caller.
        unsafe { self.set_len(end - self.start.get()) };
    }

    /// Moves the end to so many ids.
    ///
    /// Release, also when the end moves down: a looker that reads this store must see every slot stored before it,
    /// or it would take an id that has long left for one that is still there. Pairs with the Acquire in `beside`.
    ///
    /// # Safety
    /// As [`Self::publish`].
    #[inline(always)]
    unsafe fn set_len(&self, len: u32) {
        // SAFETY: the caller owns the hand.
        unsafe { self.len.set(len) };
        // SAFETY: the head lives as long as the magazines.
        unsafe { (*self.head.get()).len.store(len, ordering!(Release, "foreign-publish")) };
    }
}
