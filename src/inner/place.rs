//! Pages and blocks at their places: what must be where it is, and nowhere else.
//!
//! Invariant: a page that is asked for by its number leaves the zone as any other, and the call
//! that gets it took it there. Why a page cannot be had is a look at a moment, and changes nothing.

use super::Core;
use super::block::block_pages;
use crate::error::{PlaceError, PlaceReason};
use crate::mode::Mode;
use crate::page::{Fault, Order, PageId, ZONE};
use crate::slot::SlotMut;
use crate::sync::publish_fence;
use crate::zone::Floor;

impl<M: Mode> Core<M> {
    /// Allocates the page `first`, or with an order the block that starts there, whose pages are
    /// the caller's then. If a page of it is cached, what can be drained is drained first.
    pub(crate) fn alloc_at(
        &self,
        mut slot: Option<SlotMut<'_>>,
        first: PageId,
        order: Option<Order>,
        floor: Floor,
    ) -> Result<(), PlaceError> {
        let block = order.unwrap_or(Order::ZERO);
        let wanted = self.check_place(first, block);
        let Some(asked) = slot.as_mut().filter(|slot| self.has_to_answer(slot)) else {
            return wanted.and_then(|_| self.take_at(slot, first, order, floor));
        };
        let want = wanted.unwrap_or(0);
        let answer = self.begin_answer(asked.reborrow(), (want, want), floor);
        let taken = match wanted {
            Ok(_) if answer.most < want => {
                Err(PlaceError { page: first, reason: PlaceReason::Busy })
            }
            Ok(_) => self.take_at(Some(asked.reborrow()), first, order, floor),
            Err(error) => Err(error),
        };
        self.end_answer(asked.reborrow(), &answer, if taken.is_ok() { want } else { 0 });
        taken
    }

    /// How many pages a block has that starts here, if one can.
    fn check_place(&self, first: PageId, order: Order) -> Result<usize, PlaceError> {
        let reason = if first.index() >= self.pages {
            PlaceReason::OutOfRange
        } else if !self.fits(first, order) {
            PlaceReason::NotABlock { order: order.get() }
        } else {
            return Ok(order.pages());
        };
        Err(PlaceError { page: first, reason })
    }

    fn take_at(
        &self,
        mut slot: Option<SlotMut<'_>>,
        first: PageId,
        order: Option<Order>,
        floor: Floor,
    ) -> Result<(), PlaceError> {
        let mut looked = 0;
        let block = order.unwrap_or(Order::ZERO);
        let taken = self.find_at(&mut slot, first, block, floor).and_then(|()| {
            let leaves = match order {
                Some(order) => self.verify_block(first, order, &mut looked),
                None => {
                    self.verify_move(first, ZONE, ZONE) && self.verify_from_zone(first, &mut looked)
                }
            };
            if leaves { Ok(()) } else { Err(self.missing_at(first, block)) }
        });
        // What it had in hand for a moment is back.
        publish_fence();
        let pages = if taken.is_ok() { order.map_or(1, Order::pages) } else { 0 };
        self.count_blocks(slot.as_ref(), pages, taken.is_err(), looked);
        taken
    }

    /// Takes pages out of the zone, drained into it if need be.
    fn find_at(
        &self,
        slot: &mut Option<SlotMut<'_>>,
        first: PageId,
        order: Order,
        floor: Floor,
    ) -> Result<(), PlaceError> {
        let (mut drained, pages) = (false, order.pages());
        while self.allowed(floor, pages, pages, |allowed| {
            usize::from(allowed.take_block_at(first, order, |id| self.taint(id)))
        }) == 0
        {
            let mut missing = self.missing_at(first, order);
            if drained && missing.reason == PlaceReason::Busy && self.keeps(floor, pages) {
                missing.reason = PlaceReason::Watermark;
            }
            let is_cached =
                matches!(missing.reason, PlaceReason::Cached | PlaceReason::OutOrCached);
            if drained && is_cached {
                self.request_drains(slot.as_ref().map(SlotMut::shared));
            }
            if drained || !is_cached && missing.reason != PlaceReason::Busy {
                return Err(missing);
            }
            drained = true;
            self.drain_for(slot.as_mut());
        }
        Ok(())
    }

    /// The first page of a block that is not in the zone, and where it is.
    fn missing_at(&self, first: PageId, order: Order) -> PlaceError {
        match block_pages(first, order).find(|&id| !self.zone.holds(id)) {
            Some(page) => PlaceError { page, reason: self.where_is(page) },
            // It has come back meanwhile.
            None => PlaceError { page: first, reason: PlaceReason::Busy },
        }
    }

    /// Where a page is that is not in the zone. While others are at work it may be on its way.
    fn where_is(&self, page: PageId) -> PlaceReason {
        if self.offline.has(page) {
            return PlaceReason::Offline;
        }
        if !M::CHECKS {
            return match self.cached() {
                0 => PlaceReason::Out,
                _ => PlaceReason::OutOrCached,
            };
        }
        match self.check_out(page) {
            Err(Fault::AlreadyFree) if self.zone.holds(page) => PlaceReason::Busy,
            Err(Fault::AlreadyFree) if self.is_fenced(page) => PlaceReason::Fenced,
            Err(Fault::AlreadyFree) => PlaceReason::Cached,
            Err(Fault::Lent) => PlaceReason::Lent,
            Err(Fault::Withheld) => PlaceReason::Withheld,
            _ => PlaceReason::Out,
        }
    }
}

#[cfg(test)]
mod tests;
