//! Many pages in one call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

on_both_fronts! {
    fn alloc_bulk_appends<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::new();
        assert_eq!(front.alloc_bulk(&mut batch, 10), BulkAlloc { allocated: 10, reason: None });
        let first = batch.ids().to_vec();
        batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
        assert_eq!(front.alloc_bulk(&mut batch, 77), BulkAlloc { allocated: 77, reason: None });
        assert_eq!(&batch.ids()[..10], first);
        assert!(batch.iter().take(10).zip(0..).all(|(bytes, seed)| is_marked(bytes, seed)));
        assert!(distinct(batch.ids()));
        assert_eq!((batch.len(), batch.remaining_capacity(), out(pool)), (87, 169, 87));
        front.free_bulk(&mut batch);
        assert!(batch.is_empty());
        assert_eq!(out(pool), 0);
    }

    fn pages_of_a_vector_go_back_in_bulks<M: Mode, F: Front>(pool, front) {
        let home = crate::common::pool::<M>(100);
        let mut pages = Vec::new();
        for n in 0..150 {
            pages.push(front.alloc().expect("a page"));
            if n % 40 == 7 {
                pages.push(home.alloc().expect("a page"));
            }
        }
        assert_eq!((out(pool), out(&home)), (150, 4));
        front.free_all(pages.drain(..));
        assert_eq!((out(pool), out(&home)), (0, 0));
        front.free_all(pages);
        let pages: Vec<_> = (0..100).map(|_| front.alloc().expect("a page")).collect();
        let some = pages.into_iter().enumerate().map(|(at, page)| {
            assert!(at < 70, "the iterator's own fault");
            page
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| front.free_all(some)));
        assert!(panicked.is_err() && out(pool) == 0);
        assert_whole(home);
    }

    fn alloc_bulk_is_short_when_the_pool_runs_dry<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::new();
        let bulk = front.alloc_bulk(&mut batch, 256);
        assert_eq!(bulk, BulkAlloc { allocated: 200, reason: Some(ShortReason::Exhausted) });
        assert!(distinct(batch.ids()));
        let bulk = front.alloc_bulk(&mut batch, 1);
        assert_eq!(bulk, BulkAlloc { allocated: 0, reason: Some(ShortReason::Exhausted) });
        assert_eq!((batch.len(), out(pool)), (200, 200));
        drop(batch.pop());
        assert_eq!(front.alloc_bulk(&mut batch, 1), BulkAlloc { allocated: 1, reason: None });
        front.free_bulk(&mut batch);
    }

    fn alloc_bulk_stops_when_the_batch_is_full<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M, 8>::empty();
        assert_eq!(front.alloc_bulk(&mut batch, 3), BulkAlloc { allocated: 3, reason: None });
        let full = Some(ShortReason::BatchFull);
        assert_eq!(front.alloc_bulk(&mut batch, 6), BulkAlloc { allocated: 5, reason: full });
        assert_eq!(front.alloc_bulk(&mut batch, 1), BulkAlloc { allocated: 0, reason: full });
        assert_eq!(front.alloc_bulk(&mut batch, usize::MAX), BulkAlloc { allocated: 0, reason: full });
        assert_eq!((batch.len(), out(pool)), (8, 8));
        front.free_bulk(&mut batch);
        assert_eq!(front.alloc_bulk(&mut batch, 8), BulkAlloc { allocated: 8, reason: None });
    }

    fn alloc_bulk_of_none_gives_none<M: Mode, F: Front>(pool, front) {
        let none = BulkAlloc { allocated: 0, reason: None };
        let mut batch = PageBatch::<M, 256>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 0), none);
        assert_eq!(front.alloc_bulk_exact(&mut batch, 0), Ok(()));
        assert_eq!(front.alloc_bulk(&mut batch, 200), BulkAlloc { allocated: 200, reason: None });
        assert_eq!(front.alloc_bulk(&mut batch, 0), none);
        assert_eq!(front.alloc_bulk_exact(&mut batch, 0), Ok(()));
        let mut nothing = PageBatch::<M, 0>::empty();
        assert_eq!(front.alloc_bulk(&mut nothing, 0), none);
        let full = BulkAlloc { allocated: 0, reason: Some(ShortReason::BatchFull) };
        assert_eq!(front.alloc_bulk(&mut nothing, 1), full);
        front.free_bulk(&mut nothing);
        assert_eq!(out(pool), 200);
    }

    fn alloc_bulk_of_more_than_the_pool_and_the_batch_is_short<M: Mode, F: Front>(_pool, front) {
        let mut batch = PageBatch::<M, 300>::empty();
        let bulk = front.alloc_bulk(&mut batch, usize::MAX);
        assert_eq!(bulk, BulkAlloc { allocated: 200, reason: Some(ShortReason::Exhausted) });
        front.free_bulk(&mut batch);
    }

    fn alloc_bulk_zeroed_clears_the_new_pages_only<M: Mode, F: Front>(_pool, front) {
        let mut batch = PageBatch::new();
        assert_eq!(front.alloc_bulk(&mut batch, 200).allocated, 200);
        batch.iter_mut().for_each(|bytes| bytes.fill(0xff));
        front.free_bulk(&mut batch);
        assert_eq!(front.alloc_bulk(&mut batch, 20).allocated, 20);
        batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
        let bulk = front.alloc_bulk_zeroed(&mut batch, 236);
        assert_eq!(bulk, BulkAlloc { allocated: 180, reason: Some(ShortReason::Exhausted) });
        assert!(batch.iter().take(20).zip(0..).all(|(bytes, seed)| is_marked(bytes, seed)));
        assert!(batch.iter().skip(20).all(|bytes| bytes.iter().all(|&byte| byte == 0)));
    }

    fn alloc_bulk_exact_gives_all<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::new();
        assert_eq!(front.alloc_bulk_exact(&mut batch, 150), Ok(()));
        assert_eq!(front.alloc_bulk_exact(&mut batch, 50), Ok(()));
        assert_eq!((batch.len(), out(pool)), (200, 200));
        assert!(distinct(batch.ids()));
        front.free_bulk(&mut batch);
        let mut batch = PageBatch::<M, 200>::empty();
        assert_eq!(front.alloc_bulk_exact(&mut batch, 200), Ok(()), "the pool and the batch, whole");
        front.free_bulk(&mut batch);
    }

    fn alloc_bulk_exact_gives_none_and_loses_nothing<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::new();
        assert_eq!(front.alloc_bulk_exact(&mut batch, 60), Ok(()));
        let before = batch.ids().to_vec();
        batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
        let error = front.alloc_bulk_exact(&mut batch, 150).expect_err("140 are free");
        assert_eq!((error.want, error.had, error.reason), (150, 140, ShortReason::Exhausted));
        let text = "140 of 150 pages: no more are free: free some, or build a larger pool";
        assert_eq!(error.to_string(), text);
        let error = front.alloc_bulk_exact(&mut batch, 201).expect_err("no room");
        assert_eq!((error.want, error.reason), (201, ShortReason::BatchFull));
        let mut large = PageBatch::<M, 1000>::empty();
        let error = front.alloc_bulk_exact(&mut large, 201).expect_err("the pool has 200");
        assert_eq!((error.want, error.reason), (201, ShortReason::TooMany));
        assert!(large.is_empty());
        assert_eq!(batch.ids(), before);
        assert!(batch.iter().zip(0..).all(|(bytes, seed)| is_marked(bytes, seed)));
        assert_eq!(out(pool), 60);
        assert_eq!(front.alloc_bulk_exact(&mut batch, 140), Ok(()));
    }

    fn every_size_comes_and_goes_whole<M: Mode, F: Front>(pool, front) {
        for n in 1..=pool.capacity() {
            let mut batch = PageBatch::new();
            assert_eq!(front.alloc_bulk(&mut batch, n), BulkAlloc { allocated: n, reason: None });
            assert!(distinct(batch.ids()));
            for (at, bytes) in batch.iter_mut().enumerate() {
                bytes[..4].copy_from_slice(&[n as u8, at as u8, 1, 2]);
            }
            let whole = |(at, bytes): (usize, &[u8])| bytes[..4] == [n as u8, at as u8, 1, 2];
            assert!(batch.iter().enumerate().all(whole));
            front.free_bulk(&mut batch);
            assert_eq!(out(pool), 0);
        }
    }

    fn two_batches_interleave<M: Mode, F: Front>(pool, front) {
        let mut random = Random::new(5);
        let (mut one, mut two) = (PageBatch::<M>::new(), PageBatch::<M>::new());
        for _ in 0..300 {
            let batch = if random.below(2) == 0 { &mut one } else { &mut two };
            let free = pool.capacity() - out(pool) as usize;
            let want = random.below(60);
            if want > free {
                front.free_bulk(batch);
            } else {
                assert_eq!(front.alloc_bulk(batch, want), BulkAlloc { allocated: want, reason: None });
            }
            assert!(distinct(&[one.ids(), two.ids()].concat()));
            assert_eq!(out(pool) as usize, one.len() + two.len());
        }
    }
}

every_mode!(
    pages_of_a_vector_go_back_in_bulks,
    alloc_bulk_appends,
    alloc_bulk_is_short_when_the_pool_runs_dry,
    alloc_bulk_stops_when_the_batch_is_full,
    alloc_bulk_of_none_gives_none,
    alloc_bulk_of_more_than_the_pool_and_the_batch_is_short,
    alloc_bulk_zeroed_clears_the_new_pages_only,
    alloc_bulk_exact_gives_all,
    alloc_bulk_exact_gives_none_and_loses_nothing,
    every_size_comes_and_goes_whole,
    two_batches_interleave,
);
