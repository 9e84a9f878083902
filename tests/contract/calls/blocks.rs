//! Contiguous pages.

use crate::common::*;

on_both_fronts! {
    fn a_block_is_contiguous_and_aligned_to_its_size<M: Mode, F: Front>(pool, front) {
        for n in 0..=6 {
            let mut block = front.alloc_block(order(n)).expect("a block");
            let pages = 1 << n;
            assert_eq!((block.order(), block.order().pages()), (order(n), pages));
            assert_eq!(block.id().index() as usize % pages, 0);
            assert!(block.id().index() as usize + pages <= pool.capacity());
            assert_eq!(block.len(), pages * pool.page_size());
            assert_eq!(pool.ptr(block.id()).expect("in range").as_ptr(), block.base_ptr());
            assert_eq!(out(pool), pages as u64);
            mark(&mut block, u32::from(n));
            assert!(is_marked(&block, u32::from(n)));
            front.free_block(block);
            assert_eq!(out(pool), 0);
        }
    }

    fn blocks_and_pages_of_all_orders_do_not_overlap<M: Mode, F: Front>(pool, front) {
        let mut random = Random::new(17);
        let mut blocks = Vec::new();
        let mut batch = PageBatch::<M>::new();
        for round in 0..400 {
            match random.below(4) {
                0 => {
                    if let Ok(block) = front.alloc_block(order(random.below(7) as u8)) {
                        blocks.push((block, round));
                    }
                }
                1 if !blocks.is_empty() => {
                    let (block, seed) = blocks.swap_remove(random.below(blocks.len()));
                    assert!(is_marked(&block, seed));
                    if round % 2 == 0 { front.free_block(block) } else { drop(block) }
                }
                2 => _ = front.alloc_bulk(&mut batch, random.below(20)),
                _ => front.free_bulk(&mut batch),
            }
            if let Some((block, seed)) = blocks.last_mut() {
                mark(block, *seed);
            }
            let in_blocks = blocks.iter().flat_map(|(block, _)| {
                (0..block.order().pages() as u32).map(|at| PageId::new(block.id().index() + at))
            });
            let all: Vec<_> = in_blocks.chain(batch.ids().iter().copied()).collect();
            assert!(distinct(&all));
            assert_eq!(out(pool) as usize, all.len());
        }
        assert!(blocks.iter().all(|(block, seed)| is_marked(block, *seed)));
    }

    fn blocks_run_out_and_the_rest_is_pages<M: Mode, F: Front>(pool, front) {
        let mut blocks = Vec::new();
        let short = loop {
            match front.alloc_block(ORDER_6) {
                Ok(block) => blocks.push(block),
                Err(short) => break short,
            }
        };
        assert_eq!((blocks.len(), short), (3, ShortReason::Fragmented));
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 9), BulkAlloc { allocated: 8, reason: Some(ShortReason::Exhausted) });
        assert_eq!(out(pool), 200);
        for n in 0..=6 {
            assert_eq!(front.alloc_block(order(n)).expect_err("all are out"), ShortReason::Exhausted);
        }
        drop(blocks);
        assert_eq!(out(pool), 8);
        assert!(front.alloc_block(ORDER_6).is_ok());
    }

    fn blocks_form_again_from_pages_in_caches<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 200).allocated, 200);
        assert!(front.alloc_block(order(0)).is_err());
        front.free_bulk(&mut batch);
        let blocks: Vec<_> = (0..3).map(|_| front.alloc_block(ORDER_6).expect("a block")).collect();
        assert_eq!(out(pool), 192);
        for block in blocks {
            front.free_block(block);
        }
        assert_eq!(front.alloc_bulk(&mut batch, 200).allocated, 200);
    }

    fn a_block_of_order_0_is_a_page_of_its_own<M: Mode, F: Front>(pool, front) {
        let blocks: Vec<_> = (0..200).map(|_| front.alloc_block(order(0)).expect("a block")).collect();
        assert!(distinct(&blocks.iter().map(Block::id).collect::<Vec<_>>()));
        assert_eq!(front.alloc().expect_err("all are out"), ShortReason::Exhausted);
        assert_eq!(out(pool), 200);
    }
}

fn pages_of_an_idle_cache_make_blocks_wait_for_its_next_call<M: Mode>() {
    let pool = pool::<M>(64);
    let (mut idle, mut busy) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let page = idle.alloc().expect("a page");
    idle.free(page);
    assert_eq!(busy.alloc_block(ORDER_6).expect_err("one page is cached"), ShortReason::Cached);
    assert_eq!(pool.alloc_block(ORDER_6).expect_err("one page is cached"), ShortReason::Cached);
    next_call(&mut idle);
    let block = busy.alloc_block(ORDER_6).expect("all pages are back");
    assert_eq!(block.id(), PageId::new(0));
    drop(block);
    let page = idle.alloc().expect("a page");
    idle.free(page);
    pool.drain();
    next_call(&mut idle);
    assert_eq!(pool.audit().pages.free, 64);
    drop((idle, busy));
    assert_whole(pool);
}

#[test]
fn orders_are_0_to_10() {
    assert_eq!(Order::new(10), Some(Order::MAX));
    assert_eq!(Order::new(11), None);
    assert_eq!((ORDER_6.pages(), Order::MAX.pages()), (64, 1024));
    assert_eq!(order(3).get(), 3);
}

every_mode!(
    a_block_is_contiguous_and_aligned_to_its_size,
    blocks_and_pages_of_all_orders_do_not_overlap,
    blocks_run_out_and_the_rest_is_pages,
    blocks_form_again_from_pages_in_caches,
    a_block_of_order_0_is_a_page_of_its_own,
    pages_of_an_idle_cache_make_blocks_wait_for_its_next_call,
);
