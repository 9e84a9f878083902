//! Depots and their magazines.

use core::mem::MaybeUninit;

use super::Block;
use crate::depot::{DEPOT_MAX, Depot, Depots, Stack};
use crate::magazine::{
    MAGAZINE_MAX, Magazine, MagazineLayout, MagazineMut, Magazines, loaded::OpenMagazine,
};
use crate::metadata::MetadataLayout;
use crate::mode::Checked;
use crate::page::PageId;
use crate::sync::Ordering;

/// Depots over their magazines, all of them empty at first.
pub struct Store {
    depots: Depots,
    magazines: Magazines,
    _block: Block,
}

/// A magazine outside the depots.
pub struct Loaded<'a> {
    store: &'a Store,
    number: u32,
    magazine: OpenMagazine<'a>,
}

impl Store {
    /// One depot of magazines 1 to `count` of `capacity` ids.
    ///
    /// # Panics
    /// When a depot cannot have as many, or they cannot be as large.
    #[must_use]
    pub fn new(count: usize, capacity: usize) -> Self {
        Self::with_depots(1, count, capacity)
    }

    /// So many depots (a power of two) with the same number of magazines, or one more.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn with_depots(depots: usize, count: usize, capacity: usize) -> Self {
        assert!(count <= DEPOT_MAX && (1..=MAGAZINE_MAX).contains(&capacity), "models are small");
        let mut layout = MetadataLayout::starting_with::<()>();
        let magazines =
            MagazineLayout::new(&mut layout, count, capacity).expect("models are small");
        let block = Block::new(&layout);
        let magazines = Magazines::new(&mut block.tables(), magazines);
        // SAFETY: each number is made a magazine once.
        let magazine = |number: usize| unsafe { Magazine::from_number(number as u32) };
        let depots = Depots::new(depots, &magazines, 1..count + 1, magazine);
        Store { depots, magazines, _block: block }
    }

    fn open(&self, magazine: Magazine) -> Loaded<'_> {
        let number = magazine.number();
        Loaded { store: self, number, magazine: self.magazines.open::<Checked>(magazine) }
    }

    /// Takes a magazine that is not empty from the first depot.
    pub fn pop_nonempty(&self) -> Option<Loaded<'_>> {
        self.pop_at(0, Stack::Nonempty)
    }

    /// Takes an empty magazine from the first depot.
    pub fn pop_empty(&self) -> Option<Loaded<'_>> {
        self.pop_at(0, Stack::Empty)
    }

    /// Takes a magazine that is not empty from this depot.
    pub fn pop_nonempty_at(&self, depot: u32) -> Option<Loaded<'_>> {
        self.pop_at(depot, Stack::Nonempty)
    }

    /// Takes an empty magazine from this depot.
    pub fn pop_empty_at(&self, depot: u32) -> Option<Loaded<'_>> {
        self.pop_at(depot, Stack::Empty)
    }

    fn pop_at(&self, depot: u32, from: Stack) -> Option<Loaded<'_>> {
        Some(self.open(self.depots.at(depot).pop::<Checked>(&self.magazines, from)?))
    }

    /// Drains all depots: `empty` takes the ids out of each magazine that has some.
    pub fn drain<'a>(&'a self, mut empty: impl FnMut(&mut Loaded<'a>)) {
        self.depots.drain(&self.magazines, |depot| {
            let Some(magazine) = depot.pop::<Checked>(&self.magazines, Stack::Nonempty) else {
                return false;
            };
            let mut loaded = self.open(magazine);
            empty(&mut loaded);
            loaded.push_to(depot);
            true
        });
    }

    /// As if a fault had written another magazine's number over that on top of a depot's empty ones.
    pub fn misdirect(&self, depot: u32, to: u32) {
        let tops = &self.depots.at(depot).tops;
        // The number of the empty one is in the lowest 16 bits.
        let word = tops.load(Ordering::Relaxed) & !0xffff | u64::from(to);
        tops.store(word, Ordering::Relaxed);
    }

    /// How often a depot has cut off a stack, because a magazine on it was not marked as one of it.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.depots.cuts()
    }

    /// Whether a location of a magazine holds a page, as one who frees that page asks.
    pub fn holds(&self, location: u32, id: PageId) -> bool {
        self.magazines.holds(location, id)
    }
}

impl<'a> Loaded<'a> {
    /// Which magazine it is.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    fn is_empty(&mut self) -> bool {
        self.magazine.as_mut().len() == 0
    }

    /// Puts an id on top and says where that is.
    ///
    /// # Panics
    /// When the magazine is full.
    pub fn put(&mut self, id: PageId) -> u32 {
        put(&mut self.magazine.as_mut(), id)
    }

    /// Takes the id on top.
    pub fn take(&mut self) -> Option<PageId> {
        take(&mut self.magazine.as_mut())
    }

    /// Gives the magazine back to the first depot, on the stack where it belongs.
    pub fn push(self) {
        self.push_at(0);
    }

    /// Gives the magazine back to this depot.
    ///
    /// # Panics
    /// When there is no such depot.
    pub fn push_at(self, depot: u32) {
        let store = self.store;
        self.push_to(store.depots.at(depot));
    }

    fn push_to(mut self, depot: &Depot) {
        let to = if self.is_empty() { Stack::Empty } else { Stack::Nonempty };
        let magazines = &self.store.magazines;
        let (magazine, len) = self.magazine.close::<Checked>(magazines);
        depot.push(magazines, magazine, len, to);
    }

    /// Gives it for one of the other stack.
    ///
    /// # Errors
    /// The magazine, if there is none.
    pub fn exchange(self) -> Result<Loaded<'a>, Loaded<'a>> {
        self.exchange_at(0)
    }

    /// The same, at this depot, or else at another.
    ///
    /// # Errors
    /// The magazine, if none has one.
    pub fn exchange_at(mut self, home: u32) -> Result<Loaded<'a>, Loaded<'a>> {
        let from = if self.is_empty() { Stack::Nonempty } else { Stack::Empty };
        let store = self.store;
        let (give, len) = self.magazine.close::<Checked>(&store.magazines);
        let (depots, tables) = (&store.depots, &store.magazines);
        let got = depots
            .at(home)
            .exchange::<Checked>(tables, give, len, from)
            .or_else(|give| depots.exchange_elsewhere::<Checked>(home, tables, give, len, from));
        got.map(|magazine| store.open(magazine)).map_err(|magazine| store.open(magazine))
    }
}

/// Puts an id on top of a magazine, which has room, and says where that is.
pub(super) fn put(magazine: &mut MagazineMut<'_>, id: PageId) -> u32 {
    let mut room = magazine.room(1);
    let location = room.location();
    let entry = room.entries().first().expect("the magazine has room");
    entry.store(id.index(), Ordering::Relaxed);
    // SAFETY: the entry was just written; the model says whose the page is.
    unsafe { room.commit::<Checked>(1) };
    location
}

/// Takes the id on top of a magazine.
pub(super) fn take(magazine: &mut MagazineMut<'_>) -> Option<PageId> {
    let entries = magazine.last(1);
    if entries.count() == 0 {
        return None;
    }
    let mut out = [MaybeUninit::uninit()];
    entries.pop::<Checked>(&mut out);
    // SAFETY: `pop` wrote it.
    Some(unsafe { out[0].assume_init() })
}
