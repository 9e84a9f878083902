//! A depot and its magazines.

use core::mem::MaybeUninit;

use super::Block;
use crate::depot::{DEPOT_MAX, Depot, Stack};
use crate::magazine::{Hand, MAGAZINE_MAX, MagazinePlan, Magazines};
use crate::metadata::MetadataLayout;
use crate::mode::Checked;
use crate::page::PageId;

/// A depot over its magazines, all of them empty at first.
pub struct Store {
    depot: Depot,
    magazines: Magazines,
    _block: Block,
}

/// A magazine outside the depot.
pub struct Held<'a> {
    store: &'a Store,
    hand: Hand,
}

impl Store {
    /// Magazines 1 to `count` of `capacity` ids.
    #[must_use]
    ///
    /// # Panics
    /// When a depot cannot have as many, or they cannot be as large.
    pub fn new(count: usize, capacity: usize) -> Self {
        assert!(count <= DEPOT_MAX && (1..=MAGAZINE_MAX).contains(&capacity), "models are small");
        let mut plan = MetadataLayout::starting_with::<()>();
        let magazines = MagazinePlan::new(&mut plan, count, capacity).expect("models are small");
        let block = Block::new(&plan);
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block.0, magazines) };
        let depot = Depot::new(&magazines, 1, count as u32);
        Store { depot, magazines, _block: block }
    }

    fn hold(&self, magazine: u32) -> Held<'_> {
        Held { store: self, hand: Hand::new::<Checked>(&self.magazines, magazine) }
    }

    /// Takes a magazine that is not empty.
    pub fn pop_stocked(&self) -> Option<Held<'_>> {
        self.depot.pop(&self.magazines, Stack::Stocked).map(|magazine| self.hold(magazine))
    }

    /// Takes an empty magazine.
    pub fn pop_empty(&self) -> Option<Held<'_>> {
        self.depot.pop(&self.magazines, Stack::Empty).map(|magazine| self.hold(magazine))
    }

    /// Whether a place of a magazine holds a page, as one who frees that page asks.
    pub fn holds(&self, place: u32, id: PageId) -> bool {
        self.magazines.lookup().holds(place, id)
    }
}

impl<'a> Held<'a> {
    /// Which magazine it is.
    #[must_use]
    pub fn number(&self) -> u32 {
        // SAFETY: whoever has a magazine outside the depot owns it, here and below.
        unsafe { self.hand.put_down::<Checked>(&self.store.magazines) }
    }

    fn is_empty(&self) -> bool {
        // SAFETY: as above.
        unsafe { self.hand.len() == 0 }
    }

    /// Puts an id on top and says where that is.
    pub fn put(&mut self, id: PageId) -> u32 {
        // SAFETY: as above.
        let (room, place) = unsafe { (self.hand.room(), self.hand.end()) };
        assert!(room > 0, "the magazine is full");
        // SAFETY: as above, and there is room at this place.
        unsafe {
            self.hand.begin_writing();
            self.hand.put(place, id);
            self.hand.publish::<Checked>(place + 1);
        }
        place
    }

    /// Takes the id on top.
    pub fn take(&mut self) -> Option<PageId> {
        if self.is_empty() {
            return None;
        }
        let mut out = [MaybeUninit::uninit()];
        // SAFETY: as above, and it has one.
        unsafe { self.hand.pop::<Checked>(self.hand.len() - 1, &mut out) };
        // SAFETY: `pop` wrote it.
        Some(unsafe { out[0].assume_init() })
    }

    /// Gives the magazine back, to the stack where it belongs.
    pub fn push(self) {
        let to = if self.is_empty() { Stack::Empty } else { Stack::Stocked };
        self.store.depot.push(&self.store.magazines, self.number(), to);
    }

    /// Gives it for one of the other stack.
    ///
    /// # Errors
    /// The magazine, if there is none.
    pub fn exchange(self) -> Result<Held<'a>, Held<'a>> {
        let from = if self.is_empty() { Stack::Stocked } else { Stack::Empty };
        let store = self.store;
        let got = store.depot.exchange(&store.magazines, self.number(), from);
        got.map(|magazine| store.hold(magazine)).ok_or(self)
    }
}
