//! Bytes that lie.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use crate::inner::tests::build;
use crate::mode::Compact;
use crate::page::{Mark, Order, PageId};
use crate::pool::Pool;

fn pool() -> Pool<Compact> {
    build(|builder| builder.max_caches(1).shared_caches(0))
}

#[test]
fn the_byte_of_a_page_behind_the_first_of_a_block_needs_that() {
    let pool = pool();
    let order = Order::new(2).expect("legal");
    let blocks: Vec<_> = (0..3).map(|_| pool.alloc_block_raw(order).expect("a block")).collect();
    let first = *blocks.iter().find(|first| first.index() >= 4).expect("there are three");
    let corrupt = || pool.audit().corrupt;
    assert_eq!(corrupt(), Some(0));
    pool.core.set_mark(first, Mark::Out);
    assert_eq!(corrupt(), Some(3));
    pool.core.set_mark(first, Mark::Block(Order::new(1).expect("legal")));
    assert_eq!(corrupt(), Some(3));
    pool.core.set_mark(first, Mark::Block(order));
    assert_eq!(corrupt(), Some(0));
    forget(pool);
}

/// In the zone, and in a magazine.
#[test]
fn a_free_page_whose_byte_lies_is_misplaced_and_does_not_leave() {
    let pool = pool();
    let mut room = [MaybeUninit::uninit(); 100];
    let mut cache = pool.cache().expect("a cache");
    let ids = cache.alloc_bulk_raw(&mut room[..8]).0.to_vec();
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
    assert_eq!(pool.audit().misplaced, Some(0));
    pool.core.set_mark(ids[2], Mark::Out);
    assert_eq!(pool.audit().misplaced, Some(1));
    let zone = PageId::new(99);
    assert!(pool.core.zone.holds(zone));
    pool.core.set_mark(zone, Mark::Lent);
    assert_eq!(pool.audit().misplaced, Some(2));
    cache.drain();
    let got = cache.alloc_bulk_raw(&mut room).0;
    assert!(got.len() == 98 && !got.contains(&zone) && !got.contains(&ids[2]));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pages.bad == 2, "{pages}");
    forget((cache, pool));
}

#[test]
fn a_fork_counts_as_bad_what_is_withheld_and_not_free() {
    let pool = pool();
    let marks = [3, 4, 5].map(PageId::new);
    // The first two are taken out of the zone, and the third is still there.
    assert_eq!(pool.core.zone.take_range(marks[0], 2, |_| ()), 2);
    marks.iter().for_each(|&id| pool.core.set_mark(id, Mark::Bad));
    pool.core.recount_bad();
    assert_eq!(pool.core.bad(), 2);
    forget(pool);
}
