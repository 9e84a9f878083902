//! Misuse of pages that a device has, or had.

use super::memory::{WRITTEN, poisoned};
use super::suite::{Misuse, Scene, Verdict, said, when};
use crate::common::*;

impl<M: Mode> Scene<M> {
    /// Where pages start that a device has.
    fn lend(&mut self, n: usize) -> Vec<u64> {
        let offsets: Vec<_> = self.one.lend_new(n).collect();
        assert_eq!((offsets.len(), self.pool.audit().pages.lent), (n, n as u64));
        offsets
    }

    /// Frees offsets of which the one at `position` must not be freed. Returns what was said of it.
    fn misreturn(&mut self, offsets: &[u64], position: usize) -> Option<String> {
        let index = offsets[position] / self.pool.page_size() as u64;
        self.bad = Some((PageId::new(index as u32), position));
        // SAFETY: not so: this is the misuse. The pool is not used again if it is not found.
        said(unsafe { self.two.free_lent(offsets.iter().copied()) })
    }
}

const NOT_LENT: &str = "is not lent: reclaim only what was lent, and only once";

misuses! {
    completed_twice, "a device's page freed twice (`free_lent`), in one call", |mode| when(mode.checks, NOT_LENT), |scene| {
        let mut offsets = scene.lend(3);
        offsets.push(offsets[1] + 100);
        scene.misreturn(&offsets, 3)
    }
    completed_again, "a device's page freed twice (`free_lent`), in another call", |mode| when(mode.checks, NOT_LENT), |scene| {
        let offsets = scene.lend(3);
        // SAFETY: the pages are lent, and no device has them.
        assert_eq!(unsafe { scene.one.free_lent(offsets.iter().copied()) }, Ok(3));
        scene.misreturn(&offsets[1..2], 0)
    }
    completed_out, "`free_lent` of a page that is out, and not lent", |mode| when(mode.checks, NOT_LENT), |scene| {
        let own = scene.pool.offset(scene.ids[0]).expect("a page");
        let offsets = [scene.lend(1), vec![own]].concat();
        scene.misreturn(&offsets, 1)
    }
    completed_far, "`free_lent` of an offset past the end", |_| Verdict::Detected("is outside the pool: use only ids that this pool gave out"), |scene| {
        let mut offsets = scene.lend(2);
        offsets.insert(1, 100 * 256);
        scene.misreturn(&offsets, 1)
    }
    received_twice, "a device's page taken back twice (`reclaim_at`), into batches", |mode| when(mode.checks, NOT_LENT), |scene| {
        let offsets = scene.lend(2);
        let mut batch = PageBatch::<M, 4>::empty();
        // SAFETY: the pages are lent, and no device has them.
        assert_eq!(unsafe { scene.pool.reclaim_at(offsets.iter().copied(), &mut batch) }, Ok(2));
        scene.bad = scene.pool.id_at_offset(offsets[0]).map(|id| (id, 0));
        // SAFETY: not so: the first page has come back.
        let said = said(unsafe { scene.pool.reclaim_at(offsets[..1].iter().copied(), &mut batch) });
        std::mem::forget(batch);
        said
    }
    received_late, "a device's page taken back after `reclaim_all`", |mode| if mode.checks { Verdict::Detected(NOT_LENT) } else { Verdict::Type }, |scene| {
        let offsets = scene.lend(2);
        // SAFETY: no device has the pages.
        assert_eq!(unsafe { scene.pool.reclaim_all() }, Some(2));
        scene.misreturn(&offsets[1..], 0)
    }
    freed_as_out, "`free_bulk_raw` of what `lend_new` lent", |mode| when(mode.checks, "is lent to a device: reclaim it first"), |scene| {
        let id = scene.one.lend_new(1).ids().next().expect("a page");
        scene.misfree(&[id], 0)
    }
    not_done, "a device that writes to a page after it was taken back, and freed", |mode| when(poisoned(mode), WRITTEN), |scene| {
        let offsets = scene.lend(2);
        // SAFETY: not so: the device writes to one of them below.
        assert_eq!(unsafe { scene.one.free_lent(offsets.iter().copied()) }, Ok(2));
        let id = scene.pool.id_at_offset(offsets[1]).expect("a page");
        scene.overwritten(id)
    }
    forgotten_lending, "`mem::forget` of a lending, seen by `close`", |_| Verdict::Detected("the pool has 100 pages out: pages 0, 1, 2, 3, 4, 5, 6, 7, …; all of them are lent: reclaim what a device has before close [{mode}]"), |_scene| {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4));
        let mut lending = pool.lend_new(100);
        assert_eq!(lending.by_ref().take(65).count(), 65);
        std::mem::forget(lending);
        let error = pool.close().err()?;
        Some(error.to_string())
    }
    forgotten_lending_of_a_batch, "`mem::forget` of a lending of a batch, seen by `close`", |_| Verdict::Detected("the pool has 100 pages out: pages 0, 1, 2, 3, 4, 5, 6, 7, …; 64 of them are lent: reclaim what a device has before close; drop the others before close, or, if they were forgotten, see CloseError::recover_forgotten [{mode}]"), |_scene| {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4));
        let mut batch = PageBatch::<M>::new();
        pool.alloc_bulk_exact(&mut batch, 100).expect("all are free");
        let mut lending = pool.lend(&mut batch);
        assert_eq!(lending.by_ref().take(3).count(), 3);
        std::mem::forget(lending);
        drop(batch);
        let error = pool.close().err()?;
        Some(error.to_string())
    }
    panic_in_a_lending, "a panic while pages are being lent", |_| Verdict::Harmless, |scene| {
        let mut lent = Vec::new();
        let lend = std::panic::AssertUnwindSafe(|| {
            scene.one.lend_new(30).for_each(|offset| {
                lent.push(offset);
                assert!(lent.len() < 10);
            });
        });
        assert!(std::panic::catch_unwind(lend).is_err());
        assert_eq!((lent.len(), scene.pool.audit().pages.lent), (10, 10));
        // SAFETY: the pages are lent, and no device has them.
        assert_eq!(unsafe { scene.one.free_lent(lent) }, Ok(10));
        None
    }
}
