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

/// Wherever it stands, and whether the others go back to where they were or come from another
/// cache.
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

/// A long run comes from elsewhere, but for one page: the word of that one names the entry that it
/// goes to, where it lay once, and where another has lain since.
fn a_page_back_at_a_reused_entry_is_stored_anew<M: Mode>() {
    const N: usize = 40;
    let pool = build::<M>(3 * N, |builder| builder.magazine_capacity(256));
    for at in 0..N {
        let (mut one, mut two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        let mut all = no_ids::<{ 3 * N }>();
        let (all, _) = one.alloc_bulk_raw(&mut all);
        assert_eq!(all.len(), 3 * N);
        // All pages are out: what the cache gets is what it was given.
        let mut through = |given: &[PageId]| {
            // SAFETY: the pages are out, and their owner gives them up.
            assert_eq!(unsafe { two.free_bulk_raw(given) }, Ok(()));
            let mut out = no_ids::<N>();
            let mut got = two.alloc_bulk_raw(&mut out).0.to_vec();
            got.sort_unstable();
            let mut given = given.to_vec();
            given.sort_unstable();
            assert_eq!(got, given, "with the one {at} pages from the first");
        };
        let (run, others) = all.split_at_mut(N);
        let (first, second) = others.split_at_mut(N);
        through(first);
        through(second);
        std::mem::swap(&mut run[at], &mut first[at]);
        through(run);
        // SAFETY: all pages are out, each of them once.
        assert_eq!(unsafe { one.free_bulk_raw(all) }, Ok(()));
        drop((one, two));
        pool.drain();
        assert_adds_up(&pool);
        assert_eq!(out(&pool), 0);
    }
    assert_whole(pool);
}

every_checking_mode!(
    a_dropped_batch_frees_the_pages_around_a_bad_one,
    a_bad_page_of_a_long_run_is_found_where_it_stands,
    a_page_back_at_a_reused_entry_is_stored_anew,
);
