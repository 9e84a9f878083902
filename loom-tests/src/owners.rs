//! The ownership oracle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pagesheaf::PageId;

use crate::Cell;

/// Who owns what, as the model sees it: pages, or anything else that has a number and one owner at a time.
///
/// The flags are atomics that loom does not know, so they add nothing to explore; they notice two owners at once.
/// The cells notice an owner to whom the former one's writes were not published.
pub struct Owners(Vec<Owned>);

#[derive(Default)]
struct Owned {
    out: AtomicBool,
    turns: AtomicU64,
    written: Cell,
}

impl Owners {
    /// `count` things that nobody owns.
    #[must_use]
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Owners((0..count).map(|_| Owned::default()).collect()))
    }

    /// The caller was given the page.
    ///
    /// # Panics
    /// When somebody owns it, or does not see what the last owner wrote.
    #[track_caller]
    pub fn takes(&self, id: PageId) {
        let owned = &self.0[id.index() as usize];
        assert!(!owned.out.swap(true, Ordering::SeqCst), "{id} has two owners");
        let written = owned.written.get();
        assert_eq!(written, owned.turns.load(Ordering::SeqCst), "{id} lost a write");
        owned.written.bump();
        owned.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// The caller is about to give up the page.
    ///
    /// # Panics
    /// When the caller does not own it.
    #[track_caller]
    pub fn gives(&self, id: PageId) {
        let owned = &self.0[id.index() as usize];
        owned.written.bump();
        owned.turns.fetch_add(1, Ordering::SeqCst);
        assert!(owned.out.swap(false, Ordering::SeqCst), "{id} has no owner");
    }

    /// How many have an owner.
    #[must_use]
    pub fn out(&self) -> usize {
        self.0.iter().filter(|owned| owned.out.load(Ordering::SeqCst)).count()
    }
}
