//! A cache that was asked for its pages gives them up at its next call, whichever that is.

use super::complete::every_call_is_in;
use crate::common::*;

/// A cache with pages at hand, of which it has been asked for, and what a call may need.
struct Scene<M: Mode> {
    pool: Pool<M>,
    cache: Cache<M>,
    raw: Vec<PageId>,
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool =
            build::<M>(64, |builder| builder.max_caches(2).shared_caches(1).magazine_capacity(16));
        let mut cache = pool.cache().expect("a cache");
        let mut out = no_ids::<2>();
        let raw = cache.alloc_bulk_raw(&mut out).0.to_vec();
        let mut batch = PageBatch::<M, 16>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 16).allocated, 16);
        cache.free_bulk(&mut batch);
        assert!(pool.audit().pages.cached >= 16);
        Scene { pool, cache, raw }
    }
}

/// Makes a call when the cache has been asked, and says how many pages are at hand then.
fn left<M: Mode>(call: impl FnOnce(&mut Cache<M>, &[PageId])) -> u64 {
    let Scene { pool, mut cache, raw } = Scene::<M>::new();
    pool.drain();
    call(&mut cache, &raw);
    pool.audit().pages.cached
}

fn every_call_of_a_cache_honours_a_request<M: Mode>() {
    let none = |name: &str, call: &dyn Fn(&mut Cache<M>, &[PageId])| {
        assert_eq!(left::<M>(|cache, raw| call(cache, raw)), 0, "{name}");
    };
    none("alloc_bulk of none", &|cache, _| next_call(cache));
    none("alloc_bulk_zeroed of none", &|cache, _| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(cache.alloc_bulk_zeroed(&mut batch, 0).reason, None);
    });
    none("alloc_bulk into a batch of another pool", &|cache, _| {
        let other = pool::<M>(1);
        let mut batch = PageBatch::<M>::new();
        assert_eq!(other.alloc_bulk(&mut batch, 1).allocated, 1);
        assert_eq!(cache.alloc_bulk(&mut batch, 1).reason, Some(ShortReason::OtherPool));
    });
    none("alloc_bulk_exact of too many for the batch", &|cache, _| {
        assert!(cache.alloc_bulk_exact(&mut PageBatch::<M, 1>::empty(), 2).is_err());
    });
    none("alloc_bulk_exact of too many for the pool", &|cache, _| {
        assert!(cache.alloc_bulk_exact(&mut PageBatch::<M>::new(), 65).is_err());
    });
    none("alloc_bulk_raw of none", &|cache, _| {
        assert_eq!(cache.alloc_bulk_raw(&mut []).1, None);
    });
    none("alloc_block and free_block", &|cache, _| {
        let block = cache.alloc_block(Order::new(1).expect("legal")).expect("there is room");
        cache.free_block(block);
    });
    none("alloc_blocks_bulk of none", &|cache, _| {
        assert_eq!(cache.alloc_blocks_bulk(order(1), &mut []).reason, None);
    });
    none("alloc_blocks_bulk_raw of none", &|cache, _| {
        assert_eq!(cache.alloc_blocks_bulk_raw(order(1), &mut []).1, None);
    });
    none("alloc_block_raw and free_block_raw", &|cache, _| {
        let first = cache.alloc_block_raw(order(1)).expect("there is room");
        // SAFETY: the block is out, and this call's alone.
        assert_eq!(unsafe { cache.free_block_raw(first, order(1)) }, Ok(()));
    });
    none("alloc_at of no page", &|cache, _| {
        let error = cache.alloc_at(PageId::new(64)).expect_err("there are 64");
        assert_eq!(error.reason, PlaceReason::OutOfRange);
    });
    none("alloc_at_raw of a page that is out", &|cache, raw| {
        assert!(cache.alloc_at_raw(raw[0]).is_err());
    });
    none("alloc_block_at", &|cache, raw| {
        let first = PageId::new((raw[0].index() ^ 32) & !15);
        drop(cache.alloc_block_at(first, order(2)).expect("all but two are free"));
    });
    none("alloc_block_at_raw of no page", &|cache, _| {
        assert!(cache.alloc_block_at_raw(PageId::new(64), order(0)).is_err());
    });
    none("free_bulk of a new batch", &|cache, _| cache.free_bulk(&mut PageBatch::<M>::new()));
    none("free_bulk of an emptied batch", &|cache, _| {
        let mut batch = PageBatch::<M>::new();
        let pool = cache.pool().clone();
        assert_eq!(pool.alloc_bulk(&mut batch, 1).allocated, 1);
        drop(batch.pop());
        pool.drain();
        cache.free_bulk(&mut batch);
    });
    none("free of a page of another pool", &|cache, _| {
        cache.free(pool::<M>(1).alloc().expect("a page"));
    });
    none("free_block of another pool", &|cache, _| {
        let other = pool::<M>(64);
        cache.free_block(other.alloc_block(ORDER_6).expect("a block"));
    });
    none("fill_vacant of a full array", &|cache, _| {
        assert_eq!(cache.fill_vacant(&mut []).allocated, 0);
    });
    // SAFETY: there are none; here and below.
    none("free_bulk_raw of none", &|cache, _| unsafe {
        assert_eq!(cache.free_bulk_raw(&[]), Ok(()));
    });
    // SAFETY: as above.
    none("free_bulk_ignoring_refcounts of none", &|cache, _| unsafe {
        assert_eq!(cache.free_bulk_ignoring_refcounts(&[]), Ok(()));
    });
    none("lend_bulk of none", &|cache, _| {
        assert!(cache.lend_bulk(&mut PageBatch::<M>::new(), &mut no_ids::<1>()).is_empty());
    });
    // SAFETY: as above.
    none("reclaim_bulk of none", &|cache, _| unsafe {
        assert_eq!(cache.reclaim_bulk(&[], &mut PageBatch::<M>::new()), Ok(0));
    });
    none("lend of none", &|cache, _| {
        assert_eq!(cache.lend(&mut PageBatch::<M>::new()).next(), None);
    });
    // SAFETY: as above.
    none("reclaim_at of none", &|cache, _| unsafe {
        assert_eq!(cache.reclaim_at([0_u64; 0], &mut PageBatch::<M>::new()), Ok(0));
    });
    // SAFETY: as above.
    none("free_lent of none", &|cache, _| unsafe {
        assert_eq!(cache.free_lent([0_u64; 0]), Ok(0));
    });
    none("prefill of too many for the pool", &|cache, _| {
        assert!(cache.prefill(65).is_err());
    });
    none("free_all of none", &|cache, _| cache.free_all([]));
    none("free_bulk_after of no fence", &|cache, _| {
        let mut batch = PageBatch::<M>::new();
        batch.push(cache.pool().alloc().expect("a page")).expect("room");
        cache.pool().drain();
        assert!(cache.free_bulk_after(&mut batch, 1).is_err());
        cache.pool().clone().free_bulk(&mut batch);
        cache.pool().drain();
    });
    none("reclaim", &|cache, _| {
        let page = cache.pool().alloc().expect("a page").lend();
        cache.pool().drain();
        // SAFETY: the page is lent, and no device has it.
        let page = unsafe { cache.reclaim(page) }.expect("it is lent");
        assert!(page.lend().index() < 64);
    });
    none("drain", &|cache, _| cache.drain());
    none("idle", &|cache, _| cache.idle(|| ()));
    // What the call itself gets or gives may be at hand afterwards, but not what was there before.
    let few = |name: &str, call: &dyn Fn(&mut Cache<M>, &[PageId])| {
        assert!(left::<M>(|cache, raw| call(cache, raw)) < 16, "{name}");
    };
    few("free_bulk_raw", &|cache, raw| {
        // SAFETY: the pages are out, and the scene's alone.
        assert_eq!(unsafe { cache.free_bulk_raw(raw) }, Ok(()));
    });
    few("alloc and free", &|cache, _| {
        let page = cache.alloc().expect("there is room");
        cache.free(page);
    });
    few("alloc_zeroed", &|cache, _| drop(cache.alloc_zeroed().expect("there is room")));
    few("alloc_raw and free_raw", &|cache, _| {
        let id = cache.alloc_raw().expect("there is room");
        // SAFETY: the page is out, and this call's alone.
        assert_eq!(unsafe { cache.free_raw(id) }, Ok(()));
    });
    few("lend_new and free_lent", &|cache, _| {
        let offset = cache.lend_new(1).next().expect("there is room");
        // SAFETY: the page is lent, and no device has it.
        assert_eq!(unsafe { cache.free_lent([offset]) }, Ok(1));
    });
}

fn a_cache_that_is_parked_honours_a_request<M: Mode>() {
    let Scene { pool, cache, .. } = Scene::<M>::new();
    pool.drain();
    let parked = cache.park();
    assert_eq!(pool.audit().pages.cached, 0);
    drop(parked.resume());
    assert_adds_up(&pool);
}

fn calls_that_count_honour_a_request<M: Refcounted>() {
    // SAFETY: there are none.
    assert_eq!(left::<M>(|cache, _| assert_eq!(unsafe { cache.retain_bulk(&[]) }, Ok(0))), 0);
    // SAFETY: there are none.
    assert_eq!(left::<M>(|cache, _| assert_eq!(unsafe { cache.release_bulk(&[]) }, Ok(0))), 0);
    let shared = left::<M>(|cache, raw| {
        // SAFETY: the pages are out, and each reference that is added is given up.
        let counts = unsafe { (cache.retain_bulk(raw), cache.release_bulk(raw)) };
        assert_eq!(counts, (Ok(2), Ok(0)));
    });
    assert_eq!(shared, 0);
    let many = left::<M>(|cache, raw| {
        // SAFETY: the page is out, and each reference that is added is given up.
        let counts = unsafe { (cache.retain_many(raw[0], 2), cache.release_many(raw[0], 2)) };
        assert_eq!(counts, (Ok(()), Ok(false)));
    });
    assert_eq!(many, 0);
}

#[test]
fn every_call_is_tried() {
    every_call_is_in(&[include_str!("requests.rs")]);
}

every_mode!(every_call_of_a_cache_honours_a_request, a_cache_that_is_parked_honours_a_request,);
every_refcounted_mode!(calls_that_count_honour_a_request);

#[cfg(feature = "std")]
mod waiting {
    use std::future::{Future, pending};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::left;
    use crate::common::*;

    fn calls_that_wait_honour_a_request<M: Mode>() {
        let at_once = Duration::ZERO;
        let of_too_many = |call: &dyn Fn(&mut Cache<M>, &mut PageBatch<M, 128>)| {
            // What it got is out while the pages at hand are counted.
            let mut batch = PageBatch::empty();
            left::<M>(|cache, _| call(cache, &mut batch))
        };
        // They get what is there, put it back, and end.
        let left = of_too_many(&|cache, batch| {
            assert!(cache.alloc_bulk_exact_timeout(batch, 64, at_once).is_err());
        });
        assert_eq!(left, 0, "alloc_bulk_exact_timeout");
        let left = of_too_many(&|cache, batch| {
            assert!(cache.alloc_bulk_timeout(batch, 64, at_once).is_err());
        });
        assert!(left < 16, "alloc_bulk_timeout: {left}");
        let left = of_too_many(&|cache, batch| {
            let mut pages = pin!(cache.alloc_bulk_async(batch, 64));
            let polled = pages.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending);
        });
        assert!(left < 16, "alloc_bulk_async: {left}");
        let left = of_too_many(&|cache, batch| {
            let mut pages = pin!(cache.alloc_bulk_async_with(batch, 64, pending::<()>));
            let polled = pages.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending);
        });
        assert!(left < 16, "alloc_bulk_async_with: {left}");
    }

    every_mode!(calls_that_wait_honour_a_request);
}
