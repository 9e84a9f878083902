//! Why there is no block.

use core::mem::{MaybeUninit, forget};

use crate::depot::Stack;
use crate::error::ShortReason;
use crate::inner::tests::build;
use crate::mode::Bare;
use crate::page::Order;
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
    let why = pool.core.no_block(None, Order::new(order).expect("legal"), got, Floor::None);
    forget(pool);
    why
}

#[test]
fn only_free_pages_can_be_too_scattered_for_a_block() {
    let pool = build::<Bare>(|builder| builder.max_caches(1).shared_caches(0));
    let why_of = |order| {
        let order = Order::new(order).expect("legal");
        pool.core.no_block(None, order, 0, Floor::None)
    };
    assert_eq!(why_of(1), ShortReason::Fragmented);
    assert_eq!(why_of(0), ShortReason::Busy, "a block of one page is a page");
    forget(pool);
    assert_eq!(why(0, 1, 0), ShortReason::Exhausted);
    // What lies in the depot could have been had a moment ago.
    assert_eq!([why(24, 1, 0), why(24, 3, 2)], [ShortReason::Busy; 2]);
    assert_eq!(why(24, 3, 3), ShortReason::Exhausted, "all others are the call's own");
}
