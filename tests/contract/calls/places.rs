//! Pages and blocks that are asked for by their numbers.

use crate::common::*;

fn id(index: u32) -> PageId {
    PageId::new(index)
}

/// What is said, while caches hold pages: a mode without checks cannot tell which.
fn told<M: Mode>(reason: PlaceReason) -> PlaceReason {
    if M::CHECKS { reason } else { PlaceReason::OutOrCached }
}

on_both_fronts! {
    fn a_page_is_had_at_its_place<M: Mode, F: Front>(pool, front) {
        let mut pages = Vec::new();
        for index in [199, 0, 64, 63, 100] {
            let mut page = front.alloc_at(id(index)).expect("it is free");
            assert_eq!(page.id(), id(index));
            mark(&mut page, index);
            pages.push(page);
        }
        assert_eq!(out(pool), 5);
        assert_adds_up(pool);
        for page in &pages {
            let error = front.alloc_at(page.id()).expect_err("it is out");
            assert_eq!((error.page, error.reason), (page.id(), PlaceReason::Out));
            assert!(is_marked(page, page.id().index()));
        }
        assert_eq!(front.alloc_at(id(200)).expect_err("none").reason, PlaceReason::OutOfRange);
        // Nobody else gets them.
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 200).allocated, 195);
        assert!(pages.iter().all(|page| !batch.ids().contains(&page.id())));
    }

    fn a_block_is_had_at_its_place<M: Mode, F: Front>(pool, front) {
        let mut block = front.alloc_block_at(id(128), ORDER_6).expect("it is free");
        assert_eq!((block.id(), block.order(), out(pool)), (id(128), ORDER_6, 64));
        mark(&mut block, 1);
        let page = front.alloc_at(id(13)).expect("it is free");
        for (first, n, wrong, reason) in [
            (8, 3, 13, PlaceReason::Out),
            (128, 3, 128, PlaceReason::Out),
            (0, 7, 13, PlaceReason::Out),
            (4, 3, 4, PlaceReason::NotABlock { order: 3 }),
            (192, 4, 192, PlaceReason::NotABlock { order: 4 }),
            (200, 0, 200, PlaceReason::OutOfRange),
        ] {
            let error = front.alloc_block_at(id(first), order(n)).expect_err("it cannot be");
            assert_eq!((error.page, error.reason), (id(wrong), reason));
        }
        assert_eq!(out(pool), 65);
        assert_adds_up(pool);
        let small = front.alloc_block_at(id(8), order(2)).expect("it is free");
        drop((block, page, small));
        let block = front.alloc_block_at(id(0), order(7)).expect("all are back");
        assert_eq!(block.len(), 128 * pool.page_size());
        front.free_block(block);
    }

    fn what_is_cached_is_drained_first<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 200).allocated, 200);
        front.free_bulk(&mut batch);
        let page = front.alloc_at(id(77)).expect("it is free");
        let block = front.alloc_block_at(id(0), ORDER_6).expect("it is free");
        assert_eq!((page.id(), block.id(), out(pool)), (id(77), id(0), 65));
    }

    fn raw_pages_and_blocks_are_had_at_their_places<M: Mode, F: Front>(pool, front) {
        assert_eq!(front.alloc_at_raw(id(5)), Ok(()));
        assert_eq!(front.alloc_block_at_raw(id(16), order(4)), Ok(()));
        assert_eq!(out(pool), 17);
        let error = front.alloc_at_raw(id(17)).expect_err("out, in a block");
        assert_eq!(error, front.alloc_at(id(17)).expect_err("out, in a block"));
        assert_eq!(error.reason, PlaceReason::Out);
        // SAFETY: nobody else has the page, or the block.
        unsafe {
            assert_eq!(front.free_bulk_raw(&[id(5)]), Ok(()));
            assert_eq!(front.free_block_raw(id(16), order(4)), Ok(()));
        }
        assert_eq!(out(pool), 0);
    }
}

fn a_page_in_anothers_cache_is_had_after_its_next_call<M: Mode>() {
    let pool = pool::<M>(64);
    let (mut other, mut cache) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let (page, another) = (other.alloc().expect("a page"), other.alloc().expect("a page"));
    let cached = page.id();
    other.free(another);
    let error = cache.alloc_at(cached).expect_err("it is out");
    assert_eq!(error.reason, told::<M>(PlaceReason::Out));
    other.free(page);
    let reason = told::<M>(PlaceReason::Cached);
    for _ in 0..2 {
        let error = cache.alloc_at(cached).expect_err("it is cached");
        assert_eq!((error.page, error.reason), (cached, reason));
    }
    assert_eq!(pool.alloc_block_at(id(0), ORDER_6).expect_err("it is cached").reason, reason);
    next_call(&mut other);
    assert_eq!(cache.alloc_at(cached).expect("the cache has answered").id(), cached);
    drop((other, cache));
    assert_whole(pool);
}

fn a_page_of_an_idle_cache_is_had<M: Mode>() {
    let pool = pool::<M>(64);
    let mut other = pool.cache().expect("a cache");
    let page = other.alloc().expect("a page");
    let cached = page.id();
    other.free(page);
    let page = other.idle(|| pool.alloc_at(cached)).expect("nobody uses the cache");
    assert_eq!(page.id(), cached);
    drop((page, other));
    assert_whole(pool);
}

fn a_lent_page_is_said_to_be<M: Mode>() {
    let pool = pool::<M>(64);
    let lent = pool.alloc_at(id(9)).expect("it is free").lend();
    let reason = if M::CHECKS { PlaceReason::Lent } else { PlaceReason::Out };
    assert_eq!(pool.alloc_at(lent).expect_err("it is lent").reason, reason);
    assert_eq!(pool.alloc_block_at(id(8), order(1)).expect_err("one is lent").page, lent);
    // SAFETY: the page is lent, and no device uses it.
    drop(unsafe { pool.reclaim(lent) }.expect("lent"));
    assert_whole(pool);
}

#[cfg(feature = "std")]
fn a_pool_of_addresses_has_places_and_blocks<M: Mode>() {
    let region = Region::addresses(1 << 30, 2048 * 256);
    let pool = build::<M>(2048, |builder| builder.region(region));
    let mut cache = pool.cache().expect("a cache");
    let refused = PlaceReason::AddressOnly;
    assert_eq!(cache.alloc_at(id(3)).expect_err("no bytes").reason, refused);
    assert_eq!(pool.alloc_block_at(id(0), order(3)).expect_err("no bytes").reason, refused);
    let mut none = [const { None }; 2];
    let bulk = BulkAlloc { allocated: 0, reason: Some(ShortReason::AddressOnly) };
    assert_eq!(BulkAlloc::from(cache.alloc_blocks_bulk(order(3), &mut none)), bulk);
    assert_eq!(pool.alloc_at_raw(id(1030)), Ok(()));
    let first = cache.alloc_block_raw(Order::MAX).expect("a block");
    assert_eq!((first, out(&pool)), (id(0), 1025));
    assert_eq!(pool.alloc_block_at_raw(id(1536), order(9)), Ok(()));
    // SAFETY: nobody else has the pages.
    unsafe {
        pool.split_block_raw(first, Order::MAX, Some(order(9))).expect("a block");
        cache.free_block_raw(id(512), order(9)).expect("a piece");
        pool.free_block_raw(first, order(9)).expect("a piece");
        pool.free_block_raw(id(1536), order(9)).expect("a block");
        cache.free_bulk_raw(&[id(1030)]).expect("a page");
    }
    drop(cache);
    assert_whole(pool);
}

every_mode!(
    a_page_is_had_at_its_place,
    a_block_is_had_at_its_place,
    what_is_cached_is_drained_first,
    raw_pages_and_blocks_are_had_at_their_places,
    a_page_in_anothers_cache_is_had_after_its_next_call,
    a_page_of_an_idle_cache_is_had,
    a_lent_page_is_said_to_be,
);

#[cfg(feature = "std")]
mod with_std {
    use super::*;

    every_mode!(a_pool_of_addresses_has_places_and_blocks);
}
