//! A depot and its magazines.

use core::mem::MaybeUninit;

use super::Block;
use crate::depot::{DEPOT_MAX, Depot, Stack};
use crate::magazine::{
    MAGAZINE_MAX, Magazine, MagazineLayout, MagazineMut, Magazines, loaded::OpenMagazine,
};
use crate::metadata::MetadataLayout;
use crate::mode::Checked;
use crate::page::PageId;
use crate::sync::Ordering;

/// A depot over its magazines, all of them empty at first.
pub struct Store {
    depot: Depot,
    magazines: Magazines,
    _block: Block,
}

/// A magazine outside the depot.
pub struct Loaded<'a> {
    store: &'a Store,
    number: u32,
    magazine: OpenMagazine<'a>,
}

impl Store {
    /// Magazines 1 to `count` of `capacity` ids.
    #[must_use]
    ///
    /// # Panics
    /// When a depot cannot have as many, or they cannot be as large.
    pub fn new(count: usize, capacity: usize) -> Self {
        assert!(count <= DEPOT_MAX && (1..=MAGAZINE_MAX).contains(&capacity), "models are small");
        let mut layout = MetadataLayout::starting_with::<()>();
        let magazines =
            MagazineLayout::new(&mut layout, count, capacity).expect("models are small");
        let block = Block::new(&layout);
        let magazines = Magazines::new(&mut block.tables(), magazines);
        // SAFETY: each number is made a magazine once.
        let magazine = |number| unsafe { Magazine::from_number(number) };
        let depot = Depot::new(&magazines, (1..=count as u32).map(magazine));
        Store { depot, magazines, _block: block }
    }

    fn open(&self, magazine: Magazine) -> Loaded<'_> {
        let number = magazine.number();
        Loaded { store: self, number, magazine: self.magazines.open::<Checked>(magazine) }
    }

    /// Takes a magazine that is not empty.
    pub fn pop_nonempty(&self) -> Option<Loaded<'_>> {
        let magazine = self.depot.pop::<Checked>(&self.magazines, Stack::Nonempty)?;
        Some(self.open(magazine))
    }

    /// Takes an empty magazine.
    pub fn pop_empty(&self) -> Option<Loaded<'_>> {
        let magazine = self.depot.pop::<Checked>(&self.magazines, Stack::Empty)?;
        Some(self.open(magazine))
    }

    /// How often the depot has cut off a stack, because a magazine on it was not marked as one of it.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.depot.cuts()
    }

    /// Whether a location of a magazine holds a page, as one who frees that page asks.
    pub fn holds(&self, location: u32, id: PageId) -> bool {
        self.magazines.lookup().holds(location, id)
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

    /// Gives the magazine back, to the stack where it belongs.
    pub fn push(mut self) {
        let to = if self.is_empty() { Stack::Empty } else { Stack::Nonempty };
        let Store { depot, magazines, .. } = self.store;
        let (magazine, len) = self.magazine.close::<Checked>(magazines);
        depot.push(magazines, magazine, len, to);
    }

    /// Gives it for one of the other stack.
    ///
    /// # Errors
    /// The magazine, if there is none.
    pub fn exchange(mut self) -> Result<Loaded<'a>, Loaded<'a>> {
        let from = if self.is_empty() { Stack::Nonempty } else { Stack::Empty };
        let store = self.store;
        let (give, len) = self.magazine.close::<Checked>(&store.magazines);
        let got = store.depot.exchange::<Checked>(&store.magazines, give, len, from);
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
