//! Ids without owners.

use crate::common::*;

on_both_fronts! {
    fn raw_pages_come_and_go<M: Mode, F: Front>(pool, front) {
        let mut out_ids = no_ids::<150>();
        let (ids, short) = front.alloc_bulk_raw(&mut out_ids);
        assert_eq!((ids.len(), short), (150, None));
        assert!(distinct(ids));
        assert_eq!(out(pool), 150);
        // SAFETY: the ids were just allocated, and are freed once.
        assert_eq!(unsafe { front.free_bulk_raw(ids) }, Ok(()));
        assert_eq!(out(pool), 0);
        // SAFETY: no page is freed.
        assert_eq!(unsafe { front.free_bulk_raw(&[]) }, Ok(()));
    }

    fn raw_allocation_is_short_when_the_pool_runs_dry<M: Mode, F: Front>(pool, front) {
        let mut out_ids = no_ids::<300>();
        let (ids, short) = front.alloc_bulk_raw(&mut out_ids);
        assert_eq!((ids.len(), short), (200, Some(ShortReason::Exhausted)));
        let mut none = no_ids::<0>();
        assert_eq!(front.alloc_bulk_raw(&mut none), (&mut [][..], None));
        for some in ids.chunks(7) {
            // SAFETY: the ids were allocated here, and are freed once.
            assert_eq!(unsafe { front.free_bulk_raw(some) }, Ok(()));
        }
        assert_eq!(out(pool), 0);
    }

    fn adopted_pages_are_owned<M: Mode, F: Front>(pool, front) {
        let mut out_ids = no_ids::<20>();
        let (ids, _) = front.alloc_bulk_raw(&mut out_ids);
        // SAFETY: the ids were just allocated, and each gets one owner.
        let mut pages: Vec<Page<M>> = ids.iter().map(|&id| unsafe { Page::from_raw(pool, id) }).collect();
        for (page, &id) in pages.iter_mut().zip(&*ids) {
            assert_eq!(page.id(), id);
            mark(page, id.index());
        }
        assert!(pages.iter().all(|page| is_marked(page, page.id().index())));
        assert_eq!(out(pool), 20);
        drop(pages);
        assert_eq!(out(pool), 0);
    }

    fn into_raw_keeps_the_page_out<M: Mode, F: Front>(pool, front) {
        let mut page = front.alloc().expect("a page");
        mark(&mut page, 3);
        let id = page.into_raw();
        assert_eq!(out(pool), 1);
        // SAFETY: the page has no owner.
        let page = unsafe { Page::from_raw(pool, id) };
        assert!(is_marked(&page, 3));
        let id = page.into_raw();
        // SAFETY: the page has no owner, and is freed once.
        assert_eq!(unsafe { front.free_bulk_raw(&[id]) }, Ok(()));
        assert_eq!(out(pool), 0);
    }

    fn owned_and_raw_calls_mix<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 100).allocated, 100);
        let raw: Vec<_> = batch.into_iter().map(Page::into_raw).collect();
        // SAFETY: the pages have no owner, and are freed once.
        assert_eq!(unsafe { front.free_bulk_raw(&raw) }, Ok(()));
        let mut out_ids = no_ids::<200>();
        let (ids, short) = front.alloc_bulk_raw(&mut out_ids);
        assert_eq!((ids.len(), short), (200, None));
        let mut batch = PageBatch::<M>::new();
        for &id in &*ids {
            // SAFETY: the page has no owner.
            assert!(batch.push(unsafe { Page::from_raw(pool, id) }).is_ok());
        }
        assert_eq!(batch.ids(), ids);
        front.free_bulk(&mut batch);
    }
}

fn an_elevated_free_takes_single_pages_and_taints<M: Mode>() {
    let pool = pool::<M>(50);
    let mut cache = pool.cache().expect("a cache");
    let mut out_ids = no_ids::<10>();
    let (ids, _) = cache.alloc_bulk_raw(&mut out_ids);
    // SAFETY: no page is freed.
    assert_eq!(unsafe { cache.free_bulk_ignoring_refcounts(&[]) }, Ok(()));
    assert!(!pool.is_tainted());
    // SAFETY: the ids were just allocated, and are freed once.
    assert_eq!(unsafe { cache.free_bulk_ignoring_refcounts(&ids[..5]) }, Ok(()));
    assert!(pool.is_tainted());
    // SAFETY: as above.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&ids[5..]) }, Ok(()));
    assert_adds_up(&pool);
    assert_eq!(out(&pool), 0);
    drop(cache);
    assert!(pool.close().is_ok());
}

/// A bit that is set already is seen in every mode, and what is seen is said.
fn a_page_that_goes_to_the_zone_twice_is_reported<M: Mode>() {
    let pool = build::<M>(10, |builder| builder.shared_caches(0));
    let mut out_ids = no_ids::<3>();
    let ids = pool.alloc_bulk_raw(&mut out_ids).0.to_vec();
    // SAFETY: the page is out.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids[1..2]) }, Ok(()));
    // SAFETY: not so: one page is free, which the zone sees, since there are no caches.
    let error = unsafe { pool.free_bulk_raw(&ids) }.expect_err("free");
    assert_eq!((error.page, error.position, error.fault), (ids[1], 1, Fault::AlreadyFree));
    assert_eq!((error.count, error.done), (1, 2));
    assert!(pool.is_tainted());
    assert_adds_up(&pool);
}

/// A page that is released once too often comes before one that is none, and is named.
fn the_first_bad_page_of_a_release_is_named<M: Refcounted>() {
    if !M::CHECKS {
        return;
    }
    let pool = pool::<M>(10);
    let id = pool.alloc().expect("a page").into_raw();
    let far = PageId::new(99);
    // SAFETY: not so: the page has one reference, and the other is no page; a checking mode finds both.
    let error = unsafe { pool.release_bulk(&[id, id, far]) }.expect_err("bad");
    assert_eq!((error.page, error.position, error.count, error.done), (id, 1, 2, 1));
    assert_adds_up(&pool);
}

every_refcounted_mode!(the_first_bad_page_of_a_release_is_named);

every_mode!(
    raw_pages_come_and_go,
    raw_allocation_is_short_when_the_pool_runs_dry,
    adopted_pages_are_owned,
    into_raw_keeps_the_page_out,
    owned_and_raw_calls_mix,
    an_elevated_free_takes_single_pages_and_taints,
    a_page_that_goes_to_the_zone_twice_is_reported,
);
