//! A call that finds no page but those that are promised says so.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

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

every_mode!(who_finds_only_promised_pages_is_told);
