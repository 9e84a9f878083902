//! Blocks that are split, and whose pieces go their ways.

use crate::common::*;

on_both_fronts! {
    fn pages_of_a_block_are_freed_in_any_order<M: Mode, F: Front>(pool, front) {
        let mut block = front.alloc_block(order(5)).expect("a block");
        mark(&mut block, 9);
        let (first, bytes) = (block.id().index(), block.to_vec());
        let mut pages: Vec<_> = block.into_pages().collect();
        assert!(pages.iter().map(|page| page.id().index()).eq(first..first + 32));
        assert!(pages.iter().flat_map(|page| page.iter()).eq(&bytes), "bytes stay as they are");
        assert_eq!(out(pool), 32);
        assert_adds_up(pool);
        let mut random = Random::new(3);
        while !pages.is_empty() {
            let page = pages.swap_remove(random.below(pages.len()));
            if random.below(2) == 0 { front.free(page) } else { drop(page) }
            assert_adds_up(pool);
        }
        assert_eq!(out(pool), 0);
        // They form a block again.
        assert!(front.alloc_block(ORDER_6).is_ok());
    }

    fn smaller_blocks_are_freed_one_by_one<M: Mode, F: Front>(pool, front) {
        let block = front.alloc_block(ORDER_6).expect("a block");
        let first = block.id().index();
        let mut blocks: Vec<_> = block.split(order(2)).expect("smaller").collect();
        assert!(blocks.iter().map(|block| block.id().index()).eq((first..first + 64).step_by(4)));
        assert!(blocks.iter().all(|block| block.order() == order(2) && block.len() == 4 * 256));
        assert_adds_up(pool);
        drop(blocks.split_off(9));
        front.free_block(blocks.remove(4));
        // A piece is split again.
        let pages = blocks.remove(3).into_pages();
        assert_eq!(out(pool), 8 * 4);
        drop(pages);
        assert_eq!(out(pool), 7 * 4);
        let same = blocks.remove(2).split(order(2)).expect("not larger").next().expect("one");
        assert_eq!(same.order(), order(2));
        let ones = same.split(order(0)).expect("smaller");
        assert_eq!(ones.len(), 4);
        let too_large = blocks.remove(1).split(order(3)).expect_err("larger");
        assert_eq!((too_large.order(), out(pool)), (order(2), 7 * 4));
        drop((ones, too_large, blocks));
        assert_eq!(out(pool), 0);
    }

    fn pieces_that_are_not_taken_are_freed<M: Mode, F: Front>(pool, front) {
        let mut pages = front.alloc_block(order(4)).expect("a block").into_pages();
        let (first, last) = (pages.next().expect("16"), pages.next_back().expect("16"));
        assert_eq!((pages.len(), last.id().index() - first.id().index()), (14, 15));
        assert_eq!(format!("{pages:?}").matches(',').count(), 13);
        drop(pages);
        assert_eq!(out(pool), 2);
        let mut blocks = front.alloc_block(order(4)).expect("a block").split(order(2)).expect("smaller");
        let block = blocks.nth(1).expect("four");
        assert_eq!((blocks.len(), out(pool)), (2, 2 + 12));
        assert!(blocks.by_ref().rev().map(|block| block.id()).is_sorted_by(|a, b| a > b));
        assert!(blocks.next().is_none() && blocks.next_back().is_none());
        drop((blocks, block, first, last));
    }

    fn raw_pieces_are_freed_in_any_order<M: Mode, F: Front>(pool, front) {
        let first = front.alloc_block_raw(ORDER_6).expect("a block");
        let ids = block_ids(first, ORDER_6);
        // SAFETY: nobody else has the block, or its pieces.
        unsafe {
            pool.split_block_raw(first, ORDER_6, Some(order(4))).expect("a block");
            pool.split_block_raw(ids[16], order(4), None).expect("a piece");
            pool.split_block_raw(ids[32], order(4), Some(order(0))).expect("a piece");
            pool.split_block_raw(ids[48], order(4), Some(order(4))).expect("a piece");
        }
        assert_adds_up(pool);
        // SAFETY: as above.
        unsafe {
            front.free_block_raw(ids[48], order(4)).expect("a piece");
            front.free_bulk_raw(&[ids[31], ids[16], ids[20]]).expect("pages");
            front.free_block_raw(ids[0], order(4)).expect("a piece");
            for &id in ids[32..48].iter().rev() {
                front.free_block_raw(id, order(0)).expect("a block of one page");
            }
            let rest: Vec<_> = ids[17..31].iter().copied().filter(|id| *id != ids[20]).collect();
            front.free_bulk_raw(&rest).expect("pages");
        }
        assert_eq!(out(pool), 0);
    }
}

fn a_large_block_is_split_into_pages_and_blocks<M: Mode>() {
    let pool = pool::<M>(1024);
    for into in 0..=10 {
        let block = pool.alloc_block(Order::MAX).expect("a block");
        let blocks: Vec<_> = block.split(order(into)).expect("not larger").collect();
        assert_eq!(blocks.len(), 1024 >> into);
        assert_adds_up(&pool);
        blocks.into_iter().rev().for_each(drop);
        assert_eq!(out(&pool), 0);
    }
    let pages: Vec<_> = pool.alloc_block(Order::MAX).expect("a block").into_pages().collect();
    let (odd, even): (Vec<_>, Vec<_>) = pages.into_iter().partition(|it| it.id().index() % 2 == 1);
    drop((even, odd));
    assert_whole(pool);
}

/// A page that was part of a block is one like any other.
fn pages_of_a_block_are_lent_and_come_in_batches<M: Mode>() {
    let pool = pool::<M>(64);
    let mut pages = pool.alloc_block(order(3)).expect("a block").into_pages();
    let lent = pages.next().expect("a page").lend();
    let mut batch = PageBatch::<M>::new();
    batch.try_extend(pages).expect("room");
    assert_eq!((batch.len(), pool.audit().pages.lent), (7, 1));
    // SAFETY: the page is lent, and no device uses it.
    let page = unsafe { pool.reclaim(lent) }.expect("lent");
    assert_adds_up(&pool);
    pool.free_bulk(&mut batch);
    drop(page);
    assert_whole(pool);
}

fn pages_of_a_block_are_shared<M: Refcounted>() {
    let pool = pool::<M>(64);
    let shared: Vec<_> = pool
        .alloc_block(order(3))
        .expect("a block")
        .into_pages()
        .map(|page| {
            let page = page.into_shared();
            (page.clone(), page)
        })
        .collect();
    assert!(shared.iter().all(|(page, _)| page.refcount() == 2));
    assert_adds_up(&pool);
    drop(shared);
    assert_whole(pool);
}

every_refcounted_mode!(pages_of_a_block_are_shared);

/// Pieces outlive the handles, as other owners do.
fn pieces_outlive_the_pool<M: Mode>() {
    let pool = pool::<M>(64);
    let mut blocks = pool.alloc_block(ORDER_6).expect("a block").split(order(4)).expect("smaller");
    drop(pool);
    let mut first = blocks.next().expect("four");
    mark(&mut first, 1);
    let pages = blocks.next().expect("four").into_pages();
    drop(blocks);
    assert!(is_marked(&first, 1));
    drop((first, pages));
}

every_mode!(
    pages_of_a_block_are_freed_in_any_order,
    smaller_blocks_are_freed_one_by_one,
    pieces_that_are_not_taken_are_freed,
    raw_pieces_are_freed_in_any_order,
    a_large_block_is_split_into_pages_and_blocks,
    pages_of_a_block_are_lent_and_come_in_batches,
    pieces_outlive_the_pool,
);
