//! Who can take part: something that hands out pages many at a time, or pretends to.
//!
//! The shapes are generic over contenders, so that nothing between them and the clock is a call through a table.

use anyhow::Result;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::case::BLOCKS;

/// Pages of the first part that are written where a row says `touched`, in bytes.
pub const TOUCHED: usize = 64;

/// The pages that a contender is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How many there are for both hands together.
    pub pages: usize,
    /// Whether they will be written to: the memory is populated beforehand, so that no fault is timed.
    pub touched: bool,
    /// Where the written part of each starts is staggered over so many cache lines; 1 is not at all.
    pub colour: usize,
    /// Whether neighbours in a bulk are neighbours in memory.
    pub order: Order,
}

/// The order in which pages are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// At random, as after a while of use.
    Scattered,
    /// As in a fresh pool.
    Neighbours,
}

/// A thread's own way into an allocator of pages.
///
/// A bulk is filled once by `alloc` and then emptied once by `free` or `orphan`, with the same `n`, perhaps by the
/// other hand of the pair on another thread.
pub trait Contender: Send + Sized + 'static {
    /// Room for the pages of a bulk.
    type Bulk<const N: usize>: Send;

    /// Whether it writes to pages by itself, so that all of them take up memory.
    const WRITES: bool = false;

    /// Two hands of one allocator, for one thread each.
    ///
    /// # Errors
    /// When the pages cannot be had.
    fn pair(setup: &Setup) -> Result<(Self, Self)>;

    /// An empty bulk.
    fn bulk<const N: usize>() -> Self::Bulk<N>;

    /// Fills a bulk with `n` pages, at most `N`. Returns how many it got: `n`, or it has run dry.
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize;

    /// Frees the pages of a bulk.
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize);

    /// Frees the pages of a bulk where no hand is near.
    fn orphan<const N: usize>(_bulk: &mut Self::Bulk<N>, _n: usize) {
        unreachable!("takes no part in `orphan_drop`");
    }

    /// Allocates `n` blocks of an order, at most [`BLOCKS`], and frees them, so many times. Returns how many it got.
    fn block_pairs(&mut self, _order: u8, _n: usize, _times: usize) -> usize {
        unreachable!("takes no part where blocks come and go");
    }

    /// Gives up the pages that are at hand, so that blocks can form of them.
    fn drain(&mut self) {}

    /// Writes the first [`TOUCHED`] bytes of each page, past its colour.
    fn touch<const N: usize>(&mut self, _bulk: &mut Self::Bulk<N>, _n: usize) {
        unreachable!("takes no part where pages are touched");
    }

    /// Exchanges a page of one bulk for a page of another, to scatter them. Not timed.
    fn swap<const N: usize>(
        left: &mut Self::Bulk<N>,
        at: usize,
        right: &mut Self::Bulk<N>,
        other: usize,
    );
}

/// A bulk of plain values: page numbers or pointers. Only the first `n` mean anything.
#[repr(align(64))]
pub struct Items<T, const N: usize>(pub [T; N]);

impl<T: Copy, const N: usize> Items<T, N> {
    /// The values of a bulk of `n` pages.
    #[inline(always)]
    pub fn first(&mut self, n: usize) -> &mut [T] {
        &mut self.0[..n]
    }

    /// Exchanges one of these for one of those.
    pub fn swap(left: &mut Self, at: usize, right: &mut Self, other: usize) {
        std::mem::swap(&mut left.0[at], &mut right.0[other]);
    }
}
