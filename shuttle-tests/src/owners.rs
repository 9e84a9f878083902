//! The oracle of ownership: every page that comes is claimed and stamped, and looked at again before it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pagesheaf::{Mode, PageBatch, PageId};

/// Who has which page of one pool. Its words are none that a scheduler knows: they add no steps.
pub struct Owners {
    pages: Vec<AtomicU32>,
    /// How many caches the pool can have at once.
    pub caches: usize,
}

/// What an owner writes into its page.
fn stamp(id: PageId, owner: u32) -> [u8; 8] {
    (u64::from(id.index()) << 32 | u64::from(owner)).to_le_bytes()
}

impl Owners {
    /// Nobody has any of so many pages.
    pub fn new(pages: usize, caches: usize) -> Arc<Self> {
        Arc::new(Owners { pages: (0..pages).map(|_| AtomicU32::new(0)).collect(), caches })
    }

    /// A page has come to this owner, counted from one.
    #[track_caller]
    pub fn claim(&self, id: PageId, owner: u32) {
        let before = self.pages[id.index() as usize].swap(owner, Ordering::AcqRel);
        assert_eq!(before, 0, "{id} has two owners");
    }

    /// A page is about to go. Returns whose it was.
    #[track_caller]
    pub fn disclaim(&self, id: PageId) -> u32 {
        let owner = self.pages[id.index() as usize].swap(0, Ordering::AcqRel);
        assert_ne!(owner, 0, "{id} has no owner");
        owner
    }

    /// A page has come, and is written to.
    #[track_caller]
    pub fn took(&self, id: PageId, page: &mut [u8], owner: u32) {
        self.claim(id, owner);
        let tail = page.len() - 8;
        page[..8].copy_from_slice(&stamp(id, owner));
        page[tail..].copy_from_slice(&stamp(id, owner));
    }

    /// A page is about to go, and nobody else has written to it.
    #[track_caller]
    pub fn lets_go(&self, id: PageId, page: &[u8]) {
        let expected = stamp(id, self.disclaim(id));
        let whole = page[..8] == expected && page[page.len() - 8..] == expected;
        assert!(whole, "{id} was written to");
    }

    /// The pages of a batch from `from` on have come.
    #[track_caller]
    pub fn took_from<M: Mode, const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        from: usize,
        owner: u32,
    ) {
        let ids = batch.ids().to_vec();
        for (&id, page) in ids.iter().zip(batch.iter_mut()).skip(from) {
            self.took(id, page, owner);
        }
    }

    /// All pages of a batch are about to go.
    #[track_caller]
    pub fn lets_all_go<M: Mode, const N: usize>(&self, batch: &PageBatch<M, N>) {
        batch.ids().iter().zip(batch.iter()).for_each(|(&id, page)| self.lets_go(id, page));
    }

    /// How many pages have an owner.
    pub fn out(&self) -> usize {
        self.pages.iter().filter(|owner| owner.load(Ordering::Acquire) != 0).count()
    }
}
