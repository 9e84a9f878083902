//! Pages that are lent from an iterator, and come back as offsets.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// How many pages are lent, out, and free in whichever place.
fn figures<M: Mode>(pool: &Pool<M>) -> (u64, u64, u64) {
    let pages = pool.audit().pages;
    (pages.lent, pages.out, pages.free + pages.cached)
}

/// Frees what was lent.
fn back<M: Mode>(front: &mut impl DeviceFront<M>, offsets: &[u64]) {
    // SAFETY: the pages are lent, no device has them, and all their bytes are initialised.
    let freed = unsafe { front.free_lent(offsets.iter().copied()) };
    assert_eq!(freed, Ok(offsets.len()));
}

on_both_fronts! {
    fn as_many_new_pages_are_lent_as_are_wanted<M: Mode, F: DeviceFront>(pool, front) {
        for n in [0, 1, 2, 63, 64, 65, 128, 130, 200] {
            let mut lending = front.lend_new(n);
            assert_eq!(lending.size_hint(), (0, Some(n)));
            let mut offsets: Vec<_> = lending.by_ref().collect();
            assert_eq!((lending.taken(), lending.reason(), lending.next()), (n, None, None));
            drop(lending);
            assert_eq!((offsets.len(), figures(pool)), (n, (n as u64, 0, 200 - n as u64)));
            assert_adds_up(pool);
            offsets.sort_unstable();
            offsets.dedup();
            assert_eq!(offsets.len(), n, "each is another page");
            assert!(offsets.iter().all(|offset| offset % 256 == 0 && *offset < 200 * 256));
            back(front, &offsets);
            assert_eq!(figures(pool), (0, 0, 200));
        }
    }

    fn what_is_not_taken_is_free_again<M: Mode, F: DeviceFront>(pool, front) {
        for (taken, ahead) in [(0, 0), (1, 64), (63, 64), (64, 64), (70, 128), (150, 150)] {
            let mut lending = front.lend_new(150);
            let offsets: Vec<_> = lending.by_ref().take(taken).collect();
            assert_eq!((lending.taken(), lending.reason()), (taken, None));
            assert_eq!(lending.size_hint(), (ahead - taken, Some(150 - taken)));
            assert_eq!(figures(pool), (ahead as u64, 0, 200 - ahead as u64));
            drop(lending);
            assert_eq!(figures(pool), (taken as u64, 0, 200 - taken as u64));
            assert_adds_up(pool);
            let mut all = PageBatch::<M>::new();
            assert_eq!(front.alloc_bulk(&mut all, 256).allocated, 200 - taken);
            let lent: Vec<_> = offsets.iter().map(|&at| pool.id_at_offset(at).expect("a page")).collect();
            assert!(distinct(&[&lent, all.ids()].concat()));
            front.free_bulk(&mut all);
            back(front, &offsets);
        }
    }

    fn a_lending_that_comes_short_says_why<M: Mode, F: DeviceFront>(pool, front) {
        let mut lending = front.lend_new(300);
        let mut offsets: Vec<_> = lending.by_ref().take(199).collect();
        assert_eq!(lending.reason(), None, "there is another one");
        offsets.extend(&mut lending);
        assert_eq!((lending.taken(), lending.reason()), (200, Some(ShortReason::Exhausted)));
        assert_eq!((lending.size_hint(), lending.next()), ((0, Some(0)), None));
        let text = format!("{lending:?}");
        assert!(text.starts_with("Lending { taken: 200, reason: Some(ShortReason(no page"), "{text}");
        drop(lending);
        assert_eq!(front.lend_new(1).next(), None);
        assert_eq!(figures(pool), (200, 0, 0));
        back(front, &offsets);
    }

    fn numbers_of_lent_pages_are_to_be_had<M: Mode, F: DeviceFront>(pool, front) {
        let mut lending = front.lend_new(100);
        let ids: Vec<_> = lending.ids().take(40).collect();
        let offsets: Vec<_> = lending.by_ref().collect();
        assert_eq!((ids.len(), offsets.len(), lending.taken()), (40, 60, 100));
        drop(lending);
        let ids: Vec<_> = ids.iter().map(|&id| front.offset(id)).collect();
        let all: Vec<_> = ids.iter().chain(&offsets).copied().collect();
        assert_eq!(figures(pool), (100, 0, 100));
        back(front, &all);
    }

    fn a_panic_while_pages_are_taken_loses_none<M: Mode, F: DeviceFront>(pool, front) {
        let mut offsets = Vec::new();
        let panics = |offset: u64| {
            offsets.push(offset);
            assert!(offsets.len() < 10, "the consumer's");
        };
        let lent = catch_unwind(AssertUnwindSafe(|| front.lend_new(100).for_each(panics)));
        assert!(lent.is_err());
        assert_eq!(figures(pool), (10, 0, 190));
        back(front, &offsets);
    }

    fn a_batch_is_lent_in_its_order_as_far_as_it_is_taken<M: Mode, F: DeviceFront>(pool, front) {
        for taken in [0, 1, 40, 64, 70, 150] {
            let mut batch = PageBatch::<M>::new();
            assert_eq!(front.alloc_bulk(&mut batch, 150).allocated, 150);
            batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
            let ids = batch.ids().to_vec();
            let mut lending = front.lend(&mut batch);
            assert_eq!(lending.size_hint(), (0, Some(150)));
            let offsets: Vec<_> = lending.by_ref().take(taken).collect();
            assert_eq!((lending.taken(), lending.reason()), (taken, None));
            drop(lending);
            let lent: Vec<_> = offsets.iter().map(|&at| pool.id_at_offset(at).expect("a page")).collect();
            assert_eq!([&lent, batch.ids()].concat(), ids, "{taken}");
            assert_eq!(figures(pool), (taken as u64, 150 - taken as u64, 50));
            assert_adds_up(pool);
            // SAFETY: the pages are lent, and nobody else uses them.
            assert_eq!(unsafe { front.reclaim_at(offsets, &mut batch) }, Ok(taken));
            let order = (taken as u32..150).chain(0..taken as u32);
            assert!(batch.iter().zip(order).all(|(bytes, seed)| is_marked(bytes, seed)));
            front.free_bulk(&mut batch);
        }
    }

    fn pages_of_another_pool_are_not_lent<M: Mode, F: DeviceFront>(pool, front) {
        let home = crate::common::pool::<M>(10);
        let mut batch = PageBatch::<M, 8>::empty();
        assert_eq!(front.lend(&mut batch).next(), None, "it is empty");
        assert_eq!(home.alloc_bulk(&mut batch, 5).allocated, 5);
        let ids = batch.ids().to_vec();
        let mut lending = front.lend(&mut batch);
        assert_eq!((lending.next(), lending.reason()), (None, Some(ShortReason::OtherPool)));
        drop(lending);
        assert_eq!((batch.ids(), figures(pool).0, figures(&home).0), (&*ids, 0, 0));
        drop(batch);
        assert_whole(home);
    }

    fn an_offset_anywhere_in_a_page_reclaims_it<M: Mode, F: DeviceFront>(pool, front) {
        let offsets: Vec<_> = front.lend_new(100).collect();
        let inside = |(n, at): (usize, &u64)| at + [0, 1, 64, 255][n % 4];
        let mut inside = offsets.iter().enumerate().map(inside);
        let mut batch = PageBatch::<M, 30>::empty();
        // SAFETY: the pages are lent, and nobody else uses them; so below.
        assert_eq!(unsafe { front.reclaim_at(&mut inside, &mut batch) }, Ok(30));
        let of = |at: &u64| pool.id_at_offset(*at).expect("a page");
        assert!(batch.ids().iter().copied().eq(offsets[..30].iter().map(of)), "in that order");
        assert_eq!(figures(pool), (70, 30, 100));
        // The batch is full, so nothing more was taken.
        assert_eq!(inside.len(), 70);
        // SAFETY: as above.
        assert_eq!(unsafe { front.reclaim_at(&mut inside, &mut batch) }, Ok(0));
        assert_eq!(inside.len(), 70);
        front.free_bulk(&mut batch);
        // SAFETY: as above.
        assert_eq!(unsafe { front.free_lent(&mut inside) }, Ok(70));
        // SAFETY: no page is named.
        assert_eq!(unsafe { front.free_lent([]) }, Ok(0));
        // SAFETY: as above.
        assert_eq!(unsafe { front.reclaim_at([], &mut batch) }, Ok(0));
        assert_eq!(figures(pool), (0, 0, 200));
    }

    fn one_page_comes_back_by_its_number<M: Mode, F: DeviceFront>(pool, front) {
        let id = front.lend_new(1).ids().next().expect("a page");
        // SAFETY: the page is lent, and nobody else uses it.
        let page = unsafe { front.reclaim(id) }.expect("it is lent");
        assert_eq!((page.id(), figures(pool)), (id, (0, 1, 199)));
        front.free(page);
    }

    fn what_came_before_a_panic_is_back<M: Mode, F: DeviceFront>(pool, front) {
        for n in [10, 64, 100] {
            let offsets: Vec<_> = front.lend_new(150).collect();
            let first = |n: usize| offsets[..n].iter().copied().chain([()].iter().map(|()| panic!("the caller's")));
            // SAFETY: the pages are lent, and nobody else uses them; so below.
            let freed = catch_unwind(AssertUnwindSafe(|| unsafe { front.free_lent(first(n)) }));
            assert!(freed.is_err());
            assert_eq!(figures(pool), (150 - n as u64, 0, 50 + n as u64));
            let rest = offsets[n..].iter().copied();
            let rest = rest.take(20).chain([()].iter().map(|()| panic!("the caller's")));
            let mut batch = PageBatch::<M>::new();
            // SAFETY: as above.
            let taken = catch_unwind(AssertUnwindSafe(|| unsafe { front.reclaim_at(rest, &mut batch) }));
            assert!(taken.is_err());
            assert_eq!((batch.len(), figures(pool)), (20, (130 - n as u64, 20, 50 + n as u64)));
            assert_adds_up(pool);
            front.free_bulk(&mut batch);
            back(front, &offsets[n + 20..]);
        }
    }
}

/// Offsets past the end are refused in every mode, at their positions, and the others go through.
fn offsets_past_the_end_are_refused<M: Mode>() {
    let pool = pool::<M>(200);
    let mut cache = pool.cache().expect("a cache");
    let far = [200 * 256, u64::MAX, 1 << 40];
    let mut offsets: Vec<_> = cache.lend_new(100).collect();
    offsets.insert(3, far[0]);
    offsets.insert(70, far[1]);
    offsets.insert(102, far[2]);
    // SAFETY: the pages of the pool are lent, and nobody else uses them; the others are none.
    let error = unsafe { cache.free_lent(offsets) }.expect_err("outside");
    assert_eq!((error.page, error.position, error.fault), (PageId::new(200), 3, Fault::OutOfRange));
    assert_eq!((error.count, error.done), (3, 100));
    assert!(error.positions().eq([3, 70, 102]));
    let taint = pool.taint().expect("it is tainted");
    assert_eq!(taint.call, Some("free_lent"));
    let offsets: Vec<_> = far.into_iter().chain(cache.lend_new(2)).collect();
    let mut batch = PageBatch::<M, 2>::empty();
    // SAFETY: as above.
    let error = unsafe { pool.reclaim_at(offsets, &mut batch) }.expect_err("outside");
    assert_eq!((error.page, error.count, error.done), (PageId::new(200), 3, 2));
    assert!(error.positions().eq([0, 1, 2]) && batch.len() == 2, "room is what counts");
    cache.free_bulk(&mut batch);
    // SAFETY: as above.
    let error = unsafe { pool.reclaim_at([u64::MAX], &mut batch) }.expect_err("outside");
    assert_eq!((error.page, error.done), (PageId::new(u32::MAX), 0));
    assert_eq!(figures(&pool), (0, 0, 200));
    assert_adds_up(&pool);
}

/// In a batch with pages of another pool there is no place for any: the iterator is left alone.
fn a_batch_of_another_pool_takes_one_offset<M: Mode>() {
    let (pool, home) = (pool::<M>(100), pool::<M>(10));
    let mut offsets = pool.lend_new(5).collect::<Vec<_>>().into_iter();
    let mut batch = PageBatch::<M>::new();
    assert_eq!(home.alloc_bulk(&mut batch, 2).allocated, 2);
    // SAFETY: the pages are lent, and nobody else uses them; so below.
    let error = unsafe { pool.reclaim_at(&mut offsets, &mut batch) }.expect_err("another pool's");
    assert_eq!((error.fault, error.position, error.count, error.done), (Fault::OtherPool, 0, 1, 0));
    assert_eq!((offsets.len(), batch.len(), figures(&pool).0), (4, 2, 5));
    let first = pool.offset(error.page).expect("a page");
    batch.clear();
    // SAFETY: as above.
    assert_eq!(unsafe { pool.reclaim_at([first].into_iter().chain(offsets), &mut batch) }, Ok(5));
    drop(batch);
    assert_eq!(figures(&pool), (0, 0, 100));
    assert_whole(home);
}

/// Of a lending that is leaked, those that were lent ahead stay lent; what else there was in a batch stays out.
fn what_a_leaked_lending_had_ahead_stays_lent<M: Mode>() {
    let pool = pool::<M>(200);
    let mut lending = pool.lend_new(150);
    let mut offsets: Vec<_> = lending.by_ref().take(5).collect();
    std::mem::forget(lending);
    assert_eq!(figures(&pool), (64, 0, 136));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 100).allocated, 100);
    let mut lending = pool.lend(&mut batch);
    offsets.extend(lending.by_ref().take(5));
    std::mem::forget(lending);
    assert_eq!((batch.len(), figures(&pool)), (0, (128, 36, 36)));
    drop(batch);
    back(&mut pool.clone(), &offsets);
    assert_adds_up(&pool);
    let error = pool.close().expect_err("118 pages are lent, and 36 are nobody's");
    assert_eq!((error.out(), error.lent(), error.ids().count()), (154, 118, 154));
    // SAFETY: nobody uses the pages, which nobody wrote.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!((recovered, figures(&pool)), (154, (0, 0, 200)));
    assert_whole(pool);
}

fn a_lending_stops_at_a_mark<M: Mode>() {
    let pool = build::<M>(200, |builder| builder.low(50).critical_reserve(10));
    let mut cache = pool.cache().expect("a cache");
    // The last page of a call for many is no call for one.
    let mut lending = cache.lend_new(129 + 64);
    let mut offsets: Vec<_> = lending.by_ref().collect();
    assert_eq!((offsets.len(), lending.reason()), (150, Some(ShortReason::Watermark)));
    drop(lending);
    let one = cache.lend_new(1).next();
    offsets.extend(one);
    assert_eq!(offsets.len(), 151);
    let mut lending = pool.critical().lend_new(100);
    offsets.extend(&mut lending);
    assert_eq!((lending.taken(), lending.reason()), (49, Some(ShortReason::Exhausted)));
    drop(lending);
    back(&mut cache, &offsets);
    drop(cache);
    assert_whole(pool);
}

fn a_stealable_cache_lends<M: Mode>() {
    let pool = pool::<M>(200);
    let mut cache = pool.cache_stealable().expect("a cache");
    let mut lending = cache.lend_new(100);
    let offsets: Vec<_> = lending.by_ref().take(70).collect();
    // Between its calls, whoever runs dry can have what it holds.
    let _ = pool.steal_idle();
    drop(lending);
    assert_eq!(figures(&pool), (70, 0, 130));
    let mut batch = PageBatch::<M, 40>::empty();
    // SAFETY: the pages are lent, and nobody else uses them; so below.
    assert_eq!(unsafe { cache.reclaim_at(offsets[..40].iter().copied(), &mut batch) }, Ok(40));
    assert_eq!(cache.lend(&mut batch).take(10).count(), 10);
    // SAFETY: as above.
    assert_eq!(unsafe { cache.free_lent(offsets[..10].iter().copied()) }, Ok(10));
    // SAFETY: as above.
    assert_eq!(unsafe { cache.free_lent(offsets[40..].iter().copied()) }, Ok(30));
    cache.free_bulk(&mut batch);
    drop(cache);
    assert_whole(pool);
}

every_mode!(
    as_many_new_pages_are_lent_as_are_wanted,
    what_is_not_taken_is_free_again,
    a_lending_that_comes_short_says_why,
    numbers_of_lent_pages_are_to_be_had,
    a_panic_while_pages_are_taken_loses_none,
    a_batch_is_lent_in_its_order_as_far_as_it_is_taken,
    pages_of_another_pool_are_not_lent,
    an_offset_anywhere_in_a_page_reclaims_it,
    one_page_comes_back_by_its_number,
    what_came_before_a_panic_is_back,
    offsets_past_the_end_are_refused,
    a_batch_of_another_pool_takes_one_offset,
    what_a_leaked_lending_had_ahead_stays_lent,
    a_lending_stops_at_a_mark,
    a_stealable_cache_lends,
);
