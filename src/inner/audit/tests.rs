//! Words of pages that are out: which of them can be.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use crate::inner::tests::build;
use crate::mode::{Checked, Hardened, Mode, Policy};
use crate::page::{Order, PageId};
use crate::pool::Pool;

fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder.max_caches(1).shared_caches(0))
}

fn corrupt<M: Mode>(pool: &Pool<M>) -> Option<u64> {
    pool.audit().corrupt
}

/// Blocks that are out, one of which does not begin with the first page.
fn a_page_of_a_block_has_its_first_page_before_it<M: Mode>() {
    let pool = pool::<M>();
    let order = Order::new(2).expect("legal");
    let mut cache = pool.cache().expect("a cache");
    let blocks: Vec<_> = (0..3).map(|_| cache.alloc_block_raw(order).expect("a block")).collect();
    let second = blocks[1];
    assert!(second.index() >= 4);
    assert_eq!(corrupt(&pool), Some(0));
    // The pages behind the first of a block are nobody's without it.
    pool.core.word(second).join_block(false, order);
    assert_eq!(corrupt(&pool), Some(4));
    // Nor are they if it is of another order.
    pool.core.word(second).join_block(true, Order::new(1).expect("legal"));
    assert_eq!(corrupt(&pool), Some(3));
    pool.core.word(second).join_block(true, order);
    assert_eq!(corrupt(&pool), Some(0));
    forget((cache, pool));
}

fn a_block_is_where_one_of_its_order_can_be<M: Mode>() {
    let pool = pool::<M>();
    let order = |order| Order::new(order).expect("legal");
    let first = pool.alloc_block_raw(order(3)).expect("a block");
    assert_eq!(corrupt(&pool), Some(0));
    let cut = |into, corrupt_then: u64| {
        pool.core.word(PageId::new(first.index() + 4)).join_block(true, order(into));
        assert_eq!(corrupt(&pool), Some(corrupt_then), "order {into}");
    };
    cut(0, 0);
    cut(2, 0);
    cut(3, 1);
    forget(pool);
}

fn a_page_that_is_out_names_a_place_that_there_is<M: Mode>() {
    let pool = pool::<M>();
    let mut room = [MaybeUninit::uninit(); 4];
    let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
    assert_eq!(corrupt(&pool), Some(0));
    let last = pool.core.magazines.count() * 8;
    for (location, bad) in [(8, 0), (last - 1, 0), (last, 1), (3, 1), (0, 0)] {
        let word = pool.core.word(ids[1]);
        word.rest(location);
        assert!(!M::CLAIMS || word.claim(location));
        assert_eq!(corrupt(&pool), Some(bad), "{location}");
    }
    forget(pool);
}

#[test]
fn words_of_pages_that_are_out_are_told_from_lies() {
    a_page_of_a_block_has_its_first_page_before_it::<Checked>();
    a_page_of_a_block_has_its_first_page_before_it::<Hardened>();
    a_block_is_where_one_of_its_order_can_be::<Checked>();
    a_page_that_is_out_names_a_place_that_there_is::<Checked>();
    a_page_that_is_out_names_a_place_that_there_is::<Hardened>();
}
