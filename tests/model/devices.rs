//! What each operation does to the world: a device gets pages, and gives them back, by their offsets.

use super::op::Kind;
use super::shares::Shares;
use super::steps::pick;
use super::world::{ROOM, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn by_offsets(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::LendNew => self.lend_new(a, usize::from(b)),
            Kind::LendSome => {
                let mut batch = pick(&mut self.batches, b)?;
                let (before, n) = (batch.ids().to_vec(), usize::from(a) % (ROOM + 1));
                let (lent, _) = through!(self, a, |front| {
                    front.lend(&mut batch).ids().take(n).collect::<Vec<_>>()
                });
                assert_eq!([&lent, batch.ids()].concat(), before);
                assert_eq!(lent.len(), n.min(before.len()));
                self.lent.extend(lent);
                self.batches.push(batch);
            }
            Kind::ReclaimAt => {
                let mut batch = PageBatch::default();
                let mut offsets = self.offsets(b, usize::MAX).into_iter();
                let n = offsets.len();
                let (done, _) = through!(self, a, |front| {
                    // SAFETY: the pages are lent, and no device uses them.
                    unsafe { front.reclaim_at(&mut offsets, &mut batch) }
                });
                let done = done.expect("lent pages");
                assert_eq!((done, offsets.len()), (n.min(ROOM), n - n.min(ROOM)));
                assert_eq!(batch.ids(), &self.lent[..done]);
                self.lent.drain(..done);
                self.batches.push(batch);
            }
            Kind::FreeLent => {
                let offsets = self.offsets(b, usize::from(b) % (self.lent.len() + 1));
                self.returns(offsets.len());
                let n = offsets.len();
                // SAFETY: the pages are lent, and no device uses them.
                let (done, _) = through!(self, a, |front| unsafe { front.free_lent(offsets) });
                assert_eq!(done, Ok(n));
            }
            Kind::FreeLentBad => self.free_lent_bad(a, b),
            Kind::ReclaimAll if self.alone => {
                let n = self.lent.len();
                if !M::CHECKS {
                    assert!(self.pool.lent().is_none());
                    // SAFETY: it does nothing.
                    assert_eq!(unsafe { self.pool.reclaim_all() }, None);
                    return Some(());
                }
                let mut lent = self.lent.clone();
                lent.sort_unstable();
                assert!(self.pool.lent().expect("it checks").eq(lent));
                self.returns(n);
                // SAFETY: no device uses any page.
                assert_eq!(unsafe { self.pool.reclaim_all() }, Some(n));
            }
            _ => return None,
        }
        Some(())
    }

    /// Offsets somewhere in the first pages that are lent.
    fn offsets(&self, inside: u8, n: usize) -> Vec<u64> {
        let inside = u64::from(inside) % self.pool.page_size() as u64;
        let of = |&id| self.pool.offset(id).expect("a page of the pool") + inside;
        self.lent.iter().take(n).map(of).collect()
    }

    /// The first pages that are lent are about to be free.
    fn returns(&mut self, n: usize) {
        let ids: Vec<_> = self.lent.drain(..n).collect();
        self.lets_go(&ids);
    }

    fn lend_new(&mut self, a: u8, want: usize) {
        // One in two takes all that there is.
        let most = if a.is_multiple_of(2) { usize::MAX } else { want / 3 };
        let ((ids, reason, taken), others) = through!(self, a, |front| {
            let mut lending = front.lend_new(want);
            let ids: Vec<_> = lending.ids().take(most).collect();
            (ids, lending.reason(), lending.taken())
        });
        assert_eq!(taken, ids.len());
        self.took(&ids);
        self.lent.extend(&ids);
        if most < want {
            // It may have found nothing when it wanted more.
            self.dry.set(true);
            assert!(taken == most || reason.is_some());
        } else {
            self.check_bulk(BulkAlloc { allocated: taken, reason }, want, want, others);
        }
    }

    /// What is bad is refused, and the others are free.
    fn free_lent_bad(&mut self, a: u8, b: u8) {
        let n = usize::from(b) % (self.lent.len() + 1);
        let mut offsets = self.offsets(b, n);
        let size = self.pool.page_size() as u64;
        let mut bad = vec![self.pool.capacity() as u64 * size + u64::from(b)];
        if M::CHECKS {
            bad.extend(
                self.pages.iter().take(2).map(|page| self.pool.offset(page.id()).expect("a page")),
            );
            bad.extend(offsets.first());
        }
        let first = PageId::new((bad[0] / size) as u32);
        let count = bad.len();
        offsets.extend(bad);
        self.returns(n);
        // SAFETY: the pages that are lent are used by no device; the others are refused.
        let (done, _) = through!(self, a, |front| unsafe { front.free_lent(offsets) });
        let error = done.expect_err("at least one is bad");
        assert_eq!((error.page, error.position, error.fault), (first, n, Fault::OutOfRange));
        assert_eq!((error.count, error.done), (count, n));
        (self.tainted, self.faulty) = (true, true);
    }
}
