//! Blocks of more than 64 pages, blocks in bulk, and blocks without owners.

use crate::common::*;

/// Two blocks of the largest order, and some pages.
const PAGES: usize = 2 * 1024 + 152;

/// Runs a body on a cache, then on the pool; afterwards the pool is whole.
fn on_both<M: Mode>(pages: usize, body: fn(&Pool<M>, &mut dyn Blocks<M>)) {
    let pool = pool::<M>(pages);
    let mut cache = pool.cache().expect("a cache");
    body(&pool, &mut cache);
    body(&pool, &mut pool.clone());
    drop(cache);
    assert_whole(pool);
}

/// The calls that these tests make.
trait Blocks<M: Mode> {
    fn block(&mut self, order: Order) -> Result<Block<M>, ShortReason>;
    fn bulk(&mut self, order: Order, out: &mut [Option<Block<M>>]) -> BulkAlloc;
    fn free(&mut self, block: Block<M>);
}

impl<M: Mode, F: Front<M>> Blocks<M> for F {
    fn block(&mut self, order: Order) -> Result<Block<M>, ShortReason> {
        self.alloc_block(order)
    }
    fn bulk(&mut self, order: Order, out: &mut [Option<Block<M>>]) -> BulkAlloc {
        self.alloc_blocks_bulk(order, out)
    }
    fn free(&mut self, block: Block<M>) {
        self.free_block(block);
    }
}

fn a_large_block_is_contiguous_and_aligned<M: Mode>() {
    on_both::<M>(PAGES, |pool, front| {
        for n in 7..=10 {
            let mut block = front.block(order(n)).expect("a block");
            assert_eq!(block.id().index() as usize % block.order().pages(), 0);
            assert_eq!(block.len(), pool.page_size() << n);
            assert_eq!(out(pool), 1 << n);
            mark(&mut block, u32::from(n));
            assert!(is_marked(&block, u32::from(n)));
            assert_adds_up(pool);
            front.free(block);
            assert_eq!(out(pool), 0);
        }
    });
}

fn large_blocks_run_out_and_form_again<M: Mode>() {
    on_both::<M>(PAGES, |pool, front| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk(&mut batch, 200).allocated, 200);
        pool.free_bulk(&mut batch);
        let blocks: Vec<_> = (0..2).map(|_| front.block(Order::MAX).expect("a block")).collect();
        assert_eq!(front.block(Order::MAX).expect_err("none is left"), ShortReason::Fragmented);
        assert_eq!(front.block(order(8)).expect_err("152 are left"), ShortReason::Fragmented);
        drop(front.block(order(7)).expect("152 are left"));
        drop(blocks);
        // One page is in the way.
        let page = pool.alloc_at(PageId::new(1500)).expect("it is free");
        let block = front.block(Order::MAX).expect("another one");
        assert_eq!(block.id(), PageId::new(0));
        assert_eq!(front.block(Order::MAX).expect_err("one is broken"), ShortReason::Fragmented);
        let half = front.block(order(9)).expect("one of its halves");
        drop((page, half, block));
        assert_eq!(out(pool), 0);
    });
}

fn a_block_larger_than_the_pool_is_never_whole<M: Mode>() {
    on_both::<M>(100, |pool, front| {
        for n in 7..=10 {
            let short = front.block(order(n)).expect_err("there are 100 pages");
            assert_eq!(short, ShortReason::Fragmented);
        }
        assert_eq!(pool.audit().pages.free, 100);
    });
}

fn blocks_come_in_bulk_into_what_is_vacant<M: Mode>() {
    on_both::<M>(PAGES, |pool, front| {
        let kept = front.block(order(3)).expect("a block");
        let id = kept.id();
        let mut blocks: Vec<Option<Block<M>>> = (0..100).map(|_| None).collect();
        blocks[7] = Some(kept);
        let bulk = front.bulk(order(4), &mut blocks);
        assert_eq!(bulk, BulkAlloc { allocated: 99, reason: None });
        assert_eq!(out(pool), 99 * 16 + 8);
        let mut blocks: Vec<_> = blocks.into_iter().map(|block| block.expect("a block")).collect();
        assert_eq!((blocks[7].id(), blocks[7].order()), (id, order(3)));
        let ids: Vec<_> = blocks.iter().flat_map(|it| block_ids(it.id(), it.order())).collect();
        assert!(distinct(&ids));
        blocks.iter_mut().for_each(|block| {
            let seed = block.id().index();
            mark(block, seed);
        });
        assert!(blocks.iter().all(|block| is_marked(block, block.id().index())));
        assert_eq!(front.bulk(order(4), &mut []), BulkAlloc { allocated: 0, reason: None });
        blocks.into_iter().for_each(|block| front.free(block));
        assert_eq!(out(pool), 0);
    });
}

fn blocks_in_bulk_run_out_and_say_why<M: Mode>() {
    on_both::<M>(PAGES, |pool, front| {
        let mut blocks = [const { None }; 5];
        let short = |allocated, reason| BulkAlloc { allocated, reason: Some(reason) };
        assert_eq!(front.bulk(order(9), &mut blocks), short(4, ShortReason::Fragmented));
        let mut rest = [const { None }; 5];
        // Of the words that are left the last is not full.
        assert_eq!(front.bulk(ORDER_6, &mut rest), short(2, ShortReason::Fragmented));
        let mut pages: [Option<Block<M>>; 30] = [const { None }; 30];
        assert_eq!(front.bulk(order(0), &mut pages), short(24, ShortReason::Exhausted));
        assert_eq!(out(pool), PAGES as u64);
        if let Some(stats) = pool.stats() {
            assert!(stats.calls.short >= 3, "{stats}");
        }
    });
}

fn pages_in_the_middle_of_a_call_to_free_come_back_to_blocks<M: Mode>() {
    let pool = pool::<M>(1024);
    let mut cache = pool.cache().expect("a cache");
    let pages: Vec<_> = (0..1024).map(|_| cache.alloc().expect("a page")).collect();
    assert_eq!(cache.alloc_block(Order::MAX).expect_err("all are out"), ShortReason::Exhausted);
    pages.into_iter().for_each(|page| cache.free(page));
    let block = cache.alloc_block(Order::MAX).expect("all are back");
    drop((block, cache));
    assert_whole(pool);
}

on_both_fronts! {
    fn raw_blocks_come_and_go<M: Mode, F: Front>(pool, front) {
        let first = front.alloc_block_raw(order(5)).expect("a block");
        assert_eq!((first.index() % 32, out(pool)), (0, 32));
        // SAFETY: nobody else has the block.
        let mut block = unsafe { Block::from_raw(pool, first, order(5)) };
        mark(&mut block, 5);
        assert_eq!(block.into_raw(), (first, order(5)));
        // SAFETY: as above.
        assert_eq!(unsafe { front.free_block_raw(first, order(5)) }, Ok(()));
        assert_eq!(out(pool), 0);
        let mut room = no_ids::<30>();
        let (blocks, reason) = front.alloc_blocks_bulk_raw(order(3), &mut room);
        assert_eq!((blocks.len(), reason), (25, Some(ShortReason::Exhausted)));
        assert_eq!(front.alloc_block_raw(order(0)), Err(ShortReason::Exhausted));
        assert_eq!(front.alloc_block_raw(order(7)), Err(ShortReason::Exhausted));
        for &mut first in blocks {
            // SAFETY: as above.
            assert_eq!(unsafe { front.free_block_raw(first, order(3)) }, Ok(()));
        }
        assert_eq!(front.alloc_blocks_bulk_raw(order(3), &mut no_ids::<0>()).1, None);
    }
}

/// Where nobody looks at state, the place is looked at all the same.
fn a_raw_block_that_cannot_be_one_is_refused<M: Mode>() {
    let pool = pool::<M>(100);
    for (first, n) in [(3, 2), (96, 3), (0, 7), (100, 0), (u32::MAX - 7, 3)] {
        let first = PageId::new(first);
        // SAFETY: not so: no block of this order can start there, which is found.
        let freed = unsafe { pool.free_block_raw(first, order(n)) };
        let error = freed.expect_err("no block");
        assert_eq!((error.page, error.fault, error.done), (first, Fault::NotABlock, 0));
        // SAFETY: as above.
        let split = unsafe { pool.split_block_raw(first, order(n), None) };
        assert_eq!(split.expect_err("no block").fault, Fault::NotABlock);
    }
    assert!(pool.is_tainted());
    assert_eq!(pool.audit().pages.free, 100);
}

every_mode!(
    a_large_block_is_contiguous_and_aligned,
    large_blocks_run_out_and_form_again,
    a_block_larger_than_the_pool_is_never_whole,
    blocks_come_in_bulk_into_what_is_vacant,
    blocks_in_bulk_run_out_and_say_why,
    pages_in_the_middle_of_a_call_to_free_come_back_to_blocks,
    raw_blocks_come_and_go,
    a_raw_block_that_cannot_be_one_is_refused,
);
