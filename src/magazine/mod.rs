//! Magazines: fixed arrays of page ids that move as one.
//!
//! Invariant: a magazine has one owner at a time (a cache slot, the depot, or a call in flight), and only the owner
//! writes its slots and its end. In checking modes anybody may *look*, to learn whether a page is still where its
//! word says it was put: the page is free exactly when its slot lies below the end and still holds its id.

mod hand;
#[cfg(test)]
mod looks;

use core::ptr::NonNull;

pub(crate) use hand::Hand;

use crate::page::{PageId, Place};
use crate::sync::{Atomic, Ordering, Turn, ordering};
use crate::table::{LINE, Plan, Spot, Table};

/// The most ids that a magazine holds.
pub(crate) const MAGAZINE_MAX: usize = 256;

/// So many ids, less those that would not fill a cache line; fewer than a line has stay as they are.
///
/// The quick calls copy ids by the vector, and a vector astride two lines costs twice as much. Where magazines are
/// filled by the line, bulks that are multiples of eight stay on lines.
pub(crate) const fn whole_lines(ids: usize) -> usize {
    let line = LINE / size_of::<u32>();
    if ids < line { ids } else { ids - ids % line }
}

/// A magazine's number. Number 0 is not used: on a stack it stands for none.
pub(crate) type Magazine = u32;

/// What a magazine has beside its slots, on a cache line of its own.
#[repr(align(64))]
struct Head {
    /// How many ids it holds, but for magazines in hands that nobody watches (`hand`). The owner writes it, with
    /// Release, after the slots.
    len: Atomic<u32>,
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
        let head = |_| Head { len: Atomic::new(0), below: Atomic::new(0), turn: Turn::new() };
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

    /// How many ids it holds, as of about now.
    fn len(&self, magazine: Magazine) -> u32 {
        // Relaxed: the owner reads its own store; anybody else wants a number for a report.
        self.head(magazine).len.load(Ordering::Relaxed)
    }

    /// Notes how many ids it holds, where nobody looks at them.
    fn set_len(&self, magazine: Magazine, len: u32) {
        // Relaxed: the depot publishes the magazine.
        self.head(magazine).len.store(len, Ordering::Relaxed);
    }

    /// How many ids a magazine can hold.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// How many ids all magazines hold, but for those in hands that nobody watches, as of about now.
    pub(crate) fn total(&self) -> usize {
        (1..self.heads.len() as u32).map(|magazine| self.len(magazine) as usize).sum()
    }

    /// The places in use, of all magazines, as of about now.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        (1..self.heads.len() as u32).flat_map(|magazine| {
            let start = self.start(magazine);
            start..start + self.len(magazine)
        })
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

/// A place and those after it in its magazine.
pub(crate) enum Beside<'a> {
    /// Below the end: they hold ids.
    Held(&'a [Atomic<u32>]),
    /// Not below the end: they hold nothing, whatever their slots say.
    Vacant(&'a [Atomic<u32>]),
}

/// The tables, as one who looks for an id needs them.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    heads: &'a [Head],
    slots: &'a [Atomic<u32>],
    shift: u32,
}

impl<'a> Lookup<'a> {
    /// Whether the place is below its magazine's end and holds this id.
    pub(crate) fn holds(self, place: Place, id: PageId) -> bool {
        match self.beside(place) {
            Beside::Held(slots) => slots.first().is_some_and(|slot| names(slot, id)),
            Beside::Vacant(_) => false,
        }
    }

    /// What a place and those after it in its magazine have in common.
    #[inline(always)]
    pub(crate) fn beside(self, place: Place) -> Beside<'a> {
        let magazine = place >> self.shift;
        // A place beyond the table is corrupt, or the zone's; no slot is there.
        let Some(head) = self.heads.get(magazine as usize) else { return Beside::Held(&[]) };
        // Acquire: pairs with the Release in `Hand::set_top`.
        let len = head.len.load(ordering!(Acquire, "foreign-length"));
        let start = magazine << self.shift;
        let from = |place: Place, to: Place| &self.slots[place as usize..to as usize];
        if place - start < len {
            Beside::Held(from(place, start + len))
        } else {
            Beside::Vacant(from(place, start + (1 << self.shift)))
        }
    }
}

/// Whether a slot has this id.
#[inline(always)]
pub(crate) fn names(slot: &Atomic<u32>, id: PageId) -> bool {
    // Relaxed: ordered after the Acquire load of the magazine's end, in `beside`; or it is the owner who looks.
    slot.load(Ordering::Relaxed) == id.index()
}
