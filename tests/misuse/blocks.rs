//! Misuse of blocks that have no owner in Rust.

use super::suite::{Misuse, Scene, Verdict, said, when};
use crate::common::*;

const NO_BLOCK: &str = "is not the start of a block: use the id and the order of a block that is out, or look for a second free";

/// Whoever looks at no state sees pages that are in the zone already.
fn whole(mode: ModeFlags) -> Verdict {
    Verdict::Detected(if mode.checks {
        NO_BLOCK
    } else {
        "is already free, and 7 more bad pages: look for a second free"
    })
}

impl<M: Mode> Scene<M> {
    /// A block that is out without an owner.
    fn block(&mut self, order: Order) -> PageId {
        self.one.alloc_block_raw(order).expect("60 pages are free")
    }

    /// Frees a block, which is legal.
    fn free_block(&mut self, first: PageId, order: Order) {
        // SAFETY: the block is out, and nobody else has it.
        assert_eq!(unsafe { self.one.free_block_raw(first, order) }, Ok(()));
    }

    /// Frees a block that must not be freed so. Returns what was said of it.
    fn misfree_block(&mut self, first: PageId, order: Order) -> Option<String> {
        self.bad = Some((first, 0));
        // SAFETY: not so: this is the misuse. The pool is not used again if it is not found.
        said(unsafe { self.two.free_block_raw(first, order) })
    }

    /// Splits a block, which is legal.
    fn split(&mut self, first: PageId, order: Order, into: Option<Order>) {
        // SAFETY: the block is out, and nobody else has it.
        assert_eq!(unsafe { self.pool.split_block_raw(first, order, into) }, Ok(()));
    }
}

misuses! {
    block_twice, "double free of a block", whole, |scene| {
        let first = scene.block(order(3));
        scene.free_block(first, order(3));
        scene.misfree_block(first, order(3))
    }
    smaller_order, "free of a block in a smaller order", |mode| when(mode.checks, "is part of a block of order 3: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(3));
        scene.misfree_block(first, order(2))
    }
    larger_order, "free of a block in a larger order", |mode| when(mode.checks, "is part of a block of order 2: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(3));
        scene.split(first, order(3), Some(order(2)));
        scene.misfree_block(first, order(3))
    }
    inside, "free of a block by a page inside it", |mode| when(mode.checks, "is part of a block of order 3: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(3));
        scene.misfree_block(PageId::new(first.index() + 4), order(2))
    }
    misplaced, "free of a block where none of its order can start", |_| Verdict::Detected(NO_BLOCK), |scene| {
        let first = scene.block(order(3));
        scene.misfree_block(PageId::new(first.index() + 4), order(3))
    }
    block_past_the_end, "free of a block past the end of the pool", |_| Verdict::Detected(NO_BLOCK), |scene| {
        scene.misfree_block(PageId::new(96), order(3))
    }
    as_pages, "free of a block as pages", |mode| when(mode.checks, "is part of a block of order 3, and 7 more bad pages: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(3));
        scene.misfree(&block_ids(first, order(3)), 0)
    }
    pages_as_a_block, "free of pages as a block", |mode| when(mode.checks, NO_BLOCK), |scene| {
        let first = scene.block(order(3));
        scene.split(first, order(3), None);
        scene.misfree_block(first, order(3))
    }
    piece_twice, "double free of a smaller block that a block was split into", |mode| Verdict::Detected(if mode.checks { NO_BLOCK } else { "is already free, and 1 more bad page: look for a second free" }), |scene| {
        let first = scene.block(order(3));
        scene.split(first, order(3), Some(order(1)));
        let second = PageId::new(first.index() + 2);
        scene.free_block(second, order(1));
        scene.misfree_block(second, order(1))
    }
    page_twice, "double free of a page that a block was split into", |mode| when(mode.checks, "is already free: look for a second free"), |scene| {
        let first = scene.block(order(3));
        scene.split(first, order(3), None);
        let page = PageId::new(first.index() + 5);
        scene.free(&[page]);
        scene.misfree(&[page], 0)
    }
    split_twice, "split of a block that was split", |mode| when(mode.checks, "is part of a block of order 1: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(3));
        scene.split(first, order(3), Some(order(1)));
        scene.bad = Some((first, 0));
        // SAFETY: not so: there is no such block any more.
        said(unsafe { scene.pool.split_block_raw(first, order(3), None) })
    }
    split_into_more, "split of a block into larger ones", |_| Verdict::Detected("is part of a block of order 2: free all of the block in its own order, or split it first"), |scene| {
        let first = scene.block(order(2));
        scene.bad = Some((first, 0));
        // SAFETY: the block is ours; that it is not so large is what the call finds.
        said(unsafe { scene.pool.split_block_raw(first, order(2), Some(order(3))) })
    }
    split_after_free, "split of a block that is free", |mode| when(mode.checks, NO_BLOCK), |scene| {
        let first = scene.block(order(3));
        scene.free_block(first, order(3));
        scene.bad = Some((first, 0));
        // SAFETY: not so: the block is free.
        said(unsafe { scene.pool.split_block_raw(first, order(3), Some(order(1))) })
    }
}
