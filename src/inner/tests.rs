//! What only the core's own words show: lies in them.

extern crate std;

mod modes;

use core::mem::MaybeUninit;
use core::ptr::without_provenance_mut;
use std::vec::Vec;

pub(crate) use modes::in_modes;

use super::Faults;
use crate::cache::Cache;
use crate::depot::Stack;
use crate::error::ShortReason;
use crate::magazine::Magazine;
use crate::mode::{Bare, Checked, Compact, Hardened, Mode, Policy};
use crate::page::{Fault, Order, PageId, ZONE};
use crate::pool::{Builder, Pool};
use crate::region::Region;
use crate::slot::Counters;
use crate::sync::Ordering;

/// A pool of 100 pages that are addresses only, with magazines of 8, in leaked memory.
fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder)
}

/// As `pool`, built as `how` says.
pub(crate) fn build<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    let region = Region::addresses(4096, 100 * 256);
    let builder = Pool::builder(100).page_size(256).magazine_capacity(8).mode::<M>().region(region);
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

/// A page that is out and has been counted as bad too: the length of the magazine that it left was
/// corrupted, so that the page may still be there, and the mode cannot tell.
pub(super) fn out_and_bad(pool: &Pool<Checked>) -> PageId {
    let (ids, _) = raw(pool, 60);
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids) }, Ok(()));
    let core = &*pool.core;
    let magazine = core.depots.pop::<Checked>(&core.magazines, Stack::Nonempty);
    let magazine = magazine.expect("a full one");
    let mut open = core.magazines.open::<Checked>(magazine);
    let mut out = [MaybeUninit::uninit()];
    open.as_mut().last(1).pop::<Checked>(&mut out);
    core.count_uncached_alloc(1);
    let (magazine, len) = open.close::<Checked>(&core.magazines);
    core.depots.first().push(&core.magazines, magazine, len + 1, Stack::Nonempty);
    pool.drain();
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.out, pages.bad), (99, 1, 1), "{pages}");
    // SAFETY: it was just written.
    unsafe { out[0].assume_init() }
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

/// Pages are freed into the depot, and two of their words are changed there: the two are withheld when they would
/// leave, and only they.
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
    assert_eq!((ids.len(), short), (98, Some(ShortReason::Exhausted)));
    assert!(!ids.contains(&lies[0]) && !ids.contains(&lies[1]));
    assert_eq!(pool.audit().pages.bad, 2);
    core::mem::forget(cache);
    core::mem::forget(pool);
}

/// Four pages are in the loaded magazine and sixteen in the other: bulks of eight come and go without a move between
/// the two, or to and from the depot.
fn a_bulk_that_one_magazine_can_serve_is_not_torn<M: Mode>() {
    let pool = build::<M>(|builder| builder.magazine_capacity(16).max_caches(1).shared_caches(1));
    let mut cache = pool.cache().expect("a cache");
    let slot = &pool.core.slots[0];
    let held = || [slot.loaded_len(), slot.previous_len()];
    let take = |cache: &mut Cache<M>, n| {
        let mut room = [MaybeUninit::uninit(); 32];
        let (ids, short) = cache.alloc_bulk_raw(&mut room[..n]);
        assert_eq!((ids.len(), short), (n, None));
        ids.to_vec()
    };
    // SAFETY: pages that are out are freed once.
    let give = |cache: &mut Cache<M>, ids: &[PageId]| unsafe { cache.free_bulk_raw(ids) };
    let kept = take(&mut cache, 32);
    cache.drain();
    assert_eq!(give(&mut cache, &kept[..16]), Ok(()));
    assert_eq!(give(&mut cache, &kept[16..20]), Ok(()));
    assert_eq!(held(), [4, 16]);
    for _ in 0..3 {
        let bulk = take(&mut cache, 8);
        assert_eq!(held(), [8, 4]);
        assert_eq!(give(&mut cache, &bulk), Ok(()));
        assert_eq!(held(), [16, 4]);
        // The other way around: the loaded magazine is full, and the other has room.
        assert_eq!(give(&mut cache, &kept[20..22]), Ok(()));
        assert_eq!(held(), [6, 16]);
        assert_eq!(take(&mut cache, 2), kept[20..22]);
        assert_eq!(held(), [4, 16]);
    }
}

#[test]
fn a_bulk_is_not_torn_in_any_kind_of_mode() {
    a_bulk_that_one_magazine_can_serve_is_not_torn::<Bare>();
    a_bulk_that_one_magazine_can_serve_is_not_torn::<Checked>();
}

/// Bulks that were torn once would be torn, and lie astride lines, for as long as their size stays.
#[test]
fn a_bulk_is_not_torn_where_the_depot_has_a_whole_magazine() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).magazine_capacity(16));
    let mut cache = pool.cache().expect("a cache");
    let slot = &pool.core.slots[0];
    let depot = || {
        let Counters { depot_refills, depot_flushes, .. } = &slot.counters;
        ([slot.loaded_len(), slot.previous_len()], depot_refills.get(), depot_flushes.get())
    };
    let mut bulks = [[MaybeUninit::uninit(); 16]; 3];
    let ids = bulks.each_mut().map(|bulk| cache.alloc_bulk_raw(bulk).0.to_vec());
    // SAFETY: the pages are out, and each is freed once.
    let give = |cache: &mut Cache<_>, ids: &[_]| unsafe { cache.free_bulk_raw(ids) };
    ids.iter().for_each(|ids| assert_eq!(give(&mut cache, ids), Ok(())));
    assert_eq!(depot(), ([16, 16], 0, 1));
    assert_eq!(cache.alloc_bulk_raw(&mut bulks[0][..12]).0.len(), 12);
    assert_eq!(cache.alloc_bulk_raw(&mut bulks[1]).0.len(), 16);
    assert_eq!(depot(), ([0, 4], 0, 1));
    let ids = cache.alloc_bulk_raw(&mut bulks[2]).0.to_vec();
    assert_eq!(depot(), ([0, 4], 1, 1), "a whole one, and not these four and twelve more");
    assert_eq!(give(&mut cache, &ids), Ok(()));
    // SAFETY: they were allocated above.
    let ids = bulks[1].map(|id| unsafe { id.assume_init() });
    assert_eq!(give(&mut cache, &ids), Ok(()));
    assert_eq!(depot(), ([16, 4], 1, 2), "into an empty one, and not into the room for twelve");
}

/// Where all pages are: in the zone, cached, out.
#[track_caller]
fn has<M: Mode>(pool: &Pool<M>, free: u64, cached: u64, out: u64) {
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.cached, pages.out), (free, cached, out), "{pages}");
    assert!(pages.adds_up() && pool.core.zone.free() as u64 == free, "{pages}");
}

fn raw<M: Mode>(pool: &Pool<M>, n: usize) -> (Vec<PageId>, Option<ShortReason>) {
    let mut room = [MaybeUninit::uninit(); 150];
    let (ids, short) = pool.alloc_bulk_raw(&mut room[..n]);
    (ids.to_vec(), short)
}

fn pages_come_and_go_without_a_slot<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(1).shared_caches(0));
    assert_eq!(raw(&pool, 0), (Vec::new(), None));
    // From the zone and back to it.
    let (mut all, short) = raw(&pool, 70);
    assert_eq!((all.len(), short), (70, None));
    has(&pool, 30, 0, 70);
    let (more, short) = raw(&pool, 150 - 70);
    assert_eq!((more.len(), short), (30, Some(ShortReason::Exhausted)));
    all.extend(more);
    all.sort_unstable();
    assert!(all.iter().map(|id| id.index()).eq(0..100));
    has(&pool, 0, 0, 100);
    // SAFETY: pages that are out are freed once, here and below.
    assert_eq!(unsafe { pool.free_bulk_raw(&all[..90]) }, Ok(()));
    has(&pool, 90, 0, 10);
    assert_eq!(raw(&pool, 90).1, None);
    // From the depot, of which a magazine is left in part: a cache has filed the pages there.
    let mut cache = pool.cache().expect("a cache");
    // SAFETY: as above.
    assert_eq!(unsafe { cache.free_bulk_raw(&all) }, Ok(()));
    let held = if M::QUARANTINES { 4 } else { 12 };
    has(&pool, 0, 100, 0);
    let (some, short) = raw(&pool, 30);
    assert_eq!((some.len(), short), (30, None));
    has(&pool, 0, 70, 30);
    let (rest, short) = raw(&pool, 100);
    assert_eq!((rest.len(), short), (70 - held, Some(ShortReason::Cached)));
    has(&pool, 0, held as u64, 100 - held as u64);
    let mut both = [some, rest].concat();
    both.sort_unstable();
    both.dedup();
    assert_eq!(both.len(), 100 - held);
    // Who got some leaves the cache alone, and who got none asks it for what it holds.
    assert_eq!(cache.alloc_bulk_raw(&mut []).1, None);
    has(&pool, 0, held as u64, 100 - held as u64);
    assert_eq!(raw(&pool, 1), (Vec::new(), Some(ShortReason::Cached)));
    assert_eq!(cache.alloc_bulk_raw(&mut []).1, None);
    has(&pool, held as u64, 0, 100 - held as u64);
    core::mem::forget((cache, pool));
}

#[test]
fn pages_come_and_go_without_a_slot_in_every_kind_of_mode() {
    pages_come_and_go_without_a_slot::<Bare>();
    pages_come_and_go_without_a_slot::<Checked>();
    pages_come_and_go_without_a_slot::<Compact>();
    pages_come_and_go_without_a_slot::<Hardened>();
}

#[test]
fn a_page_of_the_zone_whose_word_lies_is_made_up_for() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    pool.core.word(PageId::new(3)).rest(5);
    let (ids, short) = raw(&pool, 10);
    assert!(ids.iter().map(|id| id.index()).eq((0..11).filter(|&index| index != 3)));
    assert_eq!(short, None);
    has(&pool, 89, 0, 10);
    core::mem::forget(pool);
}

fn a_block_with_a_page_whose_word_lies_goes_back_but_for_it<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(1).shared_caches(0));
    let order = Order::new(2).expect("legal");
    pool.core.word(PageId::new(2)).rest(5);
    assert_eq!(pool.alloc_block_raw(order), Ok(PageId::new(4)));
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.out, pages.bad), (95, 4, 1));
    for (index, free) in [(0, true), (1, true), (2, false), (3, true), (4, false), (7, false)] {
        let id = PageId::new(index);
        assert_eq!(
            (pool.core.zone.holds(id), pool.core.withheld(id).is_some()),
            (free, index == 2)
        );
    }
    assert_eq!(pool.audit().misplaced, Some(0));
    let mut faults = Faults::default();
    assert_eq!(pool.core.free_block(PageId::new(4), order, &mut faults), 4);
    pool.core.count_uncached_free(4);
    assert_eq!(faults.count, 0);
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.out, pages.bad), (99, 0, 1));
    assert_eq!(pool.audit().misplaced, Some(0));
    core::mem::forget(pool);
}

#[test]
fn a_block_with_a_page_whose_word_lies_goes_back_but_for_it_in_checking_modes() {
    a_block_with_a_page_whose_word_lies_goes_back_but_for_it::<Checked>();
    a_block_with_a_page_whose_word_lies_goes_back_but_for_it::<Hardened>();
}

#[test]
fn every_block_comes_back_and_what_is_none_is_refused() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let order = Order::new(2).expect("legal");
    let blocks: Vec<_> = core::iter::from_fn(|| pool.alloc_block_raw(order).ok()).collect();
    assert!(blocks.iter().map(|id| id.index()).eq((0..100).step_by(4)));
    let give = |index| {
        let mut faults = Faults::default();
        let freed = pool.core.free_block(PageId::new(index), order, &mut faults);
        (freed, faults.first.map(|(_, _, fault)| fault))
    };
    assert_eq!(give(100), (0, Some(Fault::NotABlock)));
    assert_eq!(give(u32::MAX - 3), (0, Some(Fault::NotABlock)));
    assert_eq!(give(3), (0, Some(Fault::NotABlock)));
    for id in blocks {
        assert_eq!(give(id.index()), (4, None));
        assert_eq!(give(id.index()), (0, Some(Fault::NotABlock)));
    }
    pool.core.count_uncached_free(100);
    has(&pool, 100, 0, 0);
    core::mem::forget(pool);
}

#[test]
fn a_slot_that_somebody_holds_is_not_drained() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let (ids, short) = raw(&pool, 6);
    assert_eq!((ids.len(), short), (6, None));
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids) }, Ok(()));
    let cached = pool.audit().pages.cached;
    assert!(cached >= 6);
    let slot = pool.core.borrow_slot().expect("nobody holds it");
    pool.drain();
    has(&pool, 100 - cached, cached, 0);
    assert!(slot.shared().is_locked());
    drop(slot);
    pool.drain();
    has(&pool, 100, 0, 0);
    core::mem::forget(pool);
}

#[test]
fn hardened_pages_do_not_leave_in_the_order_in_which_they_came() {
    let pool =
        build::<Hardened>(|builder| builder.magazine_capacity(64).max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut room = [MaybeUninit::uninit(); 64];
    let (mut differ, mut orders) = (0, Vec::new());
    for _ in 0..4 {
        let (ids, short) = cache.alloc_bulk_raw(&mut room);
        assert_eq!((ids.len(), short), (64, None));
        differ += usize::from(!ids.is_sorted() && !ids.iter().rev().is_sorted());
        let rank = |id: &PageId| ids.iter().filter(|other| *other < id).count();
        orders.push(ids.iter().map(rank).collect::<Vec<_>>());
        // SAFETY: pages that are out are freed once.
        assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
        cache.drain();
    }
    orders.sort();
    orders.dedup();
    assert_eq!((differ, orders.len()), (4, 4), "each time another order");
    assert_eq!(pool.audit().misplaced, Some(0));
    core::mem::forget((cache, pool));
}

/// As if others pushed a magazine again each time that a drain has emptied it: the depot always has one.
#[test]
fn a_drain_ends_while_others_push() {
    let pool = pool::<Bare>();
    let magazines = &pool.core.magazines;
    let depot = pool.core.depots.first();
    let number = depot.pop::<Bare>(magazines, Stack::Empty).expect("unused").into_number();
    // Once among the empty ones, then on top of itself: what a drain gives back is on top of both stacks.
    for stack in [Stack::Empty, Stack::Nonempty, Stack::Nonempty] {
        // SAFETY: the magazine has no ids, and whoever takes it is the only one.
        depot.push(magazines, unsafe { Magazine::from_number(number) }, 0, stack);
    }
    pool.drain();
    let again = depot.pop::<Bare>(magazines, Stack::Nonempty);
    assert_eq!(again.map(Magazine::into_number), Some(number));
    core::mem::forget(pool);
}

#[test]
fn pages_of_a_block_that_goes_back_stay_marked() {
    let pool = Pool::builder(64).page_size(256).mode::<Hardened>().build();
    // Without an allocator there is none.
    let Ok(pool) = pool else { return };
    let core = &*pool.core;
    let marked = |at: u32| core.poisoned[0].load(Ordering::Relaxed) >> at & 1;
    assert!((0..64).all(|at| marked(at) == 1));
    // Two blocks of four have a bad page each; a third of four is whole.
    core.word(PageId::new(2)).rest(1);
    core.word(PageId::new(5)).rest(1);
    let order = Order::new(2).expect("small");
    let block = pool.alloc_block(order).expect("one is whole");
    let taken = block.id().index();
    for at in (0..8).filter(|at| ![2, 5].contains(at) && !(taken..taken + 4).contains(at)) {
        assert_eq!(marked(at), 1, "page {at}");
    }
    assert!((taken..taken + 4).all(|at| marked(at) == 0));
    core::mem::forget(block);
    core::mem::forget(pool);
}
