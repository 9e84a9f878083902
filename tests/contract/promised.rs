//! A call that finds no page but those that are promised says so; and nothing is kept for those who are served.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::common::*;

type Batch<M> = PageBatch<M, 16>;

/// Pages in the hands of who waits for more are what there is: others are told so.
fn who_finds_only_promised_pages_is_told<M: Mode>() {
    let pool = build::<M>(16, |builder| builder.max_caches(1).shared_caches(2));
    let (mut all, mut batch) = (Batch::<M>::empty(), Batch::<M>::empty());
    pool.alloc_bulk_exact(&mut all, 16).expect("a new pool");
    let context = &mut Context::from_waker(Waker::noop());
    {
        let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 12));
        assert!(wait.as_mut().poll(context).is_pending());
        drop(all.split_off(10));
        assert!(wait.as_mut().poll(context).is_pending());
        assert_eq!(
            (pool.audit().pages.promised, pool.alloc().err()),
            (6, Some(ShortReason::Promised))
        );
        let mut cache = pool.cache().expect("a slot");
        let bulk = cache.alloc_bulk(&mut Batch::<M>::empty(), 4);
        assert_eq!((bulk.allocated, bulk.reason), (0, Some(ShortReason::Promised)));
        let error = cache.alloc_bulk_exact(&mut Batch::<M>::empty(), 4).expect_err("promised");
        assert_eq!((error.had, error.reason), (0, ShortReason::Promised));
    }
    assert!(pool.alloc().is_ok());
    drop(all);
    assert_whole(pool);
}

/// A cache gives up what is freed through it while somebody waits, and not for ever.
fn a_cache_keeps_pages_again_when_nobody_waits<M: Mode>() {
    let pool = build::<M>(16, |builder| builder.max_caches(1).shared_caches(2));
    let (mut all, mut batch) = (Batch::<M>::empty(), Batch::<M>::empty());
    pool.alloc_bulk_exact(&mut all, 16).expect("a new pool");
    let mut cache = pool.cache().expect("a slot");
    {
        let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 4));
        let mut context = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut context).is_pending());
        cache.free_bulk(&mut all.split_off(12));
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }
    for _ in 0..2 {
        cache.free(all.pop().expect("twelve"));
    }
    let cached = pool.audit().pages.cached;
    assert!(cached > 0, "{pool}");
    cache.free(all.pop().expect("ten"));
    assert_eq!(pool.audit().pages.cached, cached + 1, "{pool}");
    drop((batch, all, cache));
    assert_whole(pool);
}

every_mode!(who_finds_only_promised_pages_is_told, a_cache_keeps_pages_again_when_nobody_waits,);
