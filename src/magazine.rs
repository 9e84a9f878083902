//! Magazines: fixed arrays of page ids that move as one.
//!
//! Invariant: a magazine has one owner at a time (a cache slot, the depot, or a call in flight), and only the owner
//! writes its slots and its end. In checking modes anybody may *look*, to learn whether a page is still where its
//! word says it was put: the page is free exactly when its slot lies below the end and still holds its id.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::page::{PageId, Place};
use crate::sync::{Atomic, Ordering, Turn, copy_in, copy_out};
use crate::table::{Plan, Spot, Table};

/// The most ids that a magazine holds.
pub(crate) const MAGAZINE_MAX: usize = 256;

/// A magazine's number. Number 0 is not used: its places stand for the zone.
pub(crate) type Magazine = u32;

/// What a magazine has beside its slots, on a cache line of its own.
#[repr(align(64))]
struct Head {
    /// The place after the last id. Written with Release, after the slot below it, by the owner.
    end: Atomic<u32>,
    /// The magazine below, on a stack of the depot.
    below: Atomic<u32>,
    /// Tells the model checker who owns the slots.
    turn: Turn,
}

/// All magazines of a pool.
pub(crate) struct Magazines {
    heads: Table<Head>,
    slots: Table<Atomic<u32>>,
    /// log2 of the places of a magazine.
    shift: u32,
    /// Ids that a magazine holds.
    capacity: u32,
}

/// How the tables of the magazines are cut.
#[derive(Clone, Copy)]
pub(crate) struct MagazinePlan {
    heads: Spot<Head>,
    slots: Spot<Atomic<u32>>,
    capacity: u32,
}

impl MagazinePlan {
    /// Room for `count` magazines of `capacity` ids.
    pub(crate) fn new(plan: &mut Plan, count: usize, capacity: usize) -> Option<Self> {
        let places = (count + 1).checked_mul(capacity.next_power_of_two())?;
        Some(MagazinePlan {
            heads: plan.table(count + 1)?,
            slots: plan.table(places)?,
            capacity: capacity as u32,
        })
    }
}

impl Magazines {
    /// Empty magazines.
    ///
    /// # Safety
    /// As [`Table::fill`].
    pub(crate) unsafe fn new(block: NonNull<u8>, plan: MagazinePlan) -> Self {
        let shift = plan.capacity.next_power_of_two().trailing_zeros();
        let head = |magazine: usize| Head {
            // Magazine 0 seems to hold one id, so that a look at the zone's place takes the slower way.
            end: Atomic::new(if magazine == 0 { 1 } else { (magazine as u32) << shift }),
            below: Atomic::new(0),
            turn: Turn::new(),
        };
        Magazines {
            // SAFETY: passed on to the caller.
            heads: unsafe { Table::fill(block, plan.heads, head) },
            // SAFETY: passed on to the caller.
            slots: unsafe { Table::fill(block, plan.slots, |_| Atomic::new(u32::MAX)) },
            shift,
            capacity: plan.capacity,
        }
    }

    #[inline(always)]
    fn head(&self, magazine: Magazine) -> &Head {
        debug_assert!((magazine as usize) < self.heads.len());
        // SAFETY: magazine numbers come from the depot and the registry only, which hold numbers below the length.
        unsafe { &*self.heads.at(magazine as usize) }
    }

    /// The magazine's first place.
    #[inline(always)]
    pub(crate) fn start(&self, magazine: Magazine) -> Place {
        magazine << self.shift
    }

    /// The place after its last id.
    #[inline(always)]
    pub(crate) fn end(&self, magazine: Magazine) -> Place {
        // Relaxed: the owner reads its own store; anybody else wants a number for a report.
        self.head(magazine).end.load(Ordering::Relaxed)
    }

    /// How many ids it holds.
    #[inline(always)]
    pub(crate) fn len(&self, magazine: Magazine) -> usize {
        (self.end(magazine) - self.start(magazine)) as usize
    }

    /// How many more it can hold.
    #[inline(always)]
    pub(crate) fn room(&self, magazine: Magazine) -> usize {
        (self.start(magazine) + self.capacity - self.end(magazine)) as usize
    }

    /// How many ids a magazine can hold.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// How many ids all magazines hold, as of about now.
    pub(crate) fn total(&self) -> usize {
        (1..self.heads.len() as u32).map(|magazine| self.len(magazine)).sum()
    }

    /// The places in use, of all magazines, as of about now.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        (1..self.heads.len() as u32).flat_map(|magazine| self.start(magazine)..self.end(magazine))
    }

    /// Takes the last `out.len()` ids, in the order in which they were put.
    ///
    /// # Safety
    /// The caller owns the magazine, which holds as many.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, magazine: Magazine, out: &mut [MaybeUninit<PageId>]) {
        let head = self.head(magazine);
        head.turn.reads();
        let end = head.end.load(Ordering::Relaxed) - out.len() as u32;
        debug_assert!(end >= self.start(magazine));
        // SAFETY: `end` is a place of this magazine.
        let from = unsafe { self.slots.at(end as usize) };
        // SAFETY: the slots from `end` on hold ids, and only the owner writes them.
        unsafe { copy_out(from, out) };
        self.publish(magazine, end);
    }

    /// Adds ids, where nobody looks: in modes without checks.
    ///
    /// # Safety
    /// The caller owns the magazine, which has room, and the mode does not check.
    #[inline(always)]
    pub(crate) unsafe fn push_unseen(&self, magazine: Magazine, ids: &[PageId]) {
        let head = self.head(magazine);
        head.turn.writes();
        let end = head.end.load(Ordering::Relaxed);
        // SAFETY: `end` is a place of this magazine, or the one after it when `ids` is empty.
        let to = unsafe { self.slots.at(end as usize) };
        // SAFETY: there is room for all ids, and nobody else touches the slots.
        unsafe { copy_in(to, ids) };
        self.publish(magazine, end + ids.len() as u32);
    }

    /// Stores an id at a place at or above the end, where others may be looking. [`Self::publish`] it afterwards.
    ///
    /// # Safety
    /// The caller owns the magazine of this place.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, place: Place, id: PageId) {
        // SAFETY: a place of a magazine lies in the table.
        let slot = unsafe { &*self.slots.at(place as usize) };
        // Relaxed: the Release store of the end publishes it.
        slot.store(id.index(), Ordering::Relaxed);
    }

    /// The id at a place below the end.
    pub(crate) fn get(&self, place: Place) -> PageId {
        PageId::new(self.slots[place as usize].load(Ordering::Relaxed))
    }

    /// The owner moves the end, after it stored the ids below it.
    ///
    /// Release, also when the end moves down: a looker that reads this store must see every slot stored before it,
    /// or it would take an id that has long left for one that is still there. Pairs with the Acquire in `holds`.
    #[inline(always)]
    pub(crate) fn publish(&self, magazine: Magazine, end: Place) {
        self.head(magazine).end.store(end, Ordering::Release);
    }

    /// The caller, who owns the magazine, is about to write it slot by slot.
    #[inline(always)]
    pub(crate) fn begin_writing(&self, magazine: Magazine) {
        self.head(magazine).turn.writes();
    }

    /// Whether the place seems to be in use: below its magazine's end. [`Self::holds`] says for sure.
    #[inline(always)]
    pub(crate) fn in_use(&self, place: Place) -> bool {
        // A place beyond the table is corrupt; it holds nothing.
        let Some(head) = self.heads.get((place >> self.shift) as usize) else {
            return false;
        };
        // Acquire: pairs with the Release in `publish`.
        place < head.end.load(Ordering::Acquire)
    }

    /// Whether the place holds this id: the second half of the question, after [`Self::in_use`].
    #[inline]
    pub(crate) fn holds(&self, place: Place, id: PageId) -> bool {
        // Relaxed: ordered after the Acquire load of the end.
        self.slots
            .get(place as usize)
            .is_some_and(|slot| slot.load(Ordering::Relaxed) == id.index())
    }

    /// The magazine below this one on its stack; stale if another thread has moved it meanwhile.
    pub(crate) fn below(&self, magazine: Magazine) -> Magazine {
        // Relaxed: the tag of the stack's word says whether it was stale.
        self.head(magazine).below.load(Ordering::Relaxed)
    }

    /// Links a magazine, which the caller owns, above another.
    pub(crate) fn link(&self, magazine: Magazine, below: Magazine) {
        // Relaxed: the Release of the stack's word publishes it.
        self.head(magazine).below.store(below, Ordering::Relaxed);
    }
}
