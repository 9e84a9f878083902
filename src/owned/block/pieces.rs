//! What a block was split into: pages, or smaller blocks, one after the other.
//!
//! Invariant: the pieces that are left have no other owner, and are freed as the iterator is
//! dropped.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::ManuallyDrop;
use core::ops::Range;

use super::Block;
use crate::error::Call;
use crate::inner::Faults;
use crate::mode::{DefaultMode, Mode};
use crate::owned::Page;
use crate::page::{Order, PageId};

/// The pages that a block was split into: see [`Block::into_pages`]. Dropping it frees those that
/// are left.
///
/// ```
/// # use pagesheaf::{IntoPages, Order, Page, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// A page for each of two readers; the others are freed.
/// fn two(mut pages: IntoPages) -> Option<[Page; 2]> {
///     Some([pages.next()?, pages.next()?])
/// }
///
/// let pool = Pool::builder(100).build()?;
/// let pages = two(pool.alloc_block(Order::try_from(3)?)?.into_pages());
/// assert_eq!((pages.is_some(), pool.audit().pages.out), (true, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it frees the pages"]
pub struct IntoPages<M: Mode = DefaultMode>(Pieces<M>);

/// The blocks that a block was split into: see [`Block::split`]. Dropping it frees those that are
/// left.
///
/// ```
/// # use pagesheaf::{Order, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let block = pool.alloc_block(Order::try_from(3)?)?;
/// let mut halves = block.split(Order::try_from(2)?).expect("the order is smaller");
/// let half = halves.next().expect("there are two");
/// drop(halves);
/// assert_eq!((half.len(), pool.audit().pages.out), (4 * 4096, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it frees the blocks"]
pub struct IntoBlocks<M: Mode = DefaultMode>(Pieces<M>, Order);

struct Pieces<M: Mode> {
    /// What was split: it names the core, and owns nothing any more.
    block: ManuallyDrop<Block<M>>,
    /// The pieces that are left, counted from the block's first page.
    left: Range<u32>,
    /// Pages of a piece.
    pages: u32,
}

impl<M: Mode> Pieces<M> {
    /// Splits a block into smaller ones, or into pages.
    fn of(block: Block<M>, into: Option<Order>) -> Self {
        let (first, order) = (block.id(), block.order());
        let mut faults = Faults::default();
        let core = block.shared();
        let pieces = core.split_block(first, order, into, &mut faults);
        // The call has no error to return; the pool remembers. What is no piece is refused when it
        // is freed, and stays out.
        core.record_for_later(&faults, pieces, Call::SplitBlock);
        let pages = into.map_or(1, Order::pages) as u32;
        let left = 0..order.pages() as u32 / pages;
        Pieces { block: ManuallyDrop::new(block), left, pages }
    }

    /// The first page of a piece.
    fn first(&self, piece: u32) -> PageId {
        PageId::new(self.block.id().index() + piece * self.pages)
    }
}

impl<M: Mode> IntoPages<M> {
    pub(super) fn of(block: Block<M>) -> Self {
        IntoPages(Pieces::of(block, None))
    }

    fn own(&self, piece: u32) -> Page<M> {
        // SAFETY: the page was the block's, has just left the range of those that are left, and is
        // of a core with bytes, which it keeps alive.
        unsafe { Page::new(self.0.block.core(), self.0.first(piece)) }
    }
}

impl<M: Mode> IntoBlocks<M> {
    /// Of an order that is not larger than the block's.
    pub(super) fn of(block: Block<M>, order: Order) -> Self {
        IntoBlocks(Pieces::of(block, Some(order)), order)
    }

    fn own(&self, piece: u32) -> Block<M> {
        // SAFETY: its pages were the block's, and the piece has just left the range of those that
        // are left; the core has bytes, and they keep it alive.
        unsafe { Block::new(self.0.block.core(), self.0.first(piece), self.1) }
    }
}

/// What both iterators have.
macro_rules! iterates {
    ($name:ident, $item:ident) => {
        impl<M: Mode> Iterator for $name<M> {
            type Item = $item<M>;

            fn next(&mut self) -> Option<$item<M>> {
                self.0.left.next().map(|piece| self.own(piece))
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.left.size_hint()
            }
        }

        impl<M: Mode> DoubleEndedIterator for $name<M> {
            fn next_back(&mut self) -> Option<$item<M>> {
                self.0.left.next_back().map(|piece| self.own(piece))
            }
        }

        impl<M: Mode> ExactSizeIterator for $name<M> {}
        impl<M: Mode> FusedIterator for $name<M> {}

        impl<M: Mode> Drop for $name<M> {
            fn drop(&mut self) {
                self.by_ref().for_each(drop);
            }
        }

        impl<M: Mode> fmt::Debug for $name<M> {
            /// The numbers of the first pages of what is left.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let firsts = self.0.left.clone().map(|piece| self.0.first(piece).index());
                f.debug_list().entries(firsts).finish()
            }
        }
    };
}
iterates!(IntoPages, Page);
iterates!(IntoBlocks, Block);
