//! Pages that go to a device and come back.

use crate::common::*;

on_both_fronts! {
    fn a_lent_page_comes_back_with_its_bytes<M: Mode, F: Front>(pool, front) {
        let mut page = front.alloc().expect("a page");
        mark(&mut page, 9);
        let id = page.lend();
        let pages = pool.audit().pages;
        assert_eq!((pages.lent, pages.out), (1, 0));
        assert!(pages.adds_up());
        // SAFETY: the page is lent, and nobody else uses it.
        let page = unsafe { pool.reclaim(id) }.expect("lent");
        assert!(is_marked(&page, 9));
        assert_eq!((pool.audit().pages.lent, out(pool)), (0, 1));
        front.free(page);
    }

    fn a_batch_is_lent_from_its_start<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 50).allocated, 50);
        batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
        let ids = batch.ids().to_vec();
        let mut out_ids = no_ids::<30>();
        let lent = front.lend_bulk(&mut batch, &mut out_ids);
        assert_eq!(lent, &ids[..30]);
        assert_eq!(batch.ids(), &ids[30..]);
        assert_eq!((pool.audit().pages.lent, out(pool)), (30, 20));
        assert_adds_up(pool);
        let mut more = no_ids::<30>();
        let rest = front.lend_bulk(&mut batch, &mut more);
        assert_eq!(rest, &ids[30..]);
        assert!(batch.is_empty());
        assert!(front.lend_bulk(&mut batch, &mut no_ids::<4>()).is_empty());
        // SAFETY: the pages are lent, and nobody else uses them.
        assert_eq!(unsafe { front.reclaim_bulk(rest, &mut batch) }, Ok(20));
        // SAFETY: as above.
        assert_eq!(unsafe { front.reclaim_bulk(lent, &mut batch) }, Ok(30));
        let order: Vec<u32> = (30..50).chain(0..30).collect();
        assert!(batch.iter().zip(order).all(|(bytes, seed)| is_marked(bytes, seed)));
        assert_eq!((pool.audit().pages.lent, out(pool)), (0, 50));
    }

    fn reclaiming_stops_when_the_batch_is_full<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M, 8>::empty();
        assert_eq!(front.alloc_bulk(&mut batch, 8).allocated, 8);
        let mut out_ids = no_ids::<8>();
        let ids = front.lend_bulk(&mut batch, &mut out_ids);
        let mut small = PageBatch::<M, 5>::empty();
        // SAFETY: the pages are lent, and nobody else uses them.
        assert_eq!(unsafe { front.reclaim_bulk(ids, &mut small) }, Ok(5));
        assert_eq!(small.ids(), &ids[..5]);
        assert_eq!((pool.audit().pages.lent, out(pool)), (3, 5));
        // SAFETY: the last three are still lent.
        assert_eq!(unsafe { front.reclaim_bulk(&ids[5..], &mut batch) }, Ok(3));
        // SAFETY: no page is reclaimed.
        assert_eq!(unsafe { front.reclaim_bulk(&[], &mut batch) }, Ok(0));
        assert_eq!((pool.audit().pages.lent, out(pool)), (0, 8));
    }

    fn lent_pages_are_not_handed_out<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 100).allocated, 100);
        let mut out_ids = no_ids::<100>();
        let lent = front.lend_bulk(&mut batch, &mut out_ids);
        let bulk = front.alloc_bulk(&mut batch, 200);
        assert_eq!(bulk, BulkAlloc { allocated: 100, reason: Some(ShortReason::Exhausted) });
        assert!(distinct(&[&*lent, batch.ids()].concat()));
        // SAFETY: the pages are lent, and nobody else uses them.
        let back: Vec<_> = lent.iter().map(|&id| unsafe { pool.reclaim(id) }.expect("lent")).collect();
        assert_eq!(back.len(), 100);
    }
}

/// Room in the batch is what counts, not how many ids were looked at.
fn reclaiming_goes_on_behind_a_bad_page<M: Mode>() {
    let pool = pool::<M>(10);
    let mut batch = PageBatch::<M, 2>::empty();
    assert_eq!(pool.alloc_bulk(&mut batch, 2).allocated, 2);
    let mut out_ids = no_ids::<2>();
    let ids = pool.lend_bulk(&mut batch, &mut out_ids);
    let far = PageId::new(999);
    // SAFETY: the pages of the pool are lent, and nobody else uses them; the other is no page of it.
    let error = unsafe { pool.reclaim_bulk(&[far, ids[0], ids[1]], &mut batch) };
    let error = error.expect_err("outside");
    assert_eq!((error.page, error.position, error.count, error.done), (far, 0, 1, 2));
    assert_eq!((batch.ids(), pool.audit().pages.lent), (&*ids, 0));
    assert_adds_up(&pool);
}

every_mode!(
    a_lent_page_comes_back_with_its_bytes,
    a_batch_is_lent_from_its_start,
    reclaiming_stops_when_the_batch_is_full,
    lent_pages_are_not_handed_out,
    reclaiming_goes_on_behind_a_bad_page,
);
