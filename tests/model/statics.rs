//! What each operation does to the world: pages and caches come through a static.

use super::op::Kind;
use super::shares::Shares;
use super::world::{ROOM, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// The pool is that of a static for a moment. What came through it stays when it has gone.
    pub(super) fn through_a_static(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        if !matches!(kind, Kind::AllocStatic | Kind::AllocBulkStatic | Kind::CacheStatic) {
            return None;
        }
        let of = StaticPool::<M>::new();
        assert_eq!(of.alloc().err(), Some(ShortReason::NotBuilt));
        let pool = self.pool.clone();
        of.init_with(|| Ok(pool)).expect("nobody else builds it");
        let others = self.caches.len() + self.stealable.len();
        match kind {
            Kind::AllocStatic => {
                let page = of.alloc();
                let (new, reason) = (usize::from(page.is_ok()), page.as_ref().err().copied());
                self.check_bulk(BulkAlloc { allocated: new, reason }, 1, 1, others);
                let page = page.ok()?;
                self.took(&[page.id()]);
                self.pages.push(page);
            }
            Kind::AllocBulkStatic => {
                let mut batch = PageBatch::default();
                let want = usize::from(a.wrapping_add(b)) % (ROOM + 10);
                let bulk = of.alloc_bulk(&mut batch, want);
                assert_eq!(batch.len(), bulk.allocated);
                self.took(batch.ids());
                self.batches.push(batch);
                self.check_bulk(bulk, want, ROOM, others);
            }
            _ => self.caches.extend(of.cache().ok()),
        }
        assert_eq!(of.init_with(|| unreachable!()).err(), Some(InitError::Built));
        Some(())
    }
}
