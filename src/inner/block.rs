//! Blocks: contiguous pages, from the zone and back to it.

use super::{Core, Faults};
use crate::error::ShortReason;
use crate::mode::{Mode, Policy};
use crate::page::{Fault, Mark, Order, PageId, ZONE};
use crate::slot::SlotMut;
use crate::sync::defect;
use crate::zone::Cursor;

impl<M: Mode> Core<M> {
    /// Allocates an aligned block, draining what can be drained if none is whole.
    pub(crate) fn alloc_block(
        &self,
        mut slot: Option<SlotMut<'_>>,
        order: Order,
    ) -> Result<PageId, ShortReason> {
        let Some(asked) = slot.as_mut().filter(|slot| self.has_to_answer(slot)) else {
            return self.take_block(slot, order);
        };
        let answer = self.begin_answer(asked.reborrow(), order.pages(), order.pages());
        let block = if answer.most < order.pages() {
            asked.counters().count_event::<M>(&asked.counters().short);
            Err(ShortReason::Busy)
        } else {
            self.take_block(Some(asked.reborrow()), order)
        };
        let got = if block.is_ok() { order.pages() } else { 0 };
        self.end_answer(asked.reborrow(), &answer, got);
        block
    }

    fn take_block(
        &self,
        mut slot: Option<SlotMut<'_>>,
        order: Order,
    ) -> Result<PageId, ShortReason> {
        let mut drained = false;
        loop {
            let mut cursor =
                slot.as_mut().map_or(Cursor::default(), |slot| *slot.reborrow().parts().cursor);
            match self.zone.take_block(&mut cursor, order) {
                Some(first) if self.verify_block(slot.as_ref(), first, order) => {
                    match &slot {
                        Some(slot) => slot.counters().count_alloc::<M>(order.pages()),
                        None => self.count_uncached_alloc(order.pages()),
                    }
                    return Ok(first);
                }
                Some(_) => {}
                None if drained => {
                    let own = slot.as_ref().map(SlotMut::shared);
                    return Err(match self.short_reason(own, 0) {
                        ShortReason::Busy if order.pages() > 1 && self.zone.free() > 0 => {
                            ShortReason::Fragmented
                        }
                        reason => reason,
                    });
                }
                None => {
                    drained = true;
                    if let Some(slot) = &mut slot {
                        self.empty_slot(slot.reborrow());
                    }
                    self.drain_shared();
                    self.drain_idle();
                    self.drain_depots();
                }
            }
        }
    }

    /// Marks the pages of a block. If one may not leave, it is withheld and the others go back.
    fn verify_block(&self, slot: Option<&SlotMut<'_>>, first: PageId, order: Order) -> bool {
        if !M::CHECKS {
            return true;
        }
        let pages = || block_pages(first, order);
        let (mut good, mut marked, mut looked) = (0_u64, 0_u64, 0);
        for (at, id) in pages().enumerate() {
            let before = looked;
            let leaves = self.verify_move(id, ZONE, ZONE) && self.verify_from_zone(id, &mut looked);
            good |= u64::from(leaves) << at;
            marked |= (looked - before) << at;
        }
        match slot {
            Some(slot) if M::POISONS && M::STATS => slot.counters().poison_checks.add(looked),
            Some(_) => {}
            None => self.count_uncached_poison_checks(looked),
        }
        let whole = good.count_ones() as usize == order.pages();
        for (at, id) in pages().enumerate() {
            if whole {
                self.join_block(id, at == 0, order);
            } else if good >> at & 1 == 1 && !defect!("block-rollback") {
                self.rest(id, ZONE);
                if marked >> at & 1 == 1 {
                    // Its bytes are still poison: they were just compared.
                    self.set_poison_mark(id);
                }
                self.zone.put(&[id], |_| self.taint());
            }
        }
        whole
    }

    /// Takes a block back, which its owner gives up; pages behind its first whose words make no sense are
    /// withheld. Returns how many pages it had, 0 if it was bad. They are not counted yet.
    pub(crate) fn free_block(&self, first: PageId, order: Order, faults: &mut Faults) -> usize {
        if M::CHECKS {
            let fits = (first.index() as usize).is_multiple_of(order.pages())
                && (first.index() as usize + order.pages()) <= self.pages as usize;
            if !fits {
                faults.add(first, 0, Fault::NotABlock);
                return 0;
            }
            if let Err(fault) = self.try_free_block(first, order) {
                faults.add(first, 0, fault);
                return 0;
            }
        }
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
        let mut doubled = |id| faults.add(id, 0, Fault::AlreadyFree);
        if corrupt == 0 {
            return self.zone.put_block(first, order, doubled);
        }
        let good = block_pages(first, order).filter(|&id| self.withheld(id).is_none());
        corrupt + good.map(|id| self.zone.put(&[id], &mut doubled)).sum::<usize>()
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

    /// The head of a block of this order comes back; exactly one caller wins.
    fn try_free_block(&self, first: PageId, order: Order) -> Result<(), Fault> {
        if M::COMPACT {
            return self.mark(first)?.try_free_block(order);
        }
        self.word(first).try_free_block(order)
    }

    /// Another page of such a block follows; `false` if it says that it is none.
    fn leave_block(&self, id: PageId, order: Order) -> bool {
        if M::COMPACT {
            return self.mark(id).is_ok_and(|byte| byte.leave_block(order));
        }
        self.word(id).leave_block(order)
    }
}

fn block_pages(first: PageId, order: Order) -> impl Iterator<Item = PageId> {
    (0..order.pages() as u32).map(move |at| PageId::new(first.index() + at))
}
