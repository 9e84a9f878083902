//! Why there is no block.

use core::mem::{MaybeUninit, forget};

use crate::depot::Stack;
use crate::error::ShortReason;
use crate::inner::tests::build;
use crate::inner::{Faults, Step};
use crate::mode::{Bare, Checked};
use crate::page::{Fault, GivenUp, Order, PageId};
use crate::sync::Ordering;
use crate::zone::Floor;

/// A pool of 100 pages, so many of which lie in the depot and the others are out, and why it has no block of an order
/// for a call that has got so many.
fn why(in_depot: usize, order: u8, got: usize) -> ShortReason {
    let pool = build::<Bare>(|builder| builder.max_caches(1).shared_caches(0));
    let ids = pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 100]).0.to_vec();
    for ids in ids[..in_depot].chunks(8) {
        let empty = pool.core.depots.first().pop::<Bare>(&pool.core.magazines, Stack::Empty);
        let mut open = pool.core.magazines.open::<Bare>(empty.expect("one for each eight"));
        open.as_mut().room(ids.len()).push_unchecked(ids);
        let (full, len) = open.close::<Bare>(&pool.core.magazines);
        pool.core.depots.first().push(&pool.core.magazines, full, len, Stack::Nonempty);
        pool.core.count_given(ids.len());
        pool.core.count_uncached_free(ids.len());
    }
    let why =
        pool.core.no_block(None, Order::new(order).expect("legal"), got, Step::first(Floor::None));
    forget(pool);
    why
}

#[test]
fn only_free_pages_can_be_too_scattered_for_a_block() {
    let pool = build::<Bare>(|builder| builder.max_caches(1).shared_caches(0));
    let why_of = |order| {
        let order = Order::new(order).expect("legal");
        pool.core.no_block(None, order, 0, Step::first(Floor::None))
    };
    assert_eq!(why_of(1), ShortReason::Fragmented);
    assert_eq!(why_of(0), ShortReason::Busy, "a block of one page is a page");
    forget(pool);
    assert_eq!(why(0, 1, 0), ShortReason::Exhausted);
    // What lies in the depot could have been had a moment ago.
    assert_eq!([why(24, 1, 0), why(24, 3, 2)], [ShortReason::Busy; 2]);
    assert_eq!(why(24, 3, 3), ShortReason::Exhausted, "all others are the call's own");
}

/// Enough for a page, and too few for a block.
#[test]
fn a_block_is_not_had_of_pages_that_are_kept() {
    let pool = build::<Bare>(|builder| builder.max_caches(1).shared_caches(0).low(20));
    let mut room = [MaybeUninit::uninit(); 77];
    assert_eq!(pool.alloc_bulk_raw(&mut room).0.len(), 77);
    let keeps = |pages| pool.core.keeps(Floor::Low, pages);
    assert_eq!([1, 3, 4, 23, 24].map(keeps), [false, false, true, true, false]);
    let why =
        |floor| pool.core.no_block(None, Order::new(2).expect("legal"), 0, Step::first(floor));
    assert_eq!(why(Floor::Low), ShortReason::Watermark);
    assert_eq!(why(Floor::None), ShortReason::Fragmented);
    forget(pool);
}

/// A cache that was asked takes as many blocks as it wants, and all but the last page.
#[test]
fn a_call_for_blocks_leaves_a_page_to_who_is_dry() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut blocks = |order: u8, n: usize| {
        pool.core.slots[0].requests.ask_more(8);
        let mut room = [MaybeUninit::uninit(); 100];
        let order = Order::new(order).expect("legal");
        let (got, reason) = cache.alloc_blocks_bulk_raw(order, &mut room[..n]);
        (got.len(), reason)
    };
    assert_eq!(blocks(3, 10), (10, None));
    assert_eq!(blocks(2, 5), (4, Some(ShortReason::Busy)));
    forget((cache, pool));
}

/// Some blocks are whole, and others are once a cache has given up what it holds.
#[test]
fn a_call_for_blocks_gets_no_more_than_it_wants() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0).depots(1));
    let mut cache = pool.cache().expect("a cache");
    let mut room = [MaybeUninit::uninit(); 64];
    let ids = cache.alloc_bulk_raw(&mut room).0.to_vec();
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
    assert_eq!(pool.core.cached(), 64);
    let mut room = [MaybeUninit::uninit(); 10];
    let (got, reason) = cache.alloc_blocks_bulk_raw(Order::new(3).expect("legal"), &mut room);
    assert_eq!((got.len(), reason), (10, None));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pages.out == 80, "{pages}");
    forget((cache, pool));
}

/// What was not put back, because it was there already, is not counted as given.
#[test]
fn a_block_counts_as_given_as_far_as_it_came_back() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let (core, order) = (&*pool.core, Order::new(3).expect("legal"));
    let first = pool.alloc_block_raw(order).expect("a block");
    let given = || core.counters.given.load(Ordering::Relaxed);
    let third = PageId::new(first.index() + 2);
    assert_eq!((given(), core.zone.put(&[third], |_| unreachable!("it is out"))), (0, 1));
    assert_eq!((core.free_block(first, order, &mut Faults::default()), given()), (7, 7));
    // Nor are single pages.
    let ids = pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 3]).0.to_vec();
    core.word(ids[1]).withhold(Fault::Corrupt);
    let before = given();
    // SAFETY: they are this call's, and addresses only.
    let ids = unsafe { GivenUp::new(&ids) };
    assert_eq!(core.free_without_slot(ids, &mut Faults::default()), 2);
    assert_eq!(given() - before, 2);
    forget(pool);
}
