//! The byte of one page, in the mode that has no words.

use crate::page::{AtomicMark, Fault, Mark, Order, Piece};
use crate::sync::Zeroed;

/// The byte of one page.
pub struct Byte(AtomicMark);

impl Byte {
    /// The byte of a page that is out.
    #[must_use]
    pub fn out() -> Self {
        let byte = AtomicMark::zero();
        byte.set(Mark::Out);
        Byte(byte)
    }

    /// The page goes to a device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn lend(&self) -> Result<(), Fault> {
        self.0.lend()
    }

    /// The page comes back from a device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn reclaim(&self) -> Result<(), Fault> {
        self.0.reclaim()
    }

    /// The page becomes the first of a block that is out.
    pub fn head_block(&self, order: Order) {
        self.0.set(Mark::Block(order));
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
    pub fn try_split_block(&self, order: Order) -> Result<(), Fault> {
        self.0.try_split_block(order, Piece::Page)
    }
}
