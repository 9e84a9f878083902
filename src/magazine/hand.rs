//! A magazine in its owner's hand.
//!
//! Invariant: while a magazine is in a hand, the hand's `len` is the true one. In modes that check, magazines are
//! *watched*: others look at the head, so it has a copy of the length at all times. In modes that do not, the head's
//! is zero meanwhile, and gets the true one when the magazine is put down. The owner works on figures of its own, at
//! fixed offsets from one pointer, and only *writes* the shared line.
//!
//! Where the last id lies is kept as an address too: `top` is that of the slot at `start + len`.
//!
//! Lengths are stored before ids are copied where nobody looks: a store behind the copy would wait for it, and the
//! next call for the store.

use core::mem::MaybeUninit;

use super::{Head, Magazine, Magazines};
use crate::mode::{Bare, Mode};
use crate::page::{PageId, Place};
use crate::sync::{Atomic, Ordering, Owned, copy_in, copy_out, ordering, own};

/// What the owner of a magazine knows of it. All methods but `new` and `held` demand that the caller owns the hand.
pub(crate) struct Hand {
    /// Only the owner writes it; others may read it as a hint, or for a report.
    len: Atomic<u32>,
    capacity: Owned<u32>,
    /// The slot after the last id, and not the first one: a copy's address is then one figure, and not two.
    top: Owned<*const Atomic<u32>>,
    head: Owned<*const Head>,
    start: Owned<Place>,
    magazine: Owned<Magazine>,
}

impl Hand {
    /// Takes up a magazine that the caller owns.
    pub(crate) fn new<M: Mode>(magazines: &Magazines, magazine: Magazine) -> Self {
        let (start, len) = (magazines.start(magazine), magazines.len(magazine));
        // Of the whole table: a pointer to one slot would not be good for the next.
        // SAFETY: every place is in the table, or one past its end.
        let top = unsafe { magazines.slots.at((start + len) as usize) };
        if !M::CHECKS {
            magazines.set_len(magazine, 0);
        }
        Hand {
            len: Atomic::new(len),
            capacity: Owned::new(magazines.capacity),
            top: Owned::new(top),
            head: Owned::new(magazines.head(magazine)),
            start: Owned::new(start),
            magazine: Owned::new(magazine),
        }
    }

    /// Which magazine it is, to be given to the depot.
    ///
    /// # Safety
    /// The caller owns the hand, here and below. Unless the magazine is empty or watched, the hand is not used again
    /// before it takes up another, or the same again.
    pub(crate) unsafe fn put_down<M: Mode>(&self, magazines: &Magazines) -> Magazine {
        // SAFETY: the caller owns the hand.
        let (magazine, len) = unsafe { (self.magazine.get(), self.len()) };
        if !M::CHECKS {
            magazines.set_len(magazine, len);
        }
        magazine
    }

    /// Takes up another magazine, which the caller owns, in place of this one, which has been put down.
    ///
    /// # Safety
    /// The caller owns the hand.
    pub(crate) unsafe fn replace<M: Mode>(&self, magazines: &Magazines, magazine: Magazine) {
        // SAFETY: the caller owns both hands.
        unsafe { self.swap(&Hand::new::<M>(magazines, magazine)) };
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
        // SAFETY: the caller owns both.
        let (of_self, of_other) = unsafe { (self.len(), other.len()) };
        self.len.store(of_other, Ordering::Relaxed);
        other.len.store(of_self, Ordering::Relaxed);
        // SAFETY: the caller owns both, field by field.
        unsafe {
            swap(&self.top, &other.top);
            swap(&self.head, &other.head);
            swap(&self.start, &other.start);
            swap(&self.magazine, &other.magazine);
        }
    }

    /// The first place.
    ///
    /// # Safety
    /// The caller owns the hand.
    pub(crate) unsafe fn start(&self) -> Place {
        // SAFETY: the caller owns the hand.
        unsafe { self.start.get() }
    }

    /// The place after the last id.
    ///
    /// # Safety
    /// The caller owns the hand.
    #[inline(always)]
    pub(crate) unsafe fn end(&self) -> Place {
        // SAFETY: the caller owns the hand, here and below.
        let start = unsafe { self.start.get() };
        // SAFETY: as above.
        start + unsafe { self.len() }
    }

    /// How many ids the magazine holds, as of about now: for whoever does not own the hand.
    pub(crate) fn held(&self) -> u32 {
        // Relaxed: a hint, or a number for a report. Who holds the slot reads the true one.
        self.len.load(Ordering::Relaxed)
    }

    /// How many ids the magazine holds.
    ///
    /// # Safety
    /// The caller owns the hand.
    #[inline(always)]
    pub(crate) unsafe fn len(&self) -> u32 {
        // SAFETY: the caller owns the hand, and so is the only writer.
        unsafe { own(&self.len) }
    }

    /// How many more it can hold.
    ///
    /// # Safety
    /// The caller owns the hand.
    #[inline(always)]
    pub(crate) unsafe fn room(&self) -> usize {
        // SAFETY: passed on to the caller.
        unsafe { self.room_beside(self.len()) }
    }

    /// How many more it can hold than `held` ids.
    ///
    /// # Safety
    /// The caller owns the hand; `held` is at most the capacity.
    #[inline(always)]
    pub(crate) unsafe fn room_beside(&self, held: u32) -> usize {
        // SAFETY: the caller owns the hand.
        unsafe { (self.capacity.get() - held) as usize }
    }

    /// Takes the last ids, all but `left`, in the order in which they were put.
    ///
    /// # Safety
    /// The caller owns the hand; the magazine holds `left` ids and as many more as `out` has room for.
    #[inline(always)]
    pub(crate) unsafe fn pop<M: Mode>(&self, left: u32, out: &mut [MaybeUninit<PageId>]) {
        // SAFETY: the caller owns the hand, here and below; its head lives as long as the magazines.
        unsafe { (*self.head.get()).turn.reads() };
        // SAFETY: as above.
        let top = unsafe { self.top.get() };
        // SAFETY: the magazine holds as many ids below its top.
        let first = unsafe { top.sub(out.len()) };
        // SAFETY: the ids below this length, which `first` comes after, are still there.
        unsafe { self.set_top::<M>(left, first) };
        // SAFETY: the slots from there on held ids just now, and only the owner writes them.
        unsafe { copy_out(first, out) };
    }

    /// Adds ids to the `held` ones, where nobody looks: in modes without checks.
    ///
    /// # Safety
    /// The caller owns the hand; the magazine holds `held` ids, and has room for these.
    #[inline(always)]
    pub(crate) unsafe fn push_unseen(&self, held: u32, ids: &[PageId]) {
        // SAFETY: the caller owns the hand, here and below.
        unsafe { self.begin_writing() };
        // SAFETY: as above.
        let top = unsafe { self.top.get() };
        // SAFETY: as above; the ids are put before anybody looks, for nobody does.
        unsafe { self.take_in::<Bare>(held, ids.len()) };
        // SAFETY: there is room for all ids, and nobody else touches the slots.
        unsafe { copy_in(top, ids) };
    }

    /// The caller is about to write slot by slot.
    ///
    /// # Safety
    /// The caller owns the hand.
    #[inline(always)]
    pub(crate) unsafe fn begin_writing(&self) {
        // SAFETY: the caller owns the hand; its head lives as long as the magazines.
        unsafe { (*self.head.get()).turn.writes() };
    }

    /// The slots from the end on, to be written and then published.
    ///
    /// # Safety
    /// The caller owns the hand, for as long as the slots are used, which is no longer than the magazines live.
    #[inline(always)]
    pub(crate) unsafe fn vacant<'a>(&self) -> &'a [Atomic<u32>] {
        // SAFETY: the caller owns the hand; so many slots are left in the magazine.
        unsafe { self.slots_after(self.room()) }
    }

    /// The `n` slots after the last id, to be written and then published.
    ///
    /// # Safety
    /// As [`Self::vacant`]; the magazine has so many.
    #[inline(always)]
    pub(crate) unsafe fn slots_after<'a>(&self, n: usize) -> &'a [Atomic<u32>] {
        // SAFETY: the caller owns the hand, here and below.
        unsafe { self.begin_writing() };
        // SAFETY: as above.
        let top = unsafe { self.top.get() };
        // SAFETY: the magazine has as many.
        unsafe { core::slice::from_raw_parts(top, n) }
    }

    /// Stores an id at a place of this magazine, where others may be looking.
    ///
    /// # Safety
    /// The caller owns the hand; the place is one of this magazine's.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, place: Place, id: PageId) {
        // SAFETY: the caller owns the hand, here and below.
        let above = unsafe { place as isize - self.end() as isize };
        // SAFETY: as above.
        let top = unsafe { self.top.get() };
        // SAFETY: the place is one of the magazine's.
        let slot = unsafe { top.offset(above) };
        // SAFETY: as above.
        let slot = unsafe { &*slot };
        // Relaxed: the Release store of the end publishes it.
        slot.store(id.index(), Ordering::Relaxed);
    }

    /// Moves the end.
    ///
    /// # Safety
    /// The caller owns the hand; every place below the end holds an id.
    #[inline(always)]
    pub(crate) unsafe fn publish<M: Mode>(&self, end: Place) {
        // SAFETY: the caller owns the hand, here and below.
        let (top, start) = unsafe { (self.top.get(), self.start.get()) };
        // SAFETY: as above.
        let above = unsafe { end as isize - self.end() as isize };
        // SAFETY: both ends are the magazine's.
        let top = unsafe { top.offset(above) };
        // SAFETY: passed on to the caller.
        unsafe { self.set_top::<M>(end - start, top) };
    }

    /// Moves the end up, by `n` ids beside the `held`.
    ///
    /// # Safety
    /// As [`Self::publish`]; the magazine holds `held` ids.
    #[inline(always)]
    pub(crate) unsafe fn take_in<M: Mode>(&self, held: u32, n: usize) {
        // SAFETY: the caller owns the hand.
        let top = unsafe { self.top.get() };
        // SAFETY: its magazine has room for as many above its top.
        let top = unsafe { top.add(n) };
        // SAFETY: passed on to the caller.
        unsafe { self.set_top::<M>(held + n as u32, top) };
    }

    /// Moves the end to so many ids, of which the last lies below `top`.
    ///
    /// Release, also when the end moves down: a looker that reads this store must see every slot stored before it,
    /// or it would take an id that has long left for one that is still there. Pairs with the Acquire in `beside`.
    ///
    /// # Safety
    /// The caller owns the hand; every place below this length holds an id, and `top` is the slot at it.
    #[inline(always)]
    unsafe fn set_top<M: Mode>(&self, len: u32, top: *const Atomic<u32>) {
        // SAFETY: the caller owns the hand.
        unsafe { self.top.set(top) };
        self.len.store(len, Ordering::Relaxed);
        if M::CHECKS {
            // SAFETY: the caller owns the hand, and the head lives as long as the magazines.
            unsafe { (*self.head.get()).len.store(len, ordering!(Release, "foreign-publish")) };
        }
    }
}
