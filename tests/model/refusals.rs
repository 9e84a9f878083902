//! Whether it was right to refuse what an operation asked for.

use std::collections::BTreeSet;

use super::shares::Shares;
use super::world::{KEPT, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// Whether it was right to say that there are not so many pages. `others` is how many owned caches the call could
    /// not take from.
    pub(super) fn check_refusal(
        &self,
        error: ExactError,
        want: usize,
        room: usize,
        before: Pages,
        others: usize,
    ) {
        let ExactError { want: wanted, had, reason: short, .. } = error;
        assert!(wanted == want && had < want, "{error}");
        if want > room || want > self.pool.capacity() {
            let why = if want > room { ShortReason::BatchFull } else { ShortReason::TooMany };
            return assert_eq!((had, short), (0, why));
        }
        if self.is_injected(short == ShortReason::Injected) {
            return assert_eq!(had, 0);
        }
        self.failed_exact();
        if !self.alone {
            return;
        }
        self.dry.set(true);
        let left = (before.free + before.cached) as usize;
        let waits = before.fenced as usize;
        let busy = short == ShortReason::Busy;
        let kept = self.kept(want, before.free);
        let in_zone = before.free as usize - kept;
        assert!(busy || in_zone < want, "{error}, though the zone had {before}");
        match short {
            // Another that found nothing is to get what is left.
            ShortReason::Busy => {
                assert!(had == 0 && left > 0 && self.may_be_held_back(others), "{error}, {before}")
            }
            // Of those that wait for tickets some may have come free.
            ShortReason::Exhausted => {
                assert!((left..=left + waits).contains(&had) && left + waits < want, "{before}");
            }
            ShortReason::Fenced => {
                assert!((left..left + waits).contains(&had) && left + waits >= want, "{before}");
            }
            ShortReason::Watermark => {
                // What lay in caches and was drained on the way may have come to lie below a mark.
                let drained = self.kept(want, self.in_zone());
                assert!(kept.max(drained) > 0 && had <= left + waits - kept, "{error}, {before}");
            }
            ShortReason::Cached => {
                let elsewhere = left.saturating_sub(kept + had);
                assert!(had < left + waits && elsewhere <= others * KEPT, "{had} of {before}")
            }
            other => panic!("{other:?}"),
        }
    }

    /// How many pages the zone has.
    fn in_zone(&self) -> u64 {
        self.pool.audit().pages.free
    }

    /// How many blocks of this order there could be, if every page that is not out were in the zone.
    pub(super) fn whole(&self, order: Order) -> usize {
        let held: BTreeSet<_> = self.held().0.into_iter().map(|id| id.index() as usize).collect();
        let pages = order.pages();
        let starts = (0..self.pool.capacity() / pages).map(|block| block * pages);
        let is_online = |id: usize| !self.offline.contains(&PageId::new(id as u32));
        let starts = starts.filter(|&start| (start..start + pages).all(is_online));
        starts.filter(|&start| held.range(start..start + pages).next().is_none()).count()
    }

    /// Whether it was right to say that there is no block, where there could be `whole`.
    pub(super) fn check_no_block(
        &self,
        short: ShortReason,
        (order, blocks): (Order, usize),
        whole: usize,
        others: usize,
    ) {
        if self.is_injected(short == ShortReason::Injected) {
            return;
        }
        if order.pages() > self.pool.capacity() {
            assert_eq!((short, whole), (ShortReason::Fragmented, 0));
            return;
        }
        if !self.alone {
            return;
        }
        self.dry.set(true);
        let cached = self.pool.audit().pages.cached as usize;
        match short {
            ShortReason::Exhausted => assert_eq!((cached, self.in_zone()), (0, 0)),
            ShortReason::Watermark => {
                let kept = self.kept(blocks * order.pages(), self.in_zone());
                assert!(kept > 0 && self.in_zone() as usize - kept < order.pages());
            }
            ShortReason::Fragmented => {
                assert_eq!((whole, cached, self.in_zone() > 0), (0, 0, true))
            }
            // Held back before it looked: there may be no block either.
            ShortReason::Busy => assert!(self.may_be_held_back(others), "{others}"),
            // Each page in a cache that could not be emptied can be in the way of one block.
            ShortReason::Cached => {
                // Or the marks are in the way, and what is cached would lift the count above them.
                let kept = self.kept(blocks * order.pages(), self.in_zone());
                assert!((kept > 0 || whole <= cached) && cached <= others * KEPT && cached > 0)
            }
            other => panic!("{other:?}"),
        }
    }
}
