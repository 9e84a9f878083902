//! The word of one page.

use crate::mode::{Mode, Policy};
use crate::page::Fault;
use crate::page::{AtomicCount, AtomicPageState, Order, Piece, References, Released, ZONE};
use crate::sync::Zeroed;

/// The word and the count of one page. A mode that counts and does not check uses the count alone.
pub struct Word(AtomicPageState, AtomicCount);

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

impl Word {
    /// The word of a page in the zone.
    #[must_use]
    pub fn new() -> Self {
        Word(AtomicPageState::zero(), AtomicCount::zero())
    }

    /// The word of a page that is out, as the mode marks it.
    #[must_use]
    pub fn out<M: Mode>() -> Self {
        let word = Self::new();
        assert!(!M::CLAIMS || word.claim(ZONE));
        word
    }

    /// The page is put at a location by its owner.
    pub fn rest(&self, location: u32) {
        self.0.rest(location);
    }

    /// The page leaves the location that it was put at.
    #[must_use]
    pub fn claim(&self, location: u32) -> bool {
        self.0.claim(location)
    }

    /// The page comes back and is put at a location.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_free<M: Mode>(
        &self,
        location: u32,
        is_member: impl FnOnce(u32) -> bool,
    ) -> Result<(), Fault> {
        if M::COUNTS_ONLY {
            return match self.1.load() {
                AtomicCount::ONE => Ok(()),
                references => Err(Fault::of_references(references)),
            };
        }
        self.0.try_free(M::CLAIMS, location, || self.1.load(), is_member)
    }

    /// Adds references.
    ///
    /// # Errors
    /// When the count has stuck.
    pub fn retain<M: Mode>(&self, n: u32) -> Result<(), Fault> {
        self.references::<M>().retain(M::CLAIMS, n)
    }

    /// Gives up a reference; whether it was the last.
    #[must_use]
    pub fn release<M: Mode>(&self) -> bool {
        self.references::<M>().release(M::CLAIMS) == Released::Last
    }

    /// Gives up `n` references in one step; whether they were the last.
    #[must_use]
    pub fn release_many<M: Mode>(&self, n: u32) -> bool {
        self.references::<M>().release_many(M::CLAIMS, n) == Released::Last
    }

    fn references<M: Mode>(&self) -> References<'_> {
        References::new((!M::COUNTS_ONLY).then_some(&self.0), &self.1)
    }

    /// The page goes to a device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn lend<M: Mode>(&self) -> Result<(), Fault> {
        self.0.lend::<M>(|| self.1.load())
    }

    /// The page comes back from a device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn reclaim<M: Mode>(&self) -> Result<(), Fault> {
        self.0.reclaim::<M>()
    }

    /// The page becomes the first of a block that is out.
    pub fn head_block(&self, order: Order) {
        self.0.join_block(true, order);
    }

    /// The block comes back.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_free_block(&self, order: Order) -> Result<(), Fault> {
        self.0.try_free_block(order)
    }

    /// The block becomes pages.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_split_block<M: Mode>(&self, order: Order) -> Result<(), Fault> {
        self.0.try_split_block(M::CLAIMS, order, Piece::Page)
    }
}
