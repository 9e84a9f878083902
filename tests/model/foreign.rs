//! What each operation does to the world: pages of another pool, which go home or are refused, in one step.

use super::op::Kind;
use super::shares::Shares;
use super::steps::{of, pick};
use super::world::{ROOM, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn mix(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::FreeForeign => self.free_foreign(a, b),
            Kind::AllocIntoForeign => self.alloc_into_foreign(a, b),
            Kind::ReclaimIntoForeign => {
                let mut batch = self.of_another_pool(b);
                let (ids, before) = (&self.lent[..], batch.ids().to_vec());
                let (reclaimed, _) = through!(self, a, |front| {
                    // SAFETY: the pages are lent, and no device uses them.
                    unsafe { front.reclaim_bulk(ids, &mut batch) }
                });
                match reclaimed {
                    Ok(done) => assert_eq!((done, ids.len()), (0, 0)),
                    Err(error) => {
                        assert_eq!((error.page, error.position), (ids[0], 0));
                        assert_eq!((error.fault, error.done), (Fault::OtherPool, 0));
                        assert_eq!(error.count, ids.len());
                        (self.tainted, self.faulty) = (true, true);
                    }
                }
                assert_eq!(batch.ids(), before);
            }
            Kind::PushForeign => {
                let mut batch = self.of_another_pool(b);
                let (page, before) = (pick(&mut self.pages, a)?, batch.ids().to_vec());
                let id = page.id();
                let refused = batch.push(page).expect_err("of another pool");
                assert_eq!((refused.page.id(), refused.reason), (id, BatchError::OtherPool));
                assert_eq!(batch.ids(), before);
                self.pages.push(refused.page);
            }
            Kind::AppendForeign => {
                let mut batch = self.of_another_pool(b);
                let theirs = batch.ids().to_vec();
                let own = of(&mut self.batches, a).filter(|own| !own.is_empty())?;
                let ours = own.ids().to_vec();
                let short = |room: usize, n: usize| match room < n {
                    true => Err(BatchError::Full),
                    false => Err(BatchError::OtherPool),
                };
                assert_eq!(batch.append(own), short(batch.remaining_capacity(), ours.len()));
                assert_eq!(own.append(&mut batch), short(own.remaining_capacity(), theirs.len()));
                assert_eq!((own.ids(), batch.ids()), (&*ours, &*theirs));
            }
            Kind::LendForeign => {
                let mut batch = self.of_another_pool(b);
                let (mut out, before) = (no_ids::<ROOM>(), batch.ids().to_vec());
                let lent = through!(self, a, |front| front.lend_bulk(&mut batch, &mut out).len());
                assert_eq!((lent.0, batch.ids()), (0, &*before));
            }
            _ => return None,
        }
        // Whatever came from the other pool is there again.
        assert_eq!(out(&self.away), 0);
        assert_adds_up(&self.away);
        Some(())
    }

    /// A batch with one to four pages of the other pool.
    fn of_another_pool(&self, n: u8) -> PageBatch<M, 10> {
        let mut batch = PageBatch::empty();
        let n = usize::from(n) % 4 + 1;
        assert_eq!(self.away.alloc_bulk(&mut batch, n), BulkAlloc { allocated: n, reason: None });
        batch
    }

    fn free_foreign(&mut self, a: u8, b: u8) {
        // A cache that was asked for its pages gives them up meanwhile.
        let figures = |pages: Pages| (pages.free + pages.cached, pages.out, pages.lent, pages.bad);
        let before = figures(self.pool.audit().pages);
        let mut batch = self.of_another_pool(b);
        let page = self.away.alloc().expect("a page");
        let block = self.away.alloc_block(Order::new(b % 3).expect("legal")).expect("a block");
        through!(self, a, |front| {
            front.free_bulk(&mut batch);
            front.free(page);
            front.free_block(block);
        });
        assert!(batch.is_empty());
        if self.alone {
            assert_eq!(figures(self.pool.audit().pages), before);
        }
        // An empty batch takes pages of any pool.
        let (bulk, others) = through!(self, a, |front| front.alloc_bulk(&mut batch, 3));
        self.check_bulk(bulk, 3, 10, others);
        self.took(batch.ids());
        self.pages.extend(batch);
    }

    fn alloc_into_foreign(&mut self, a: u8, b: u8) {
        let mut batch = self.of_another_pool(b);
        let before = batch.ids().to_vec();
        let refused = BulkAlloc { allocated: 0, reason: Some(ShortReason::OtherPool) };
        through!(self, a, |front| {
            assert_eq!(front.alloc_bulk(&mut batch, 2), refused);
            assert_eq!(front.alloc_bulk_zeroed(&mut batch, 20), refused);
            let error = front.alloc_bulk_exact(&mut batch, 1).expect_err("of another pool");
            assert_eq!((error.want, error.had, error.reason), (1, 0, ShortReason::OtherPool));
            let error = front.alloc_bulk_exact(&mut batch, 10).expect_err("no room");
            assert_eq!((error.want, error.had, error.reason), (10, 0, ShortReason::BatchFull));
        });
        assert_eq!(batch.ids(), before);
    }
}
