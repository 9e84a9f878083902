//! The byte that says what a page is, in the mode that has no words: `Compact`.
//!
//! Invariant: a byte says what its page is, and not where it lies. It is that of a free page from
//! before a magazine or the zone has the page until the page has left. Each legal byte has an even
//! number of bits set, so that one flipped bit never makes another legal byte.

#[cfg(test)]
mod tests;

use super::{Fault, Order, Piece};
use crate::sync::{Atomic, Ordering, defect, ordering, zeroed};

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// In the zone or in a magazine.
    Free,
    /// A single page that is out.
    Out,
    /// Handed to a device.
    Lent,
    /// Withheld for good.
    Bad,
    /// The first page of a block of this order that is out.
    Block(Order),
    /// Another page of such a block.
    Tail(Order),
}

impl Mark {
    /// The byte: `parity:1 | kind:3 | order:4`.
    pub(crate) const fn bits(self) -> u8 {
        let bits = match self {
            Mark::Free => 0,
            Mark::Out => 1 << 4,
            Mark::Lent => 2 << 4,
            Mark::Bad => 3 << 4,
            Mark::Block(order) => 4 << 4 | order.get(),
            Mark::Tail(order) => 5 << 4 | order.get(),
        };
        bits | ((bits.count_ones() & 1) as u8) << 7
    }

    /// What a byte says, unless it is no legal one.
    pub(crate) const fn of(bits: u8) -> Option<Self> {
        let order = Order::new(bits & 0xf);
        let mark = match (bits >> 4 & 7, order) {
            (0, _) => Mark::Free,
            (1, _) => Mark::Out,
            (2, _) => Mark::Lent,
            (3, _) => Mark::Bad,
            (4, Some(order)) => Mark::Block(order),
            (5, Some(order)) => Mark::Tail(order),
            _ => return None,
        };
        if mark.bits() == bits { Some(mark) } else { None }
    }

    /// The mark of a page of what a block was split into.
    const fn of_piece(piece: Piece) -> Self {
        match piece {
            Piece::Page => Mark::Out,
            Piece::Head(order) => Mark::Block(order),
            Piece::Tail(order) => Mark::Tail(order),
        }
    }

    /// Why this is not the mark of a single page that its owner may free.
    fn fault(self) -> Fault {
        match self {
            Mark::Free => Fault::AlreadyFree,
            Mark::Lent => Fault::Lent,
            Mark::Bad => Fault::Withheld,
            Mark::Block(order) | Mark::Tail(order) => Fault::InBlock { order: order.get() },
            Mark::Out => Fault::Corrupt,
        }
    }
}

/// The byte of one page.
///
/// Relaxed, where nothing else is said: whoever changes it has the page for itself, and what made
/// the page its own (the word of the zone or of a depot, a slot's lock, or the caller's promise)
/// orders the byte too.
#[repr(transparent)]
pub(crate) struct AtomicMark(Atomic<u8>);

// The byte of a page in the zone.
zeroed!(AtomicMark(0));
const _: () = assert!(Mark::Free.bits() == 0, "memory of zeroes is bytes of free pages");

impl AtomicMark {
    /// The byte, as of some moment.
    #[inline(always)]
    pub(crate) fn bits(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether this is its mark.
    #[inline(always)]
    pub(crate) fn is(&self, mark: Mark) -> bool {
        self.bits() == mark.bits()
    }

    /// The caller alone has the page, and marks it.
    #[inline(always)]
    pub(crate) fn set(&self, mark: Mark) {
        self.0.store(mark.bits(), Ordering::Relaxed);
    }

    /// Why this is not the byte of a single page that its owner may free.
    #[cold]
    pub(crate) fn fault(&self) -> Fault {
        Mark::of(self.bits()).map_or(Fault::Corrupt, Mark::fault)
    }

    /// A single page comes back from its owner. Of two frees at the same instant both may succeed.
    #[inline(always)]
    pub(crate) fn try_free(&self) -> Result<(), Fault> {
        if !self.is(Mark::Out) {
            return Err(self.fault());
        }
        if !defect!("compact-free") {
            self.set(Mark::Free);
        }
        Ok(())
    }

    /// The head of a block of this order comes back; exactly one caller wins.
    pub(crate) fn try_free_block(&self, order: Order) -> Result<(), Fault> {
        self.end_block(order, Mark::Free)
    }

    /// The head of a block of this order becomes the first page of what the block is split into;
    /// exactly one caller wins, of those that free the block, too.
    pub(crate) fn try_split_block(&self, order: Order, into: Piece) -> Result<(), Fault> {
        self.end_block(order, Mark::of_piece(into))
    }

    fn end_block(&self, order: Order, to: Mark) -> Result<(), Fault> {
        let stepped = self.step(Mark::Block(order), to);
        stepped.map_err(|bits| match Mark::of(bits) {
            Some(Mark::Free | Mark::Out) => Fault::NotABlock,
            mark => mark.map_or(Fault::Corrupt, Mark::fault),
        })
    }

    /// A page behind the head of such a block, which the caller alone has, is free; `false`, and
    /// nothing changes, if its byte does not say that it is one.
    pub(crate) fn leave_block(&self, order: Order) -> bool {
        self.end_tail(order, Mark::Free)
    }

    /// The same, of a block that is split: the page becomes one of a piece.
    pub(crate) fn split_tail(&self, order: Order, into: Piece) -> bool {
        self.end_tail(order, Mark::of_piece(into))
    }

    fn end_tail(&self, order: Order, to: Mark) -> bool {
        let is_tail = self.is(Mark::Tail(order));
        if is_tail {
            self.set(to);
        }
        is_tail
    }

    /// An owned page goes to a device.
    pub(crate) fn lend(&self) -> Result<(), Fault> {
        let stepped = self.step(Mark::Out, Mark::Lent);
        stepped.map_err(|bits| Mark::of(bits).map_or(Fault::Corrupt, Mark::fault))
    }

    /// A lent page comes back and is owned again.
    pub(crate) fn reclaim(&self) -> Result<(), Fault> {
        self.step(Mark::Lent, Mark::Out).map_err(|_| Fault::NotLent)
    }

    /// A page goes from one mark to another; of several callers exactly one succeeds, and the
    /// others get the byte that they found. AcqRel: what happened to the page before is seen by
    /// whoever takes the next such step.
    fn step(&self, from: Mark, to: Mark) -> Result<(), u8> {
        let (success, failure) = (ordering!(AcqRel, "compact-step"), Ordering::Acquire);
        let swapped = self.0.compare_exchange(from.bits(), to.bits(), success, failure);
        swapped.map(drop)
    }
}
