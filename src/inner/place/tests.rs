//! Why a page cannot be had by its number.

use core::mem::{MaybeUninit, forget};

use crate::error::{PlaceError, PlaceReason};
use crate::inner::tests::build;
use crate::mode::Checked;
use crate::page::{Fault, Order, PageId};
use crate::zone::Floor;

#[test]
fn a_page_that_is_withheld_is_told_from_one_that_is_out() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let page = PageId::new(9);
    let at = || pool.core.alloc_at(None, page, None, Floor::None).map_err(|error| error.reason);
    assert_eq!((at(), at()), (Ok(()), Err(PlaceReason::Out)));
    pool.core.word(page).withhold(Fault::Corrupt);
    assert_eq!(at(), Err(PlaceReason::Withheld));
    forget(pool);
}

/// A call that was asked leaves the last page to others, be it the one that is named.
#[test]
fn the_last_page_is_left_to_who_is_dry() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut at = |page: u32, order| {
        pool.core.slots[0].requests.ask_more(8);
        let mut owner = cache.owner_mut().enter();
        let slot = owner.as_mut().take_back().expect("nobody takes from it");
        pool.core.alloc_at(Some(slot), PageId::new(page), order, Floor::None)
    };
    assert_eq!(at(0, Order::new(6)), Ok(()));
    assert_eq!(at(64, Order::new(5)), Ok(()));
    for page in 96..99 {
        assert_eq!(at(page, None), Ok(()));
    }
    let busy = PlaceError { page: PageId::new(99), reason: PlaceReason::Busy };
    assert_eq!((at(99, None), at(99, None)), (Err(busy), Ok(())), "not twice in a row");
    forget((cache, pool));
}

#[test]
fn pages_below_a_mark_are_kept_whoever_names_them() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0).low(20));
    let mut room = [MaybeUninit::uninit(); 100];
    assert_eq!(pool.alloc_bulk_raw(&mut room).0.len(), 80);
    let last = (0..100).map(PageId::new).find(|&id| pool.core.zone.holds(id)).expect("20 are");
    let at = |floor| pool.core.alloc_at(None, last, None, floor).map_err(|error| error.reason);
    assert_eq!(at(Floor::Low), Err(PlaceReason::Watermark));
    assert_eq!((at(Floor::None), at(Floor::Low)), (Ok(()), Err(PlaceReason::Out)));
    forget(pool);
}

#[test]
fn a_page_that_has_just_come_back_is_in_another_call() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    assert_eq!(pool.core.where_is(PageId::new(50)), PlaceReason::Busy);
    forget(pool);
}
