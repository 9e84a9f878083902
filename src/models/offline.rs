//! Which pages are offline.

use super::Block;
use crate::metadata::MetadataLayout;
use crate::page::PageId;
use crate::zone::OfflinePages;

/// A set of pages that are offline.
pub struct OfflineSet {
    pages: OfflinePages,
    _block: Block,
}

impl OfflineSet {
    /// A set with room for `pages`, none of which is in it.
    #[must_use]
    pub fn new(pages: usize) -> Self {
        let mut layout = MetadataLayout::starting_with::<()>();
        let span = OfflinePages::layout(&mut layout, pages).expect("models are small");
        let block = Block::new(&layout);
        let pages = OfflinePages::new(&mut block.tables(), span, pages, pages);
        OfflineSet { pages, _block: block }
    }

    /// Adds a page, which the caller has for itself.
    pub fn insert(&self, id: PageId) {
        self.pages.insert(id);
    }

    /// Takes out `count` pages from `first` on, all of them or none. Says whether.
    #[must_use]
    pub fn remove(&self, first: PageId, count: usize) -> bool {
        self.pages.remove(first, count).is_ok()
    }

    /// How many pages are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.pages.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
