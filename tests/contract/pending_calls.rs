//! The calls that `pending` and `devices` do not try: each loses nothing by a panic that tells of another call's page.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::complete::every_call_is_in;
use super::pending::{Scene, survives};
use crate::common::*;

/// A batch that `scene.owned` can be put into, and more.
type Batch<M> = PageBatch<M, 16>;

fn calls_of_one_page_lose_nothing<M: Mode>() {
    assert!(survives::<M>("alloc_zeroed", |scene| drop(scene.pool.alloc_zeroed())));
    assert!(!survives::<M>("alloc_raw", |scene| {
        scene.raw.push(scene.pool.alloc_raw().expect("a page"));
    }));
    assert!(survives::<M>("free_raw", |scene| {
        let id = scene.raw.pop().expect("a page");
        // SAFETY: the page is out, and nobody else has it.
        let _ = unsafe { scene.pool.free_raw(id) };
    }));
    assert!(!survives::<M>("alloc_at_raw", |scene| {
        let free = |at| scene.pool.alloc_at_raw(PageId::new(at)).map(|()| PageId::new(at)).ok();
        let id = (0..64).find_map(free).expect("a page");
        scene.raw.push(id);
    }));
    assert!(survives::<M>("alloc_block_at", |scene| {
        drop((0..64).find_map(|at| scene.pool.alloc_block_at(PageId::new(at), order(0)).ok()));
    }));
    assert!(!survives::<M>("alloc_block_at_raw", |scene| {
        let free = |at| scene.pool.alloc_block_at_raw(PageId::new(at), order(0)).map(|()| at).ok();
        let first = PageId::new((0..64).find_map(free).expect("a page"));
        // SAFETY: the block is out, and nobody else has it.
        drop(unsafe { Block::from_raw(&scene.pool, first, order(0)) });
    }));
}

fn blocks_that_become_pages_lose_nothing<M: Mode>() {
    assert!(!survives::<M>("into_pages", |scene| {
        drop(scene.block.take().expect("a block").into_pages());
    }));
}

fn calls_of_many_pages_lose_nothing<M: Mode>() {
    assert!(survives::<M>("alloc_bulk_zeroed", |scene| {
        let _ = scene.pool.alloc_bulk_zeroed(&mut Batch::<M>::empty(), 4);
    }));
    assert!(survives::<M>("alloc_bulk_exact", |scene| {
        let _ = scene.pool.alloc_bulk_exact(&mut Batch::<M>::empty(), 4);
    }));
    assert!(survives::<M>("prefill", |scene| drop(scene.pool.prefill(4))));
    assert!(survives::<M>("free_all", |scene| {
        let pages: Vec<_> = std::iter::from_fn(|| scene.owned.pop()).collect();
        scene.pool.free_all(pages);
    }));
    assert!(survives::<M>("free_bulk_after", |scene| {
        let _ = scene.pool.free_bulk_after(&mut scene.owned, 1);
    }));
    assert!(survives::<M>("free_bulk_ignoring_refcounts", |scene| {
        let ids = scene.raw.split_off(4);
        // SAFETY: the pages are out, and nobody else has them.
        let _ = unsafe { scene.pool.free_bulk_ignoring_refcounts(&ids) };
    }));
    assert!(!survives::<M>("alloc_blocks_bulk_raw", |scene| {
        let mut out = no_ids::<2>();
        let blocks = scene.pool.alloc_blocks_bulk_raw(order(0), &mut out).0;
        for &mut first in blocks {
            // SAFETY: the block is out, and nobody else has it.
            drop(unsafe { Block::from_raw(&scene.pool, first, order(0)) });
        }
    }));
}

fn calls_of_the_pool_lose_nothing<M: Mode>() {
    assert!(survives::<M>("offline and online", |scene| {
        let went = scene.pool.offline(0..64).map(|went| went.count());
        assert!(went.is_ok_and(|count| count > 0));
    }));
    assert!(survives::<M>("drain", |scene| scene.pool.drain()));
    assert!(survives::<M>("steal_idle", |scene| _ = scene.pool.steal_idle()));
    assert!(survives::<M>("maintain", |scene| _ = scene.pool.maintain()));
    assert!(survives::<M>("reap_fences", |scene| _ = scene.pool.reap_fences()));
}

/// What is reported before the panic comes is the pool: it could be had back in no other way.
fn a_close_that_fails_keeps_the_pool<M: Mode>() {
    let Scene { pool, raw, lent, owned, block, .. } = Scene::<M>::new();
    let pool = pool.close().expect_err("pages are out").into_pool();
    let next = catch_unwind(AssertUnwindSafe(|| drop(pool.alloc())));
    assert!(next.is_err(), "the next call tells of the page");
    drop((owned, block));
    // SAFETY: the pages are lent, no device has them, and nobody wrote them.
    lent.into_iter().for_each(|id| drop(unsafe { pool.reclaim(id) }.expect("it is lent")));
    // SAFETY: the pages are out, and nobody else has them.
    assert_eq!(unsafe { pool.free_bulk_raw(&raw) }, Ok(()));
    pool.close().expect("all pages are back");
}

fn calls_that_count_lose_nothing<M: Refcounted>() {
    assert!(survives::<M>("retain_many", |scene| {
        let id = scene.raw[0];
        // SAFETY: the page is out, and the references are given up below.
        let retained = catch_unwind(AssertUnwindSafe(|| unsafe { scene.pool.retain_many(id, 2) }));
        // SAFETY: the call has done its work, whether it has panicked or not.
        assert_eq!(unsafe { scene.pool.release_many(id, 2) }, Ok(false));
        retained.map(drop).unwrap_or_else(|panic| resume_unwind(panic));
    }));
    assert!(survives::<M>("release_many", |scene| {
        let id = scene.raw.pop().expect("a page");
        // SAFETY: the page has one reference.
        let _ = unsafe { scene.pool.release_many(id, 1) };
    }));
}

#[test]
fn every_call_is_tried() {
    let tests =
        [include_str!("pending.rs"), include_str!("pending_calls.rs"), include_str!("devices.rs")];
    every_call_is_in(&tests);
}

every_poisoning_mode!(
    calls_of_one_page_lose_nothing,
    blocks_that_become_pages_lose_nothing,
    calls_of_many_pages_lose_nothing,
    calls_of_the_pool_lose_nothing,
    a_close_that_fails_keeps_the_pool,
);

#[test]
fn calls_that_count() {
    calls_that_count_lose_nothing::<Hardened>();
}

#[cfg(feature = "std")]
mod waiting {
    use std::future::{Future, pending};
    use std::pin::pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::{Batch, survives};
    use crate::common::*;

    fn calls_that_wait_lose_nothing<M: Mode>() {
        assert!(survives::<M>("alloc_bulk_timeout", |scene| {
            let _ = scene.pool.alloc_bulk_timeout(&mut Batch::<M>::empty(), 4, Duration::ZERO);
        }));
        assert!(survives::<M>("alloc_bulk_exact_timeout", |scene| {
            let mut batch = PageBatch::<M, 128>::empty();
            let _ = scene.pool.alloc_bulk_exact_timeout(&mut batch, 60, Duration::ZERO);
        }));
        assert!(survives::<M>("alloc_bulk_async", |scene| {
            let mut batch = PageBatch::<M, 128>::empty();
            let mut pages = pin!(scene.pool.alloc_bulk_async(&mut batch, 60));
            let _ = pages.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }));
        assert!(survives::<M>("alloc_bulk_async_with", |scene| {
            let mut batch = PageBatch::<M, 128>::empty();
            let mut pages = pin!(scene.pool.alloc_bulk_async_with(&mut batch, 60, pending::<()>));
            let _ = pages.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }));
    }

    every_poisoning_mode!(calls_that_wait_lose_nothing);
}
