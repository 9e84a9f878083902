//! Free pages that are not where their word says: counted wherever they lie, each place once, and no other page.

extern crate std;

use core::alloc::Layout;
use core::mem::MaybeUninit;
use std::vec::Vec;

use crate::error::Fault;
use crate::mode::{Checked, Hardened, Mode, NoRefcount};
use crate::page::{PageId, Place, ZONE};
use crate::pool::{Cache, Pool};

/// Pages of the pool.
const PAGES: u32 = 100;

fn leaked(layout: Layout) -> &'static mut [MaybeUninit<u8>] {
    // SAFETY: the callers' layouts have a size.
    let start = unsafe { std::alloc::alloc_zeroed(layout) };
    assert!(!start.is_null());
    // SAFETY: just allocated with this size, and never freed.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), layout.size()) }
}

/// A pool with pages in the zone, in the depot, at hand in a cache, and 20 that are out.
fn scene<M: Mode>() -> (Pool<M>, Cache<M>, Vec<PageId>) {
    let builder = Pool::builder(PAGES as usize).page_size(64).magazine(4).caches(1).mode::<M>();
    let metadata = leaked(builder.metadata_layout().expect("a layout"));
    let region = leaked(Layout::from_size_align(PAGES as usize * 64, 64).expect("a layout"));
    // SAFETY: both are leaked, and nobody else uses them.
    let pool = unsafe { builder.build_in(region.as_mut_ptr().cast(), metadata) }.expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut out = [MaybeUninit::uninit(); 60];
    let mut ids = cache.alloc_bulk_raw(&mut out).0.to_vec();
    let back = ids.split_off(20);
    // SAFETY: the pages are out, and nobody uses them.
    unsafe { cache.free_bulk_raw(&back) }.expect("pages that are out");
    assert_eq!(pool.audit().misplaced, Some(0));
    (pool, cache, ids)
}

/// Every place that has a page, and the page.
fn places<M: Mode>(pool: &Pool<M>) -> Vec<(Place, PageId)> {
    let core = &*pool.core;
    let in_magazines = core.magazines.places().map(|place| (place, core.magazines.get(place)));
    let pages = (0..PAGES).map(PageId::new);
    in_magazines.chain(pages.filter(|&id| core.zone.holds(id)).map(|id| (ZONE, id))).collect()
}

fn a_word_that_names_another_place_is_counted<M: Mode>() {
    let (pool, cache, _) = scene::<M>();
    let places = places(&pool);
    assert_eq!(places.len(), 80);
    assert!(places.iter().filter(|&&(place, _)| place != ZONE).count() >= 40);
    for (broken, &(place, id)) in (1..).zip(&places) {
        let word = pool.core.word(id);
        for wrong in [0, place.wrapping_sub(1), ZONE - 1] {
            word.rest(wrong);
            assert_eq!(pool.audit().misplaced, Some(broken), "{id} at {place}, not {wrong}");
        }
        word.rest(place);
        assert_eq!(pool.audit().misplaced, Some(broken - 1), "{id} at {place}");
        // The place is right, and nothing else is.
        word.withhold(Fault::Corrupt);
        assert_eq!(pool.audit().misplaced, Some(broken), "{id} is withheld at {place}");
    }
    // Nothing can be done with such a pool.
    core::mem::forget((pool, cache));
}

fn a_page_in_two_places_is_counted_once<M: Mode>() {
    let (pool, cache, _) = scene::<M>();
    let in_magazines = places(&pool).into_iter().filter(|&(place, _)| place != ZONE);
    for (twice, (_, id)) in (1..).zip(in_magazines) {
        assert_eq!(pool.core.zone.put(&[id], |_| {}), 1);
        assert_eq!(pool.audit().misplaced, Some(twice), "{id}");
    }
    core::mem::forget((pool, cache));
}

fn a_number_that_is_no_page_s_is_counted<M: Mode>() {
    let (pool, cache, _) = scene::<M>();
    let slot = &pool.core.slots[0];
    // SAFETY: nobody uses the slot meanwhile.
    let hand = [&slot.loaded, &slot.spare].into_iter().find(|hand| unsafe { hand.len() } > 0);
    let hand = hand.expect("pages at hand");
    for id in [PAGES, u32::MAX] {
        // SAFETY: as above.
        unsafe { hand.put(hand.start(), PageId::new(id)) };
        assert_eq!(pool.audit().misplaced, Some(1), "{id}");
    }
    core::mem::forget((pool, cache));
}

fn a_page_that_is_out_is_nowhere<M: Mode>() {
    let (pool, cache, ids) = scene::<M>();
    for id in ids {
        for place in [0, 5, ZONE] {
            pool.core.word(id).rest(place);
            assert_eq!(pool.audit().misplaced, Some(0), "{id}");
        }
    }
    core::mem::forget((pool, cache));
}

macro_rules! in_checking_modes {
    ($($body:ident),+ $(,)?) => {
        mod tests {
            $(#[test]
            fn $body() {
                super::$body::<super::NoRefcount>();
                super::$body::<super::Checked>();
                super::$body::<super::Hardened>();
            })+
        }
    };
}

in_checking_modes!(
    a_word_that_names_another_place_is_counted,
    a_page_in_two_places_is_counted_once,
    a_number_that_is_no_page_s_is_counted,
    a_page_that_is_out_is_nowhere,
);
