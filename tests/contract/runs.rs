//! Bad pages among many good ones, which go by runs.

use crate::common::*;

/// Whether the bad page is met by the quick way, by steps, or beyond them.
fn a_dropped_batch_frees_the_pages_around_a_bad_one<M: Mode>() {
    for (before, after) in [(2, 3), (17, 8), (0, 20), (22, 0)] {
        let pool = build::<M>(100, |it| it.magazine_capacity(32).on_bad_page(OnBadPage::Panic));
        let mut batch = PageBatch::<M>::new();
        let other = pool.alloc().expect("a page").into_raw();
        // SAFETY: the page is out, and has no other owner.
        drop(unsafe { Page::from_raw(&pool, other) });
        assert_eq!(pool.alloc_bulk(&mut batch, before).allocated, before);
        // SAFETY: not so: the page is free, or somebody else's.
        assert!(batch.push(unsafe { Page::from_raw(&pool, other) }).is_ok());
        assert_eq!(pool.alloc_bulk(&mut batch, after).allocated, after);
        drop(batch);
        assert!(pool.is_tainted());
        assert_adds_up(&pool);
        assert_eq!(out(&pool), 0);
        assert_eq!(pool.stats().map_or(1, |stats| stats.faults), 1);
        assert!(pool.close().is_ok());
    }
}

/// Wherever it stands, and whether the others go back to where they were or come from another cache.
fn a_bad_page_of_a_long_run_is_found_where_it_stands<M: Mode>() {
    const N: usize = 23;
    let pool = build::<M>(100, |builder| builder.magazine_capacity(32));
    let (mut one, mut two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    for (at, moved, fault) in (0..4 * N).map(|case| {
        let fault = if case % 2 == 0 { Fault::AlreadyFree } else { Fault::OutOfRange };
        (case / 4, case / 2 % 2 == 0, fault)
    }) {
        let mut out = no_ids::<N>();
        let ids = one.alloc_bulk_raw(&mut out).0;
        assert_eq!(ids.len(), N);
        let mut named = ids.to_vec();
        named[at] = match fault {
            Fault::OutOfRange => PageId::new(100),
            _ => (0..100).map(PageId::new).find(|id| !ids.contains(id)).expect("a free page"),
        };
        let cache = if moved { &mut two } else { &mut one };
        // SAFETY: not so: one of them is bad.
        let error = unsafe { cache.free_bulk_raw(&named) }.expect_err("a bad page");
        assert_eq!((error.page, error.position, error.fault), (named[at], at, fault));
        assert_eq!((error.count, error.done), (1, N - 1));
        // SAFETY: it is out, and nobody has freed it.
        assert_eq!(unsafe { cache.free_bulk_raw(&[ids[at]]) }, Ok(()));
        assert_adds_up(&pool);
        assert_eq!(pool.audit().pages.out, 0);
    }
}

every_checking_mode!(
    a_dropped_batch_frees_the_pages_around_a_bad_one,
    a_bad_page_of_a_long_run_is_found_where_it_stands,
);
