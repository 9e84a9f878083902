//! One page at a time, and arrays of single pages.

use crate::common::*;

on_both_fronts! {
    fn alloc_gives_a_page_of_the_pool<M: Mode, F: Front>(pool, front) {
        let mut page = front.alloc().expect("a page");
        assert!((page.id().index() as usize) < pool.capacity());
        assert_eq!(page.len(), pool.page_size());
        assert_eq!(page.as_ptr().addr() % pool.page_size(), 0);
        assert_eq!(pool.ptr(page.id()).expect("in range").as_ptr(), page.base_ptr());
        page.fill(7);
        assert!(page.as_ref().iter().all(|&byte| byte == 7));
        assert_eq!(out(pool), 1);
        drop(page);
        assert_eq!(out(pool), 0);
    }

    fn all_pages_are_distinct_and_keep_their_bytes<M: Mode, F: Front>(pool, front) {
        let mut pages: Vec<_> = (0..pool.capacity()).map(|_| front.alloc().expect("a page")).collect();
        assert!(distinct(&pages.iter().map(Page::id).collect::<Vec<_>>()));
        for page in &mut pages {
            let seed = page.id().index();
            mark(page, seed);
        }
        assert!(pages.iter().all(|page| is_marked(page, page.id().index())));
        for page in pages {
            front.free(page);
        }
    }

    fn alloc_says_exhausted_when_every_page_is_out<M: Mode, F: Front>(pool, front) {
        let pages: Vec<_> = (0..pool.capacity()).map(|_| front.alloc().expect("a page")).collect();
        for _ in 0..3 {
            assert_eq!(front.alloc().expect_err("none is free"), ShortReason::Exhausted);
            assert_eq!(front.alloc_zeroed().expect_err("none is free"), ShortReason::Exhausted);
        }
        let text = "no page is free: free some, or build a larger pool";
        assert_eq!(ShortReason::Exhausted.to_string(), text);
        assert_eq!(out(pool), 200);
        drop(pages);
        let page = front.alloc().expect("a page");
        front.free(page);
    }

    fn alloc_zeroed_gives_zeros_where_others_wrote<M: Mode, F: Front>(pool, front) {
        for _ in 0..pool.capacity() {
            let mut page = front.alloc().expect("a page");
            page.fill(0xff);
            front.free(page);
        }
        let pages: Vec<_> =
            (0..pool.capacity()).map(|_| front.alloc_zeroed().expect("a page")).collect();
        assert!(pages.iter().all(|page| page.iter().all(|&byte| byte == 0)));
    }

    fn zero_clears_a_page<M: Mode, F: Front>(_pool, front) {
        let mut page = front.alloc().expect("a page");
        page.as_mut().fill(9);
        page.zero();
        assert!(page.iter().all(|&byte| byte == 0));
        front.free(page);
    }

    fn freed_pages_can_be_had_again<M: Mode, F: Front>(pool, front) {
        for _ in 0..10 * pool.capacity() {
            let page = front.alloc().expect("a page");
            front.free(page);
        }
        let pages: Vec<_> = (0..pool.capacity()).map(|_| front.alloc().expect("a page")).collect();
        assert_eq!(out(pool), pages.len() as u64);
    }

    fn fill_fills_only_empty_slots<M: Mode, F: Front>(pool, front) {
        let mut array: [Option<Page<M>>; 100] = std::array::from_fn(|_| None);
        for at in (0..100).step_by(3) {
            array[at] = Some(front.alloc().expect("a page"));
        }
        let before: Vec<_> = array.iter().map(|page| page.as_ref().map(Page::id)).collect();
        assert_eq!(front.fill_vacant(&mut array), BulkAlloc { allocated: 66, reason: None });
        for (page, before) in array.iter().zip(before) {
            let id = page.as_ref().expect("filled").id();
            assert!(before.is_none_or(|before| before == id));
        }
        let ids: Vec<_> = array.iter().flatten().map(Page::id).collect();
        assert!(distinct(&ids));
        assert_eq!(front.fill_vacant(&mut array), BulkAlloc { allocated: 0, reason: None });
        assert_eq!(front.fill_vacant(&mut []), BulkAlloc { allocated: 0, reason: None });
        assert_eq!(out(pool), 100);
    }

    fn fill_is_short_when_the_pool_runs_dry<M: Mode, F: Front>(pool, front) {
        let mut array: Vec<Option<Page<M>>> = (0..300).map(|_| None).collect();
        let bulk = front.fill_vacant(&mut array);
        assert_eq!(bulk, BulkAlloc { allocated: 200, reason: Some(ShortReason::Exhausted) });
        assert!(array[..200].iter().all(Option::is_some) && array[200..].iter().all(Option::is_none));
        assert_eq!(out(pool), 200);
        array[5] = None;
        assert_eq!(front.fill_vacant(&mut array), BulkAlloc { allocated: 1, reason: Some(ShortReason::Exhausted) });
        assert!(array[5].is_some());
    }
}

every_mode!(
    alloc_gives_a_page_of_the_pool,
    all_pages_are_distinct_and_keep_their_bytes,
    alloc_says_exhausted_when_every_page_is_out,
    alloc_zeroed_gives_zeros_where_others_wrote,
    zero_clears_a_page,
    freed_pages_can_be_had_again,
    fill_fills_only_empty_slots,
    fill_is_short_when_the_pool_runs_dry,
);
