//! What only the core's own words show: lies in them, and how many magazines a pool has.

extern crate std;

use core::mem::MaybeUninit;
use core::ptr::without_provenance_mut;

use super::Config;
use crate::builder::Builder;
use crate::cache::Slot;
use crate::mode::{Checked, Hardened, Mode};
use crate::page::{PageId, ZONE};
use crate::pool::Pool;
use crate::region::Region;

/// A pool of 100 pages that are addresses only, with magazines of 8, in leaked memory.
fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder)
}

/// As `pool`, built as `how` says.
fn build<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    let region = Region::addresses(4096, 100 * 256);
    let builder = Pool::builder(100).page_size(256).magazine(8).mode::<M>().region(region);
    let builder = how(builder);
    let layout = builder.metadata_layout().expect("a legal pool");
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc_zeroed(layout) };
    assert!(!block.is_null());
    // SAFETY: the block has this size, is initialised, and never freed.
    let metadata = unsafe { core::slice::from_raw_parts_mut(block.cast(), layout.size()) };
    // SAFETY: the pages are never touched.
    unsafe { builder.build_in(without_provenance_mut(4096), metadata) }.expect("a pool")
}

#[test]
fn every_free_page_whose_word_lies_is_counted() {
    let pool = pool::<Checked>();
    let mut cache = pool.cache().expect("a cache");
    let mut out = [MaybeUninit::uninit(); 6];
    let (ids, short) = cache.alloc_bulk_raw(&mut out);
    assert_eq!((ids.len(), short), (6, None));
    // SAFETY: four pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids[..4]) }, Ok(()));
    let misplaced = || pool.audit().misplaced;
    assert_eq!(misplaced(), Some(0));
    // Of a page that is out, the word may name any place.
    pool.core.word(ids[5]).rest(ZONE);
    assert_eq!(misplaced(), Some(0));
    // In the cache.
    pool.core.word(ids[0]).rest(ZONE);
    assert_eq!(misplaced(), Some(1));
    // In the zone.
    pool.core.word(PageId::new(98)).rest(1);
    assert_eq!(misplaced(), Some(2));
    pool.core.word(PageId::new(99)).rest(1);
    assert_eq!(misplaced(), Some(3));
    core::mem::forget(cache);
    core::mem::forget(pool);
}

#[test]
fn a_pool_has_two_magazines_for_each_slot_and_the_depots() {
    let config = |pages, magazine| Config {
        pages,
        page_size: 4096,
        owned_slots: 3,
        shared_slots: 2,
        magazine,
        colours: 1,
        panics: false,
    };
    assert_eq!(config(1, 1).slots(), 5);
    assert_eq!(config(1000, 8).magazines(), 10 + 125 + 5);
    assert_eq!(config(1001, 8).magazines(), 10 + 126 + 5);
    // The depot holds 65,536 pages at the most, and no more magazines than its word can name.
    assert_eq!(config(1 << 20, 256).magazines(), 10 + 256 + 5);
    assert_eq!(config(1 << 20, 1).magazines(), 0xffff);
}

/// Pages are freed into the depot, and two of their words are changed there: the two are withheld when they would leave,
/// and only they.
#[test]
fn a_page_of_the_depot_whose_word_lies_is_withheld_when_it_leaves() {
    let pool = pool::<Hardened>();
    let mut cache = pool.cache().expect("a cache");
    let mut out = [MaybeUninit::uninit(); 100];
    let (ids, short) = cache.alloc_bulk_raw(&mut out);
    assert_eq!((ids.len(), short), (100, None));
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
    for id in &ids[..2] {
        pool.core.word(*id).rest(ZONE);
    }
    let lies = [ids[0], ids[1]];
    let mut out = [MaybeUninit::uninit(); 100];
    let (ids, short) = cache.alloc_bulk_raw(&mut out);
    assert_eq!((ids.len(), short), (98, Some(crate::error::Short::Exhausted)));
    assert!(!ids.contains(&lies[0]) && !ids.contains(&lies[1]));
    assert_eq!(pool.audit().pages.bad, 2);
    core::mem::forget(cache);
    core::mem::forget(pool);
}

#[test]
fn whoever_looks_for_a_shared_slot_finds_every_one_that_is_free() {
    let pool = build::<Checked>(|builder| builder.caches(1).shared_caches(64));
    let shared = &pool.core.slots[1..];
    // Each thread starts to look at another slot.
    for _ in 0..3 {
        let all = || {
            for _ in 0..64 {
                assert!(pool.core.borrow_slot().is_some());
            }
            assert!(pool.core.borrow_slot().is_none());
            assert!(shared.iter().all(Slot::is_held));
            shared.iter().for_each(Slot::unlock);
        };
        std::thread::scope(|scope| scope.spawn(all).join().expect("no panic"));
    }
}
