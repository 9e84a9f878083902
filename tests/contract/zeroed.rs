//! Allocations of zeros, however the memory was used before.

use crate::common::*;

/// Fills every page with ones, and gives it back.
fn dirty<M: Mode>(pool: &Pool<M>, drain: bool) {
    let mut batch = PageBatch::<M, 512>::empty();
    let _ = pool.alloc_bulk(&mut batch, 300);
    batch.iter_mut().for_each(|page| page.fill(1));
    drop(batch);
    if drain {
        pool.drain();
    }
}

fn is_zero<M: Mode>(page: &Page<M>) -> bool {
    page.iter().all(|&byte| byte == 0)
}

/// Single pages and bulks of any size, with all that are out before.
fn are_zero<M: Mode>(pool: &Pool<M>) {
    let mut cache = pool.cache().expect("a cache");
    let single = cache.alloc_zeroed().expect("a page");
    let other = pool.alloc_zeroed().expect("a page");
    assert!(is_zero(&single) && is_zero(&other));
    for want in [1, 3, 64, 65, 200] {
        for pooled in [false, true] {
            let mut batch = PageBatch::<M, 512>::empty();
            let _ = pool.alloc_bulk(&mut batch, 2);
            let before = batch.len();
            let bulk = if pooled {
                pool.alloc_bulk_zeroed(&mut batch, want)
            } else {
                cache.alloc_bulk_zeroed(&mut batch, want)
            };
            assert_eq!(batch.len(), before + bulk.allocated);
            assert!(bulk.allocated == want || bulk.reason.is_some(), "{bulk:?}");
            assert!((before..batch.len()).all(|at| batch[at].iter().all(|&byte| byte == 0)));
            batch.iter_mut().for_each(|page| page.fill(7));
        }
    }
    drop((single, other, cache));
}

fn pages_of_zeros_are_zero<M: Mode>() {
    for drain in [false, true] {
        for region in [None, Some(Region::heap())] {
            let mut builder = Pool::builder(512).mode::<M>();
            if let Some(region) = region {
                builder = builder.region(region).page_size(64);
            }
            let Ok(pool) = builder.build() else { continue };
            are_zero(&pool);
            dirty(&pool, drain);
            are_zero(&pool);
            assert!(pool.audit().pages.adds_up() && !pool.is_tainted());
            pool.close().expect("nothing is out");
        }
    }
}

/// Memory of the caller's is never believed to be zero.
fn given_memory_is_written<M: Mode>() {
    let memory = leaked(std::alloc::Layout::from_size_align(512 * 64, 64).expect("a layout"));
    memory.fill(std::mem::MaybeUninit::new(9));
    let builder = Pool::builder(512).page_size(64).mode::<M>();
    let metadata = metadata_for(&builder);
    // SAFETY: the memory is leaked and initialised: nobody else ever uses it.
    let pool = unsafe { builder.build_in(memory.as_mut_ptr().cast(), metadata) }.expect("a pool");
    are_zero(&pool);
}

fn a_call_of_zeros_is_counted_once<M: Mode>() {
    let Ok(pool) = Pool::builder(512).mode::<M>().build() else { return };
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 512>::empty();
    assert_eq!(cache.alloc_bulk_zeroed(&mut batch, 150).allocated, 150);
    let page = cache.alloc_zeroed();
    assert_eq!(pool.audit().pages.out, 151);
    drop((page, batch));
    assert!(pool.audit().pages.adds_up() && pool.audit().pages.out == 0);
}

/// Who gets some of what it wanted has not run dry: others need leave nothing for it.
fn a_call_of_zeros_that_is_short_is_not_dry<M: Mode>() {
    let Ok(pool) = Pool::builder(36).mode::<M>().build() else { return };
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    let bulk = pool.alloc_bulk_zeroed(&mut batch, 40);
    assert_eq!((bulk.allocated, bulk.reason), (36, Some(ShortReason::Exhausted)));
    batch.clear();
    pool.drain();
    assert_eq!(cache.alloc_bulk(&mut batch, 36).allocated, 36);
}

/// What was offline holds what its owner has left there.
fn what_comes_online_is_written<M: Mode>() {
    for region in [None, Some(Region::heap())] {
        let mut builder = Pool::builder(512).mode::<M>().initially(100);
        if let Some(region) = region {
            builder = builder.region(region).page_size(64);
        }
        let Ok(pool) = builder.build() else { continue };
        // Those that were never there; then all; then a few, of which each word has others.
        for pages in [100..512, 0..512, 250..300] {
            for id in pages.clone() {
                let start = pool.ptr(PageId::new(id)).expect("in range").as_ptr();
                // SAFETY: in the region, and the page is offline: nobody else touches it.
                unsafe { start.write_bytes(3, pool.page_size()) };
            }
            // SAFETY: the region is the pool's own, and nobody else has it.
            assert_eq!(unsafe { pool.online(pages) }, Ok(()));
            are_zero(&pool);
            let went = pool.offline(0..512).expect("some are online");
            assert_eq!(went.still_online().count(), 0);
        }
        assert!(pool.audit().pages.adds_up() && !pool.is_tainted());
    }
}

every_mode!(
    pages_of_zeros_are_zero,
    given_memory_is_written,
    a_call_of_zeros_is_counted_once,
    a_call_of_zeros_that_is_short_is_not_dry,
    what_comes_online_is_written,
);
