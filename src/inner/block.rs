//! Blocks: contiguous pages, from the zone and back to it, or split into pieces.
//!
//! Invariant: a page of a block that is out says so, and of which order the block is; it is freed
//! with the block, by its first page. What a block was split into is out as if it had been
//! allocated so, and each piece goes its way.

use core::mem::MaybeUninit;

use super::{Core, Faults, Step, Tables};
use crate::error::ShortReason;
use crate::mode::{Mode, Policy};
use crate::page::{Fault, Mark, Order, PageId, Piece, ZONE};
use crate::slot::{Slot, SlotMut};
use crate::sync::{defect, publish_fence};
use crate::zone::Cursor;

/// Pages of a block, by how far they are from its first.
struct PageSet([u64; Order::MAX.pages().div_ceil(64)]);

impl PageSet {
    const EMPTY: Self = PageSet([0; Order::MAX.pages().div_ceil(64)]);

    fn insert_if(&mut self, at: usize, belongs: bool) {
        self.0[at / 64] |= u64::from(belongs) << (at % 64);
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

impl Tables {
    /// Whether a block of this order can start here.
    pub(crate) fn fits(&self, first: PageId, order: Order) -> bool {
        // In 64 bits, for whoever frees by a number may name any.
        let (first, pages) = (u64::from(first.index()), order.pages() as u64);
        first.is_multiple_of(pages) && first + pages <= self.pages.into()
    }
}

impl<M: Mode> Core<M> {
    /// Allocates up to `out.len()` aligned blocks, draining what can be drained if there are not so
    /// many. Their first pages are written, and are the caller's with the others. Returns how many
    /// blocks, and why no more.
    pub(crate) fn alloc_blocks(
        &self,
        mut slot: Option<SlotMut<'_>>,
        order: Order,
        out: &mut [MaybeUninit<PageId>],
        step: Step,
    ) -> (usize, Option<ShortReason>) {
        if !self.fits(PageId::new(0), order) && !out.is_empty() {
            // Whatever others gave up would be of no use.
            self.count_blocks(slot.as_ref(), 0, true, 0);
            return (0, Some(ShortReason::Fragmented));
        }
        let Some(asked) = slot.as_mut().filter(|slot| self.has_to_answer(slot)) else {
            return self.gather_blocks(slot, order, out, step);
        };
        let want = out.len() * order.pages();
        let answer = self.begin_answer(asked.reborrow(), (want, order.pages()), step.floor);
        let most = answer.most / order.pages();
        let (got, mut reason) =
            self.gather_blocks(Some(asked.reborrow()), order, &mut out[..most], step);
        if most < out.len() && reason.is_none() {
            asked.counters().count_event::<M>(&asked.counters().short);
            reason = Some(ShortReason::Busy);
        }
        self.end_answer(asked.reborrow(), &answer, got * order.pages());
        (got, reason)
    }

    fn gather_blocks(
        &self,
        mut slot: Option<SlotMut<'_>>,
        order: Order,
        out: &mut [MaybeUninit<PageId>],
        step: Step,
    ) -> (usize, Option<ShortReason>) {
        let mut cursor =
            slot.as_mut().map_or(Cursor::default(), |slot| *slot.reborrow().parts().cursor);
        let (mut got, mut looked, mut drained) = (0, 0, false);
        let reason = loop {
            if got == out.len() {
                break None;
            }
            let most = out.len() - got;
            let each = |first| {
                if self.verify_block(first, order, &mut looked) {
                    out[got].write(first);
                    got += 1;
                }
            };
            // Again, also if all that it took had to be withheld.
            // One at a time where pages stay for others: a search may be long, and what is claimed nobody else has.
            let most = if self.zone.has_marks() { 1 } else { most };
            let pages = most * order.pages();
            let taken = self.allowed(step.floor, pages, pages, |allowed| {
                allowed.take_blocks(&mut cursor, order, each, |id| self.taint(id))
            });
            if taken > 0 {
                continue;
            }
            if drained {
                break Some(self.no_block(slot.as_ref().map(SlotMut::shared), order, got, step));
            }
            drained = true;
            self.drain_for(slot.as_mut());
        };
        // What it had in hand for a moment is back.
        publish_fence();
        self.count_blocks(slot.as_ref(), got * order.pages(), reason.is_some(), looked);
        (got, reason)
    }

    /// Counts a call that got so many pages, whether it is short, and the pages that were looked at
    /// for poison.
    pub(super) fn count_blocks(
        &self,
        slot: Option<&SlotMut<'_>>,
        pages: usize,
        short: bool,
        looked: u64,
    ) {
        match slot {
            Some(slot) => {
                let counters = slot.counters();
                counters.count_alloc::<M>(pages);
                if short {
                    counters.count_event::<M>(&counters.short);
                }
                if M::POISONS && M::STATS {
                    counters.poison_checks.add(looked);
                }
            }
            None => {
                if pages > 0 {
                    self.count_uncached_alloc(pages);
                    self.end_without_slot(pages);
                }
                self.count_uncached_poison_checks(looked);
            }
        }
    }

    /// Puts all that can be reached into the zone, what the call's own slot holds first.
    pub(super) fn drain_for(&self, slot: Option<&mut SlotMut<'_>>) {
        if let Some(slot) = slot {
            self.empty_slot(slot.reborrow());
        }
        let _ = self.drain_shared();
        self.drain_idle(|_| true);
        self.drain_depots();
    }

    /// Why there is no block for a call that got so many.
    fn no_block(&self, own: Option<&Slot>, order: Order, got: usize, step: Step) -> ShortReason {
        match self.short_reason(own, got * order.pages(), step) {
            ShortReason::Busy if self.keeps(step.floor, order.pages()) => ShortReason::Watermark,
            ShortReason::Busy if self.zone.is_claimed() => ShortReason::Busy,
            ShortReason::Busy if order.pages() > 1 && self.zone.free() > 0 => {
                ShortReason::Fragmented
            }
            reason => reason,
        }
    }

    /// Marks the pages of a block that has just left the zone. If one may not leave, it is withheld
    /// and the others go back. Adds to `looked` the pages whose poison was compared.
    pub(super) fn verify_block(&self, first: PageId, order: Order, looked: &mut u64) -> bool {
        if !M::CHECKS {
            return true;
        }
        let pages = || block_pages(first, order).enumerate();
        let (mut good, mut marked) = (PageSet::EMPTY, PageSet::EMPTY);
        for (at, id) in pages() {
            let before = *looked;
            let leaves = self.verify_move(id, ZONE, ZONE) && self.verify_from_zone(id, looked);
            good.insert_if(at, leaves);
            marked.insert_if(at, *looked > before);
        }
        let whole = good.len() == order.pages();
        for (at, id) in pages() {
            if whole {
                self.join_block(id, at == 0, order);
            } else if good.has(at) && !defect!("block-rollback") {
                self.rest(id, ZONE);
                if marked.has(at) {
                    // Its bytes are still poison: they were just compared.
                    self.set_poison_mark(id);
                }
                self.zone.put(&[id], |id| self.taint(id));
            }
        }
        whole
    }

    /// Takes a block back, which its owner gives up; pages behind its first whose words make no
    /// sense are withheld. Returns how many pages it had, 0 if it was bad. They are not counted
    /// yet, but as given.
    pub(crate) fn free_block(&self, first: PageId, order: Order, faults: &mut Faults) -> usize {
        if let Err(fault) = self.end_block(first, order, None) {
            self.tracker.block_refused(first);
            faults.add(first, 0, fault);
            return 0;
        }
        self.tracker.block_freed(|| block_pages(first, order));
        self.count_given(order.pages());
        let freed = self.put_block(first, order, faults);
        if freed < order.pages() {
            self.uncount_given(order.pages() - freed);
        }
        freed
    }

    /// Puts the pages of a block into the zone that is no block any more.
    fn put_block(&self, first: PageId, order: Order, faults: &mut Faults) -> usize {
        let leaves = |id: PageId| !M::CHECKS || id == first || self.leave_block(id, order);
        let mut corrupt = 0;
        for id in block_pages(first, order) {
            if leaves(id) {
                self.poison_without_slot(id);
            } else {
                self.withhold(id, Fault::Corrupt);
                corrupt += 1;
            }
        }
        self.forbid(block_pages(first, order));
        let mut doubled = |id| self.refuse(id, 0, Fault::AlreadyFree, faults);
        let back = if corrupt == 0 {
            self.zone.put_range(first, order.pages(), doubled)
        } else {
            let good = block_pages(first, order).filter(|&id| self.withheld(id).is_none());
            corrupt + good.map(|id| self.zone.put(&[id], &mut doubled)).sum::<usize>()
        };
        publish_fence();
        back
    }

    /// Makes blocks of the order `into` of a block that is out, or single pages, which stay its
    /// owner's. If it is none, nothing changes; a page behind its first whose word makes no sense
    /// stays as it is. Returns how many pages are pieces now.
    pub(crate) fn split_block(
        &self,
        first: PageId,
        order: Order,
        into: Option<Order>,
        faults: &mut Faults,
    ) -> usize {
        if into.is_some_and(|into| into > order) {
            self.refuse_call(first, 0, Fault::InBlock { order: order.get() }, faults);
            return 0;
        }
        if let Err(fault) = self.end_block(first, order, Some(Piece::of(0, into))) {
            self.refuse_call(first, 0, fault, faults);
            return 0;
        }
        self.tracker.split(|| block_pages(first, order));
        let mut pieces = order.pages();
        for (at, id) in block_pages(first, order).enumerate().skip(1) {
            if M::CHECKS && !self.split_tail(id, order, Piece::of(at, into)) {
                faults.add(id, at, Fault::Corrupt);
                pieces -= 1;
            }
        }
        pieces
    }
}

impl<M: Mode> Core<M> {
    /// Marks a page as part of a block that is out.
    fn join_block(&self, id: PageId, head: bool, order: Order) {
        if M::COMPACT {
            self.set_mark(id, if head { Mark::Block(order) } else { Mark::Tail(order) });
        } else {
            self.word(id).join_block(head, order);
        }
    }

    /// A block of this order comes back, or becomes pieces, of which its first page is to be
    /// `piece`; where the mode looks, exactly one caller wins.
    fn end_block(&self, first: PageId, order: Order, piece: Option<Piece>) -> Result<(), Fault> {
        if !self.fits(first, order) {
            return Err(Fault::NotABlock);
        }
        match piece {
            _ if !M::CHECKS => Ok(()),
            None if M::COMPACT => self.mark(first)?.try_free_block(order),
            None => self.word(first).try_free_block(order),
            Some(piece) if M::COMPACT => self.mark(first)?.try_split_block(order, piece),
            Some(piece) => self.word(first).try_split_block(M::CLAIMS, order, piece),
        }
    }

    /// Another page of such a block follows; `false` if it says that it is none.
    fn leave_block(&self, id: PageId, order: Order) -> bool {
        if M::COMPACT {
            return self.mark(id).is_ok_and(|byte| byte.leave_block(order));
        }
        self.word(id).leave_block(order)
    }

    /// The same, of a block that becomes pieces.
    fn split_tail(&self, id: PageId, order: Order, piece: Piece) -> bool {
        if M::COMPACT {
            return self.mark(id).is_ok_and(|byte| byte.split_tail(order, piece));
        }
        self.word(id).split_tail(M::CLAIMS, order, piece)
    }
}

/// The pages of a block.
pub(crate) fn block_pages(first: PageId, order: Order) -> impl Iterator<Item = PageId> {
    (0..order.pages() as u32).map(move |at| PageId::new(first.index() + at))
}

#[cfg(test)]
mod tests;
