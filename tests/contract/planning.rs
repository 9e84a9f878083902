//! What a builder says of its pool before the pool is there.
#![cfg(feature = "std")]

use crate::common::*;

/// Enough pages for all that its caches can keep.
const PAGES: usize = 1000;

fn builder<M: Mode>(caches: usize) -> Builder<M> {
    Pool::builder(PAGES).mode::<M>().max_caches(caches).shared_caches(1).magazine_capacity(16)
}

fn a_report_says_what_the_pool_is<M: Mode>() {
    let planned = builder::<M>(4).initially(900).low(20).critical_reserve(10).report();
    let planned = planned.expect("a legal pool");
    let pool = builder::<M>(4).initially(900).low(20).critical_reserve(10);
    // A bit a page more, for what is known to be zero.
    let given = pool.metadata_layout().expect("a legal pool").size();
    assert!((given + PAGES / 8..given + PAGES / 8 + 256).contains(&planned.metadata_bytes));
    let pool = pool.build().expect("a pool");
    assert_eq!((planned.capacity, planned.page_size), (pool.capacity(), pool.page_size()));
    assert_eq!(planned.mode, pool.mode());
    assert_eq!((planned.capacity - planned.online) as u64, pool.audit().pages.offline);
    assert_eq!(planned.region_bytes, PAGES * 4096);
    assert_eq!((planned.low, planned.critical_reserve), (20, 10));
    let caches: Vec<_> = core::iter::from_fn(|| pool.cache().ok()).collect();
    assert_eq!(planned.caches, caches.len());
    drop(caches);
    assert_whole(pool);
}

/// The other caches are full, and nobody calls them.
fn what_is_assured_can_be_had<M: Mode>() {
    for low in [0, 50] {
        let caches = 4;
        let report = builder::<M>(caches).low(low).report().expect("a legal pool");
        assert_eq!(report.assured(), PAGES - 3 * 32 - low);
        let pool = builder::<M>(caches).low(low).build().expect("a pool");
        let mut all: Vec<_> = (0..caches).map(|_| pool.cache().expect("one of four")).collect();
        for cache in &mut all {
            let mut batch = PageBatch::<M>::new();
            assert_eq!(cache.alloc_bulk(&mut batch, 200).allocated, 200);
            cache.free_bulk(&mut batch);
        }
        let [mine, ..] = &mut all[..] else { unreachable!("four") };
        let mut had = PageBatch::<M, PAGES>::empty();
        // All, or none: that is what can be relied on.
        mine.alloc_bulk_exact(&mut had, report.assured()).expect("it is assured");
        drop((had, all));
        assert_whole(pool);
    }
}

/// The same errors as when it is built, and figures that are bounded.
fn a_report_of_what_cannot_be_says_why<M: Mode>() {
    let error = Pool::builder(0).mode::<M>().report().expect_err("no pages");
    assert_eq!(error, BuildError::NoPages);
    let most = u32::MAX as usize;
    let report = Pool::builder(most).mode::<M>().page_size(64).max_caches(1 << 10);
    let report = report.report().expect("nothing is built");
    assert_eq!((report.capacity, report.region_bytes), (most, most * 64));
    // Caches that could hold more than there is.
    let few = Pool::builder(3).mode::<M>().max_caches(8).magazine_capacity(4).report();
    let few = few.expect("a legal pool");
    assert_eq!((few.in_caches(), few.assured()), (3, 0));
    let text = few.to_string();
    assert!(text.starts_with("3 pages of 4096 bytes: 12288 bytes and "), "{text}");
    assert!(text.contains("\n0 pages can be out, whatever other caches hold ["), "{text}");
}

every_mode!(
    a_report_says_what_the_pool_is,
    what_is_assured_can_be_had,
    a_report_of_what_cannot_be_says_why
);
