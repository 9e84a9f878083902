//! Magazines: fixed arrays of page ids that move as one.
//!
//! Invariant: a magazine has one owner at a time (a cache slot, the depot, or a call in flight), and only the owner
//! writes its slots and its end. In checking modes anybody may *look*, to learn whether a page is still where its
//! word says it was put: the page is free exactly when its slot lies below the end and still holds its id.

mod hand;

use core::ptr::NonNull;

pub(crate) use hand::Hand;

use crate::page::{PageId, Place, ZONE};
use crate::sync::{Atomic, Ordering, Turn, ordering};
use crate::table::{Plan, Spot, Table};

/// The most ids that a magazine holds.
pub(crate) const MAGAZINE_MAX: usize = 256;

/// A magazine's number. Number 0 is not used: its places stand for the zone.
pub(crate) type Magazine = u32;

/// What a magazine has beside its slots, on a cache line of its own.
#[repr(align(64))]
struct Head {
    /// The place after the last id. The owner writes it, with Release, after the slots below it.
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
    fn start(&self, magazine: Magazine) -> Place {
        magazine << self.shift
    }

    /// The place after its last id.
    #[inline(always)]
    fn end(&self, magazine: Magazine) -> Place {
        // Relaxed: the owner reads its own store; anybody else wants a number for a report.
        self.head(magazine).end.load(Ordering::Relaxed)
    }

    /// How many ids it holds, as of about now.
    fn len(&self, magazine: Magazine) -> usize {
        (self.end(magazine) - self.start(magazine)) as usize
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

    /// The id at a place, as of about now.
    pub(crate) fn get(&self, place: Place) -> PageId {
        PageId::new(self.slots[place as usize].load(Ordering::Relaxed))
    }

    /// What it takes to look for ids.
    #[inline(always)]
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { heads: &self.heads, slots: &self.slots, shift: self.shift }
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

/// The tables, as one who looks for an id needs them.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    heads: &'a [Head],
    slots: &'a [Atomic<u32>],
    shift: u32,
}

impl Lookup<'_> {
    /// Whether the place is below its magazine's end and holds this id. The zone's place always seems to.
    #[inline(always)]
    pub(crate) fn holds(self, place: Place, id: PageId) -> bool {
        // A place beyond the table is corrupt; it holds nothing.
        let Some(head) = self.heads.get((place >> self.shift) as usize) else { return false };
        // Acquire: pairs with the Release in `Hand::publish`.
        if place >= head.end.load(ordering!(Acquire, "foreign-length")) {
            return false;
        }
        // SAFETY: the end lies in the table, and the place below it.
        let slot = unsafe { self.slots.get_unchecked(place as usize) };
        // Relaxed: ordered after the Acquire load of the end.
        slot.load(Ordering::Relaxed) == id.index() || place == ZONE
    }
}
