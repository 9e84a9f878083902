//! Magazines: fixed arrays of page ids that move as one.
//!
//! Invariant: a magazine has one owner at a time (a slot, a depot, or a call in flight), who has the
//! [`Magazine`] value, and only the owner writes its entries and its end. In checking modes anybody may
//! *look*, to learn whether a page is still where its word says it was put: the page is free exactly when
//! its entry lies below the end and still holds its id.

pub(crate) mod loaded;
#[cfg(test)]
mod tests;

pub(crate) use loaded::{Entries, Length, LoadedMagazine, MagazineMut, Room};

use core::hint::select_unpredictable;

use crate::metadata::{LINE, MetadataBlock, MetadataLayout, MetadataSlice, Span};
use crate::mode::Mode;
use crate::page::{Location, PageId, ZONE};
use crate::sync::{Atomic, Ordering, Turn, fetch_ahead, ordering, zeroed};

/// The most ids that a magazine holds.
pub(crate) const MAGAZINE_MAX: usize = 256;

const _: () = assert!(MAGAZINE_MAX < 1 << 9, "a link has nine bits for a length");

/// Rounds down to whole cache lines of ids; counts below one line are returned unchanged.
///
/// The fast paths copy ids by the vector, and a vector astride two lines costs twice as much. Where
/// magazines are filled by the line, bulks that are multiples of eight stay on lines.
pub(crate) const fn whole_lines(ids: usize) -> usize {
    let line = LINE / size_of::<u32>();
    if ids < line { ids } else { ids - ids % line }
}

/// A magazine, owned: whoever has the value may change what the magazine holds. Number 0 is not used: on a
/// stack of a depot it stands for none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Magazine(u32);

impl Magazine {
    /// The magazine with this number.
    ///
    /// # Safety
    /// The caller owns it: no other value for it exists, and it is on no stack.
    pub(crate) unsafe fn from_number(number: u32) -> Self {
        Magazine(number)
    }

    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.0
    }

    /// Gives up the value for the number: a stack keeps that.
    pub(crate) fn into_number(self) -> u32 {
        self.0
    }
}

/// What a magazine has beside its entries, on a cache line of its own.
#[repr(align(64))]
struct Head {
    /// How many ids it holds, but for loaded magazines that nobody watches (`loaded`). The owner writes it,
    /// with Release, after the entries.
    len: Atomic<u32>,
    /// A [`Link`].
    link: Atomic<u32>,
    /// Tells the model checker who owns the entries.
    turn: Turn,
}

// An empty magazine, on no stack.
zeroed!(Head(len, link, turn));
const _: () = assert!(Link::NONE.0 == 0, "memory of zeroes is magazines on no stack");

/// All magazines of a pool.
pub(crate) struct Magazines {
    heads: MetadataSlice<Head>,
    entries: MetadataSlice<Atomic<u32>>,
    /// log2 of the locations of a magazine.
    shift: u32,
    /// The bits of a location that say where in its magazine it lies.
    within: u32,
    /// Ids that a magazine holds.
    capacity: u32,
}

/// How the tables of the magazines are cut.
pub(crate) struct MagazineLayout {
    heads: Span<Head>,
    entries: Span<Atomic<u32>>,
    capacity: u32,
}

impl MagazineLayout {
    /// Room for `count` magazines of `capacity` ids.
    pub(crate) const fn new(
        layout: &mut MetadataLayout,
        count: usize,
        capacity: usize,
    ) -> Option<Self> {
        let locations = (count + 1).checked_mul(capacity.next_power_of_two());
        let (Some(locations), Some(heads)) = (locations, layout.table(count + 1)) else {
            return None;
        };
        let Some(entries) = layout.table(locations) else { return None };
        Some(MagazineLayout { heads, entries, capacity: capacity as u32 })
    }
}

impl Magazines {
    /// Empty magazines.
    pub(crate) fn new(block: &mut MetadataBlock, layout: MagazineLayout) -> Self {
        let MagazineLayout { heads, entries, capacity } = layout;
        let entries = block.fill_zero(entries);
        // Nobody has written it yet. It is no magazine's: see `may_hold`.
        entries[ZONE as usize].store(u32::MAX, Ordering::Relaxed);
        Magazines {
            heads: block.fill_zero(heads),
            entries,
            shift: capacity.next_power_of_two().trailing_zeros(),
            within: capacity.next_power_of_two() - 1,
            capacity,
        }
    }

    /// The head of a magazine: of a [`Magazine`], with a number from a depot's word, which checking
    /// modes have compared with [`Self::count`] first, or of a location that has an entry.
    #[inline(always)]
    fn head(&self, number: u32) -> &Head {
        debug_assert!((number as usize) < self.heads.len());
        // SAFETY: these numbers are below the length: there are as many heads as magazines have entries.
        unsafe { &*self.heads.at(number as usize) }
    }

    /// The magazine's first location.
    #[inline(always)]
    fn start(&self, number: u32) -> Location {
        number << self.shift
    }

    /// How many ids it holds, as of about now; at most the capacity, also where the head was corrupted.
    pub(crate) fn len(&self, number: u32) -> u32 {
        self.len_as_said(number).min(self.capacity)
    }

    /// How many ids a magazine holds that was just taken off a stack, and has not been opened: in checking modes as its
    /// link has it, so that a length that was corrupted meanwhile is found when it is.
    pub(crate) fn noted_len<M: Mode>(&self, magazine: &Magazine) -> u32 {
        if M::CHECKS { self.link(magazine.0).len() } else { self.len(magazine.0) }
    }

    /// The magazine that has this location.
    pub(crate) fn at(&self, location: Location) -> u32 {
        location >> self.shift
    }

    fn len_as_said(&self, number: u32) -> u32 {
        // Relaxed: the owner reads its own store; anybody else wants a number for a report.
        self.head(number).len.load(Ordering::Relaxed)
    }

    /// Notes how many ids it holds, where nobody looks at them.
    fn set_len(&self, magazine: &Magazine, len: u32) {
        // Relaxed: the depot's word publishes the magazine.
        self.head(magazine.0).len.store(len, Ordering::Relaxed);
    }

    /// How many ids a magazine can hold.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// The number after the last magazine's.
    pub(crate) fn count(&self) -> u32 {
        self.heads.len() as u32
    }

    /// How many ids all magazines hold, but for loaded ones that nobody watches, as of about now.
    pub(crate) fn total(&self) -> usize {
        (1..self.count()).map(|number| self.len(number) as usize).sum()
    }

    /// The locations in use, of all magazines, as of about now.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        (1..self.count()).flat_map(|number| {
            let start = self.start(number);
            start..start + self.len(number)
        })
    }

    /// The ids that a magazine holds, as of about now.
    pub(crate) fn ids_of(&self, number: u32) -> impl Iterator<Item = PageId> {
        let start = self.start(number);
        (start..start + self.len(number)).map(|location| self.get(location))
    }

    /// Whether there is such a location.
    pub(crate) fn has(&self, location: Location) -> bool {
        (1..self.count()).contains(&(location >> self.shift))
    }

    /// The id at a location, as of about now.
    pub(crate) fn get(&self, location: Location) -> PageId {
        PageId::new(self.entries[location as usize].load(Ordering::Relaxed))
    }

    /// Whether the location is below its magazine's end and holds this id.
    pub(crate) fn holds(&self, location: Location, id: PageId) -> bool {
        match self.lookup().entries_from(location) {
            EntriesFrom::Filled(entries) => entries.first().is_some_and(|entry| names(entry, id)),
            EntriesFrom::Vacant(_) => false,
        }
    }

    /// Whether the location may hold this id: if not, [`Self::holds`] says no. `None` if there is no such
    /// location.
    ///
    /// The entry is read in any case, and there is no branch on the end: which of the two says that the page is
    /// out cannot be foretold where pages come back in no order.
    #[inline(always)]
    pub(crate) fn may_hold<const ALONE: bool>(
        &self,
        location: Location,
        id: PageId,
    ) -> Option<bool> {
        let entry = self.entries.get(location as usize)?;
        // Each magazine has its entries: where there is one, there is the head.
        let head = self.head(location >> self.shift);
        // Acquire: as in `entries_from`.
        let len = head.len.load(ordering!(Acquire, "foreign-length"));
        // Of a page that comes alone by a mask. A loop would load that beforehand, and have no register for it.
        let place = if ALONE {
            location & self.within
        } else {
            location.wrapping_sub(self.start(location >> self.shift))
        };
        let is_filled = place < len;
        // Of what is vacant an id that no page has is looked for, which no entry has but the zone's location: the zone
        // may hold any page. (Anything else would let the compiler make two branches of it.)
        let wanted = select_unpredictable(is_filled, id.index(), u32::MAX);
        // Relaxed: ordered after the load of the end.
        Some(entry.load(Ordering::Relaxed) == wanted)
    }

    /// Brings nearer what [`Self::may_hold`] reads.
    #[inline(always)]
    pub(crate) fn fetch(&self, location: Location) {
        let head = self.heads.get((location >> self.shift) as usize);
        if let Some((entry, head)) = self.entries.get(location as usize).zip(head) {
            fetch_ahead(entry);
            fetch_ahead(head);
        }
    }

    /// What it takes to look for ids.
    #[inline(always)]
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { heads: &self.heads, entries: &self.entries, shift: self.shift }
    }

    /// How a magazine lies on a stack; stale if another thread has moved it meanwhile.
    pub(crate) fn link(&self, number: u32) -> Link {
        // Relaxed: the Acquire of the stack's word received it, and its tag says whether it was stale.
        Link(self.head(number).link.load(Ordering::Relaxed))
    }

    /// Notes of every magazine that it is on no stack, and in no slot.
    pub(crate) fn forget_links(&self) {
        // Relaxed: the caller is alone.
        self.heads.iter().for_each(|head| head.link.store(Link::NONE.0, Ordering::Relaxed));
    }

    /// Notes how a magazine will lie on a stack, or that it is on none.
    pub(crate) fn set_link(&self, magazine: &Magazine, link: Link) {
        // Relaxed: the Release of the stack's word publishes it.
        self.head(magazine.0).link.store(link.0, Ordering::Relaxed);
    }
}

/// How a magazine lies on a stack of a depot: `mark:7 | len:9 | below:16`. The mark is the stack's: its kind,
/// neither 0 nor 3, and the depot. Mark and length show a link, a head or a word of a depot that was corrupted.
#[derive(Clone, Copy)]
pub(crate) struct Link(u32);

impl Link {
    /// On no stack.
    pub(crate) const NONE: Link = Link(0);

    /// In a slot, so far as somebody has noted it: see `inner::fork`.
    pub(crate) const IN_SLOT: Link = Link(3 << 30);

    /// Depots that a mark can tell apart.
    pub(crate) const DEPOTS: usize = 1 << 5;

    /// The bits of a mark.
    const MARK: u32 = !0 << 25;

    /// The mark of a stack of this kind, 1 or 2, of the depot with these bits, in its place in a link.
    pub(crate) const fn mark_of(kind: u32, depot: u32) -> u32 {
        kind << 30 | depot
    }

    /// The bits that stand for a depot in a mark: its number is below [`Self::DEPOTS`].
    pub(crate) const fn depot_bits(number: u32) -> u32 {
        number << 25
    }

    /// The bits that stand for the queue of a fence in the marks of both of its ends: no depot's stack has the kind 3,
    /// and a magazine in a slot no number. The fence's is below [`Self::DEPOTS`], less one.
    pub(crate) const fn fenced_bits(number: u32) -> u32 {
        Self::mark_of(3, Self::depot_bits(number + 1))
    }

    /// On the stack with this mark, above that magazine, with so many ids.
    pub(crate) const fn new(mark: u32, len: u32, below: u32) -> Self {
        Link(mark | len << 16 | below & 0xffff)
    }

    /// The same, on no stack.
    pub(crate) const fn off_stack(self) -> Self {
        Link(self.0 & !Self::MARK)
    }

    /// The same, with a bit flipped.
    #[cfg(test)]
    pub(crate) const fn flipped(self, bit: u32) -> Self {
        Link(self.0 ^ 1 << bit)
    }

    pub(crate) const fn mark(self) -> u32 {
        self.0 & Self::MARK
    }

    /// How many ids the magazine has, of a link that is off its stack: there is no mark to be cut off.
    pub(crate) const fn len(self) -> u32 {
        self.0 >> 16
    }

    pub(crate) const fn below(self) -> u32 {
        self.0 & 0xffff
    }
}

/// A location and those after it in its magazine.
pub(crate) enum EntriesFrom<'a> {
    /// Below the end: they hold ids.
    Filled(&'a [Atomic<u32>]),
    /// Not below the end: they hold nothing, whatever they say.
    Vacant(&'a [Atomic<u32>]),
}

/// The tables, as one who looks for an id needs them.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    heads: &'a [Head],
    entries: &'a [Atomic<u32>],
    shift: u32,
}

impl<'a> Lookup<'a> {
    /// What a location and those after it in its magazine have in common.
    #[inline(always)]
    pub(crate) fn entries_from(self, location: Location) -> EntriesFrom<'a> {
        let number = location >> self.shift;
        // A location beyond the table is corrupt, and there is none of the zone's: no entry is there.
        let Some(head) = self.heads.get(number as usize).filter(|_| location != ZONE) else {
            return EntriesFrom::Filled(&[]);
        };
        let places = 1 << self.shift;
        // Acquire: pairs with the Release in `MagazineMut::set_end`. A length beyond the magazine is corrupt.
        let len = head.len.load(ordering!(Acquire, "foreign-length")).min(places);
        let start = number << self.shift;
        let from = |location: Location, to: Location| {
            // SAFETY: each head has `places` entries in the table, from its start on; `location` and `to`, which comes
            // after it, are of this one. Two looks at the table's end would be four instructions for each run.
            unsafe {
                let first = self.entries.as_ptr().add(location as usize);
                core::slice::from_raw_parts(first, (to - location) as usize)
            }
        };
        if location - start < len {
            EntriesFrom::Filled(from(location, start + len))
        } else {
            EntriesFrom::Vacant(from(location, start + places))
        }
    }
}

/// Whether an entry has this id.
#[inline(always)]
pub(crate) fn names(entry: &Atomic<u32>, id: PageId) -> bool {
    // Relaxed: ordered after the Acquire load of the magazine's end, in `entries_from`; or it is the owner
    // who looks.
    entry.load(Ordering::Relaxed) == id.index()
}
