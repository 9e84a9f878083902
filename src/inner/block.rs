//! Blocks: contiguous pages, from the zone and back to it.

use super::{Core, Faults};
use crate::cache::Slot;
use crate::error::{Fault, ShortReason};
use crate::mode::Mode;
use crate::page::{Order, PageId, ZONE};
use crate::sync::defect;

impl<M: Mode> Core<M> {
    /// Takes an aligned block, draining what can be drained if none is whole.
    ///
    /// # Safety
    /// The caller holds the slot, if there is one.
    pub(crate) unsafe fn take_block(
        &self,
        slot: Option<&Slot>,
        order: Order,
    ) -> Result<PageId, ShortReason> {
        let mut drained = false;
        loop {
            // SAFETY: the caller holds the slot.
            let mut cursor = slot.map_or(0, |slot| unsafe { slot.cursor.get() });
            match self.zone.take_block(&mut cursor, order) {
                Some(first) if self.block_leaves(first, order) => {
                    match slot {
                        Some(slot) => slot.counters.took::<M>(order.pages()),
                        None => self.orphans_taken(order.pages()),
                    }
                    return Ok(first);
                }
                Some(_) => {}
                None if drained => {
                    let cached = self.cached() > 0;
                    return Err(if cached { ShortReason::Cached } else { ShortReason::Exhausted });
                }
                None => {
                    drained = true;
                    if let Some(slot) = slot {
                        // SAFETY: the caller holds the slot.
                        unsafe { self.empty_slot(slot) };
                    }
                    self.drain(slot);
                }
            }
        }
    }

    /// Marks the pages of a block. If one may not leave, it is withheld and the others go back.
    fn block_leaves(&self, first: PageId, order: Order) -> bool {
        if !M::CHECKS {
            return true;
        }
        let pages = || block_pages(first, order);
        let mut good = 0_u64;
        for (at, id) in pages().enumerate() {
            good |= u64::from(self.moves(id, ZONE, ZONE) && self.leaves(id, ZONE)) << at;
        }
        let whole = good.count_ones() as usize == order.pages();
        for (at, id) in pages().enumerate() {
            if whole {
                self.word(id).join_block(at == 0, order);
            } else if good >> at & 1 == 1 && !defect!("block-rollback") {
                self.word(id).rest(ZONE);
                self.zone.put(&[id], |_| self.taint());
            }
        }
        whole
    }

    /// Takes a block back. Returns how many pages it had, 0 if it was bad.
    pub(crate) fn give_block(&self, first: PageId, order: Order, faults: &mut Faults) -> usize {
        if M::CHECKS {
            let fits = (first.index() as usize).is_multiple_of(order.pages())
                && (first.index() as usize + order.pages()) <= self.pages as usize;
            if !fits {
                faults.add(first, 0, Fault::NotABlock);
                return 0;
            }
            if let Err(fault) = self.word(first).try_free_block(order) {
                faults.add(first, 0, fault);
                return 0;
            }
            for id in block_pages(first, order).skip(1) {
                self.word(id).rest(ZONE);
            }
        }
        if M::HARDENED {
            block_pages(first, order).for_each(|id| self.poison(id));
        }
        self.zone.put_block(first, order, |id| faults.add(id, 0, Fault::AlreadyFree))
    }
}

fn block_pages(first: PageId, order: Order) -> impl Iterator<Item = PageId> {
    (0..order.pages() as u32).map(move |at| PageId::new(first.index() + at))
}
