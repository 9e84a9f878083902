//! Misuse of pages that wait for a ticket.

use super::memory::{WRITTEN, poisoned};
use super::suite::{Misuse, Scene, Verdict, said, when};
use crate::common::*;

/// What never is done with what it was given, though it may say so to a thread.
struct Never;

thread_local! {
    static LIES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Fence for Never {
    fn passed(&self, _: u64) -> bool {
        LIES.get()
    }
}

/// The fences of a scene's pool.
pub static NEVER: [&dyn Fence; 1] = [&Never];

/// What is done at once.
struct AtOnce;

impl Fence for AtOnce {
    fn passed(&self, _: u64) -> bool {
        true
    }
}

static AT_ONCE: [&dyn Fence; 1] = [&AtOnce];

impl<M: Mode> Scene<M> {
    /// A page that waits for its ticket.
    pub fn fenced(&mut self) -> PageId {
        let mut batch = PageBatch::<M, 4>::empty();
        self.pool.alloc_bulk_exact(&mut batch, 2).expect("some are free");
        let id = batch.ids()[1];
        self.pool.free_bulk_after(&mut batch, 1).expect("a magazine is left");
        assert_eq!(self.pool.audit().pages.fenced, 2);
        id
    }
}

const FREE: &str = "is already free: look for a second free";

misuses! {
    free_fenced, "free of a page that waits for its ticket", |mode| when(mode.checks, FREE), |scene| {
        let id = scene.fenced();
        scene.misfree(&[id], 0)
    }
    early_fence, "a fence that says too early that a ticket has passed: the device writes to a free page", |mode| when(poisoned(mode), WRITTEN), |scene| {
        let id = scene.fenced();
        LIES.set(true);
        assert_eq!(scene.pool.reap_fences(), 2);
        scene.overwritten(id)
    }
    reclaim_fenced, "reclaim of a page that waits for its ticket", |mode| when(mode.checks, "is not lent: reclaim only what was lent, and only once"), |scene| {
        let id = scene.fenced();
        scene.bad = Some((id, 0));
        let mut batch = PageBatch::<M, 4>::empty();
        // SAFETY: not so: the page is not lent.
        let said = said(unsafe { scene.pool.reclaim_bulk(&[id], &mut batch) });
        std::mem::forget(batch);
        said
    }
    other_nodes_pages, "pages of one node in the batch of another, freed to the set: they go home", |_| Verdict::Harmless, |scene| {
        let pools = [scene.pool.clone(), build::<M>(10, |builder| builder)];
        let set = NodeSet::<M, 2>::new(pools.clone()).expect("two pools alike");
        let mut batch = NodeBatch::<M, 16, 2>::empty();
        pools[1].alloc_bulk_exact(batch.of_mut(0), 10).expect("all are free");
        set.free_bulk(&mut batch);
        assert_eq!((batch.len(), out(&pools[0]), out(&pools[1])), (0, 40, 0));
        None
    }
    other_nodes_fences, "a set of nodes whose pools have not the same fences: pages come back before their device is done", |_| Verdict::Undetected, |scene| {
        let at_once = build::<M>(10, |builder| builder.fences(&AT_ONCE));
        let set = NodeSet::<M, 2>::new([scene.pool.clone(), at_once.clone()]).expect("alike");
        let mut batch = NodeBatch::<M, 16, 2>::empty();
        at_once.alloc_bulk_exact(batch.of_mut(1), 10).expect("all are free");
        assert_eq!(set.free_bulk_after(&mut batch, 1), Ok(()));
        assert_eq!((at_once.audit().pages.fenced, out(&at_once)), (0, 0));
        None
    }
}
