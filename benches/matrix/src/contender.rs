//! Who can take part: something that hands out pages many at a time, or pretends to.
//!
//! The shapes are generic over contenders, so that nothing between them and the clock is a call through a table.

use std::mem::MaybeUninit;

use anyhow::Result;
use pagesheaf::{Mode, Page, PageBatch};
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
    type Bulk<const N: usize>: Bulk;

    /// Whether it writes to pages by itself, so that all of them take up memory.
    const WRITES: bool = false;

    /// The most pages that one of its calls waits for.
    const WAITS_FOR: usize = usize::MAX;

    /// Two hands of one allocator, for one thread each.
    ///
    /// # Errors
    /// When the pages cannot be had.
    fn pair(setup: &Setup) -> Result<(Self, Self)>;

    /// An empty bulk.
    fn bulk<const N: usize>() -> Self::Bulk<N>;

    /// Fills a bulk with `n` pages, at most `N`. Returns how many it got: `n`, or it has run dry.
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize;

    /// Fills a bulk with `n` pages, and waits until there are so many. Returns how many it got.
    fn alloc_waiting<const N: usize>(
        &mut self,
        _bulk: &mut Self::Bulk<N>,
        _n: usize,
    ) -> impl Future<Output = usize> {
        async { unreachable!("takes no part in `wait`") }
    }

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
}

/// The pages of a bulk, of which the shapes move some to another bulk.
pub trait Bulk: Send {
    /// Exchanges a page for a page of another, to scatter them. Not timed.
    fn exchange(&mut self, at: usize, other: &mut Self, there: usize);

    /// Moves the last `n` of the `left` pages to the end of another, which holds `held`.
    fn pass(&mut self, left: usize, to: &mut Self, held: usize, n: usize);
}

impl<T: Copy + Send, const N: usize> Bulk for Items<T, N> {
    fn exchange(&mut self, at: usize, other: &mut Self, there: usize) {
        std::mem::swap(&mut self.0[at], &mut other.0[there]);
    }

    #[inline(always)]
    fn pass(&mut self, left: usize, to: &mut Self, held: usize, n: usize) {
        to.0[held..held + n].copy_from_slice(&self.0[left - n..left]);
    }
}

/// Buffers that own their memory.
impl<B: Send> Bulk for Vec<B> {
    fn exchange(&mut self, at: usize, other: &mut Self, there: usize) {
        std::mem::swap(&mut self[at], &mut other[there]);
    }

    #[inline(always)]
    fn pass(&mut self, left: usize, to: &mut Self, _held: usize, n: usize) {
        to.extend(self.drain(left - n..));
    }
}

impl<M: Mode, const N: usize> Bulk for PageBatch<M, N> {
    fn exchange(&mut self, at: usize, other: &mut Self, there: usize) {
        let (one, two) = (self.swap_remove(at), other.swap_remove(there));
        self.push(two).expect("room for a page of the same pool");
        other.push(one).expect("room for a page of the same pool");
    }

    #[inline(always)]
    fn pass(&mut self, left: usize, to: &mut Self, _held: usize, n: usize) {
        let appended = to.append(&mut self.split_off(left - n));
        appended.expect("room for pages of the same pool");
    }
}

/// Pages one by one, of which the first are there.
impl<M: Mode, const N: usize> Bulk for [MaybeUninit<Page<M>>; N] {
    fn exchange(&mut self, at: usize, other: &mut Self, there: usize) {
        std::mem::swap(&mut self[at], &mut other[there]);
    }

    fn pass(&mut self, left: usize, to: &mut Self, held: usize, n: usize) {
        self[left - n..left].swap_with_slice(&mut to[held..held + n]);
    }
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
}
