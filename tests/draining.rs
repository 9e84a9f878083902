//! A cache gives up what it holds when it is told to.

#[macro_use]
mod common;

use common::*;

fn a_drained_cache_holds_nothing<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.magazine(16));
    let mut cache: Cache<M> = pool.cache().unwrap();
    let mut batch = PageBatch::new();
    let bulk = cache.alloc_bulk(&mut batch, 8);
    assert_eq!(bulk.new, 8);
    cache.free_bulk(&mut batch);
    assert!(pool.audit().pages.cached > 0);
    cache.drain();
    assert_eq!(pool.audit().pages.cached, 0);
    assert_eq!(pool.audit().pages.free, 64);
}

every_mode!(a_drained_cache_holds_nothing);
