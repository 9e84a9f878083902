//! A zone.

use std::vec::Vec;

use super::Block;
use crate::metadata::MetadataLayout;
use crate::page::{Order, PageId};
use crate::zone::{
    Allowance, Cursor, Floor, Fresh, Habits, Held, Marks, Used, Whole, Zone, ZoneLayout,
};

/// A zone.
pub struct FreePages {
    zone: Zone,
    _block: Block,
}

impl FreePages {
    /// A zone with room for `pages`, none of which is in it.
    #[must_use]
    pub fn new(pages: usize) -> Self {
        Self::with(pages, 0, false, Marks::default())
    }

    /// A zone of `pages`, all of which are in it, and fresh.
    #[must_use]
    pub fn fresh(pages: usize) -> Self {
        Self::with(pages, pages, false, Marks::default())
    }

    /// The same, and all of them are zero.
    #[must_use]
    pub fn zeroed(pages: usize) -> Self {
        Self::with(pages, pages, true, Marks::default())
    }

    /// A zone of `pages`, of which so many stay for others.
    #[must_use]
    pub fn marked(pages: usize, low: usize) -> Self {
        Self::with(pages, pages, false, Marks { low: low as u32, reserve: 0 })
    }

    fn with(pages: usize, free: usize, zeroed: bool, marks: Marks) -> Self {
        let mut layout = MetadataLayout::starting_with::<()>();
        let zone = ZoneLayout::new(&mut layout, pages, zeroed).expect("models are small");
        let block = Block::new(&layout);
        let habits = Habits::new(4096, None).keeping(marks);
        let zone = Zone::new(&mut block.tables(), zone, free, habits);
        FreePages { zone, _block: block }
    }

    /// Of so many, all that there are.
    fn all(&self, pages: usize) -> Allowance<'_> {
        self.zone.allow(Floor::None, pages, pages)
    }

    /// Takes up to `max` pages for one whose home is the word `home`.
    #[must_use]
    pub fn take(&self, home: u32, max: usize) -> Vec<PageId> {
        let mut taken = Vec::new();
        self.all(max).take(&mut Cursor::new(home), |id| taken.push(id));
        taken
    }

    /// The same for one who leaves what stays for others.
    #[must_use]
    pub fn take_above_low(&self, max: usize) -> Vec<PageId> {
        let mut taken = Vec::new();
        let allowed = self.zone.allow(Floor::Low, max, max);
        allowed.take(&mut Cursor::default(), |id| taken.push(id));
        taken
    }

    /// Takes up to `max` pages, and says of each whether it is known to be zero.
    #[must_use]
    pub fn take_knowing(&self, home: u32, max: usize) -> Vec<(PageId, bool)> {
        let mut taken = Vec::new();
        self.all(max).take_knowing(&mut Cursor::new(home), |id, zero| taken.push((id, zero)));
        taken
    }

    /// Holds the first area, if it is whole, makes each page of it zero by `f`, and puts it back.
    pub fn purge(&self, f: impl FnMut(PageId)) -> bool {
        self.purge_held(self.zone.hold_area(0, usize::MAX), f)
    }

    /// The same with at most so many pages of a word that may have been written.
    pub fn purge_worn(&self, word: usize, most: usize, f: impl FnMut(PageId)) -> bool {
        self.purge_held(self.zone.hold_worn(word, most), f)
    }

    fn purge_held(&self, held: Option<Held<'_>>, mut f: impl FnMut(PageId)) -> bool {
        let Some(mut held) = held else { return false };
        held.give_back(|first, pages| {
            (first..first + pages).for_each(|index| f(PageId::new(index as u32)));
            first..first + pages
        });
        held.put_back(|page| panic!("{page} came back and was not out"));
        true
    }

    /// Takes an aligned block.
    ///
    /// # Panics
    /// When a page came back that the claim had in hand.
    #[must_use]
    pub fn take_block(&self, order: Order) -> Option<PageId> {
        let mut block = None;
        let twice = |page| panic!("{page} came back and was not out");
        let each = |first| block = Some(first);
        self.all(order.pages()).take_blocks(&mut Cursor::default(), order, each, twice);
        block
    }

    /// Takes a block at its place, if it is whole.
    ///
    /// # Panics
    /// As [`Self::take_block`].
    #[must_use]
    pub fn take_block_at(&self, first: PageId, order: Order) -> bool {
        let twice = |page| panic!("{page} came back and was not out");
        self.all(order.pages()).take_block_at(first, order, twice)
    }

    /// Takes those of `count` pages from `first` on that are in it.
    #[must_use]
    pub fn take_range(&self, first: PageId, count: usize) -> Vec<PageId> {
        let mut taken = Vec::new();
        self.zone.take_range(first, count, |id| taken.push(id));
        taken
    }

    /// Puts pages in. Returns how many were there already.
    pub fn put(&self, ids: &[PageId]) -> usize {
        let mut doubled = 0;
        self.zone.put(ids, |_| doubled += 1);
        doubled
    }

    /// Puts a block in. Returns how many of its pages were there already.
    pub fn put_block(&self, first: PageId, order: Order) -> usize {
        let mut doubled = 0;
        self.zone.put_range(first, order.pages(), |_| doubled += 1);
        doubled
    }

    /// The words of 64 pages that a search by the summaries finds.
    #[must_use]
    pub fn told(&self) -> Vec<u32> {
        let first = |from| {
            let (used, whole) = (self.zone.next::<Used>(from), self.zone.next::<Whole>(from));
            used.into_iter().chain(whole).chain(self.zone.next::<Fresh>(from)).min()
        };
        let words = core::iter::successors(first(0), |from| first(from + 1));
        words.map(|index| index as u32).collect()
    }

    /// How many pages the zone says it has.
    #[must_use]
    pub fn free(&self) -> usize {
        self.zone.free()
    }
}
