//! How a world ends: with the pool closed, on two threads, or with pages that outlive the last handle.

use super::op::Op;
use super::shares::{Shares, Through};
use super::world::World;
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// Two worlds on one pool, each on a thread of its own; afterwards every page is back.
    pub fn both(pages: usize, own: &[Op], other: &[Op]) {
        let mut world = Self::new(pages);
        let mut beside = world.beside();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                other.iter().for_each(|&op| beside.step(op));
                beside.end();
            });
            own.iter().for_each(|&op| world.step(op));
        });
        world.alone = true;
        // The other one may have overridden counts.
        world.tainted = world.pool.is_tainted();
        world.check();
        world.end();
    }

    /// Gives up what has no owner, and says that the rest is about to go.
    fn settle(&mut self) {
        self.pass_all();
        // A pool closes also while pages are offline.
        if !self.alone || !self.pool.capacity().is_multiple_of(2) {
            self.bring_all_back();
        }
        let (held, _) = self.held();
        self.lets_go(&held.into_iter().collect::<Vec<_>>());
        for id in std::mem::take(&mut self.lent) {
            // SAFETY: the page is lent, and no device uses it.
            drop(unsafe { self.pool.reclaim(id) }.expect("a lent page"));
        }
        for (first, order) in std::mem::take(&mut self.raw_blocks) {
            // SAFETY: the block has no owner.
            unsafe { self.pool.free_block_raw(first, order) }.expect("a block of the pool");
        }
        for (id, count) in std::mem::take(&mut self.raw) {
            let rest: Vec<_> = (1..count).map(|_| id).collect();
            // SAFETY: so many references to the page are held.
            unsafe { S::release(Through::Pool(&self.pool), &rest) }
                .map(|done| done.expect("references"));
            // SAFETY: the page has no owner, and one reference.
            unsafe { self.pool.free_bulk_raw(&[id]) }.expect("a page of the pool");
        }
    }

    /// Lets everything go, in the plainest way, and closes the pool.
    pub fn end(mut self) {
        self.settle();
        let (pool, tainted, alone) = (self.pool.clone(), self.tainted, self.alone);
        let away = self.away.clone();
        drop(self);
        assert_whole(away);
        if alone {
            assert_eq!(pool.is_tainted(), tainted);
            pool.drain();
            pool.close().expect("every page is back");
        }
    }

    /// Lets the handles go before the pages, which stay as they are until the last of them goes.
    pub fn end_without_handles(mut self) {
        self.settle();
        let start = self.pool.ptr(PageId::new(0)).expect("a page").as_ptr();
        let World { pool, caches, stealable, parked, .. } = self;
        let World { mut pages, mut batches, mut blocks, mut shared, .. } = self;
        drop((pool, caches, stealable, parked));
        let seed = |bytes: *const u8| (bytes.addr() - start.addr()) as u32;
        let mut own = |bytes: &mut [u8]| mark(bytes, seed(bytes.as_ptr()));
        pages.iter_mut().for_each(|page| own(page));
        batches.iter_mut().flat_map(|batch| batch.iter_mut()).for_each(&mut own);
        blocks.iter_mut().for_each(|block| own(block));
        let check = |bytes: &[u8]| assert!(is_marked(bytes, seed(bytes.as_ptr())));
        while let Some(page) = pages.pop() {
            batches.iter().flat_map(|batch| batch.iter()).for_each(check);
            check(page.as_ref());
        }
        drop(shared.split_off(shared.len() / 2));
        blocks.iter().for_each(|block| check(block));
        drop(batches);
        blocks.iter().for_each(|block| check(block));
        drop(blocks);
        drop(shared);
    }
}
