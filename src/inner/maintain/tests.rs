//! What is surplus, and when.

extern crate std;

use super::*;
use crate::inner::tests::build;
use crate::mapping::Mapping;
use crate::mode::{Bare, Checked, Hardened};
use crate::owned::PageBatch;
use crate::pool::Pool;
use crate::region::Region;

const PAGES: usize = 1 << 15;

fn pool<M: Mode>() -> Option<Pool<M>> {
    let builder = Pool::builder(PAGES).mode::<M>().region(Mapping::new().purge(true));
    let builder = builder.max_caches(2).shared_caches(1).magazine_capacity(64);
    // Nothing is mapped on some systems.
    builder.build().ok()
}

/// Allocates so many pages at once, and frees them.
fn burst<M: Mode>(pool: &Pool<M>, pages: usize) {
    let mut cache = pool.cache().expect("a cache");
    let mut batches: std::vec::Vec<_> =
        (0..pages / 64).map(|_| PageBatch::<M, 64>::empty()).collect();
    for batch in &mut batches {
        cache.alloc_bulk_exact(batch, 64).expect("pages");
        batch.iter_mut().for_each(|page| page[0] = 1);
    }
}

fn surplus_goes_back_after_four_periods<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    burst(&pool, 4096);
    assert!(pool.audit().pages.cached > 3000);
    for _ in 0..3 {
        let done = pool.maintain();
        assert_eq!((done.purged, done.not_purged), (0, None));
    }
    // Now the depots give theirs up, and four periods later the zone.
    let moved = pool.maintain().moved;
    assert!(moved > 3000, "{moved}");
    let mut purged = 0;
    for _ in 0..5 {
        let done = pool.maintain();
        purged += done.purged;
        assert!(done.areas <= done.purged / 100 && done.not_purged.is_none(), "{done:?}");
    }
    assert!((3000..=4096).contains(&purged), "{purged}");
    assert_eq!(pool.core.purged(), purged as u64);
    assert_eq!(pool.maintain(), Maintained::default());
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn surplus_goes_back_after_four_periods_in_each_mode() {
    surplus_goes_back_after_four_periods::<Bare>();
    surplus_goes_back_after_four_periods::<Checked>();
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn what_is_needed_again_in_each_period_stays() {
    let Some(pool) = pool::<Bare>() else { return };
    let mut purged = 0;
    for _ in 0..20 {
        burst(&pool, 4096);
        pool.drain();
        let done = pool.maintain();
        assert_eq!(done.moved, 0, "nothing lies in the depots");
        purged += done.purged;
    }
    assert!(purged < 256, "{purged}");
    // Half as much is needed from now on.
    let mut purged = 0;
    for _ in 0..20 {
        burst(&pool, 2048);
        pool.drain();
        purged += pool.maintain().purged;
    }
    assert!((1500..=2560).contains(&purged), "{purged}");
}

/// Nobody drains: the pages of a burst lie in the depots until the next one. Some go to the zone, for at the end of
/// each period they were there.
#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn what_leaves_the_depots_in_each_period_keeps_its_memory() {
    let Some(pool) = pool::<Bare>() else { return };
    let mut moved = 0;
    for _ in 0..20 {
        burst(&pool, 4096);
        let done = pool.maintain();
        moved += done.moved;
        assert_eq!(done.purged, 0);
    }
    assert!(moved > 0);
}

/// An area is whole between two bursts, and nearly all of it is needed in each.
#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn no_more_goes_back_than_nobody_needed() {
    let builder = Pool::builder(2048).mode::<Bare>().region(Mapping::new().purge(true));
    let builder = builder.max_caches(1).shared_caches(1).magazine_capacity(8);
    let Ok(pool) = builder.build() else { return };
    burst(&pool, 2048);
    for _ in 0..12 {
        burst(&pool, 2048 - 64);
        pool.drain();
        let purged = pool.maintain().purged;
        assert!(purged <= 64, "{purged}");
    }
    assert!(pool.core.purged() > 0);
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn a_purged_page_is_not_taken_for_a_poisoned_one() {
    let Some(pool) = pool::<Hardened>() else { return };
    for _ in 0..12 {
        let _ = pool.maintain();
    }
    assert!(pool.core.purged() > PAGES as u64 / 2, "{}", pool.core.purged());
    burst(&pool, 4096);
    assert!(!pool.is_tainted() && pool.bad_pages().count() == 0);
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn nothing_is_purged_while_a_page_is_lent_or_unless_it_was_asked_for() {
    let Some(pool) = pool::<Bare>() else { return };
    burst(&pool, 4096);
    pool.drain();
    let lent = pool.alloc().expect("a page").lend();
    let mut stopped = None;
    for _ in 0..12 {
        let done = pool.maintain();
        assert_eq!(done.purged, 0);
        stopped = stopped.or(done.not_purged);
    }
    assert_eq!(stopped, Some(NotPurged::Lent));
    // SAFETY: the page was lent once, and no device has it.
    drop(unsafe { pool.reclaim(lent) });
    assert!((0..12).map(|_| pool.maintain().purged).sum::<usize>() > 0);
    let plain = Pool::builder(100).build().expect("a pool");
    assert_eq!(plain.maintain().not_purged, Some(NotPurged::Off));
}

/// Which of the caches gives up what it has: nobody allocates through any but the one at work.
fn quiet_caches_are_stolen_from<M: Mode>() {
    let builder = Pool::builder(1000).mode::<M>().page_size(64).region(Region::heap());
    let builder = builder.max_caches(4).shared_caches(1).magazine_capacity(64);
    let Ok(pool) = builder.build() else { return };
    let (mut plain, mut at_work) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut idle = pool.cache().expect("a cache");
    let mut stealable = pool.cache_stealable().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    let mut fill = |cache: &mut crate::cache::Cache<M>| {
        cache.alloc_bulk_exact(&mut batch, 64).expect("pages");
        cache.free_bulk(&mut batch);
    };
    [&mut plain, &mut at_work, &mut idle].into_iter().for_each(&mut fill);
    stealable.alloc_bulk_exact(&mut batch, 64).expect("pages");
    stealable.free_bulk(&mut batch);
    pool.alloc_bulk_exact(&mut batch, 64).expect("pages");
    pool.free_bulk(&mut batch);
    let held = || [0, 1, 2, 3, 4].map(|slot| pool.core.slots[slot].cached());
    let full = held();
    assert!(full.iter().all(|&pages| pages >= 64), "{full:?}");
    let mut work = || {
        let page = at_work.alloc().expect("a page");
        at_work.free(page);
    };
    let parked = idle.park();
    for _ in 0..4 {
        work();
        assert_eq!(pool.core.maintain(|| true).stolen, 0);
    }
    work();
    let stolen = pool.core.maintain(|| true).stolen;
    let after = held();
    assert_eq!(after, [full[0], full[1], 0, 0, 0]);
    assert_eq!(stolen, full[2] + full[3] + full[4]);
    drop(parked.resume());
    assert!(pool.audit().pages.adds_up() && !pool.is_tainted());
}

#[test]
fn who_has_not_allocated_for_four_periods_is_stolen_from() {
    quiet_caches_are_stolen_from::<Bare>();
    quiet_caches_are_stolen_from::<Checked>();
    quiet_caches_are_stolen_from::<Hardened>();
}

/// The thread that held an area is not in the child.
fn a_child_puts_back_what_upkeep_held<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    burst(&pool, 4096);
    pool.drain();
    let zone = &pool.core.zone;
    let area = || (0..zone.areas()).find_map(|at| zone.hold_area(at, usize::MAX));
    let held = area().expect("one is whole");
    let before = zone.count();
    core::mem::forget(held);
    // What was put back in time is not put back again.
    drop(area().expect("another one is whole"));
    assert_eq!(zone.count(), before);
    core::mem::forget(area().expect("another one is whole"));
    // SAFETY: no other thread uses the pool, and no guard of a slot is used any more.
    unsafe { pool.core.after_fork() }.finish();
    let pages = pool.audit().pages;
    // One area was held by nobody that a child could have seen.
    assert_eq!((pages.lost, pages.out), (512, 0), "{pages}");
    assert!(pages.adds_up() && !pool.is_tainted());
    let mut batch = PageBatch::<M, 4096>::empty();
    assert_eq!(pool.alloc_bulk(&mut batch, 4096).allocated, 4096);
    assert!(!pool.is_tainted() && pool.bad_pages().count() == 0);
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn the_child_of_a_fork_puts_back_what_upkeep_held() {
    a_child_puts_back_what_upkeep_held::<Bare>();
    a_child_puts_back_what_upkeep_held::<Checked>();
    a_child_puts_back_what_upkeep_held::<Hardened>();
}

#[test]
fn one_thread_at_a_time_sees_to_upkeep() {
    let pool = build::<Bare>(|builder| builder);
    let turn = pool.core.upkeep.turn.try_take();
    assert_eq!(pool.maintain().not_purged, Some(NotPurged::Busy));
    drop(turn);
    assert_eq!(pool.maintain().not_purged, Some(NotPurged::Off));
    // One that stops there is not waited for for ever.
    core::mem::forget(pool.core.upkeep.turn.try_take());
    for _ in 0..1024 {
        assert_eq!(pool.maintain().not_purged, Some(NotPurged::Busy));
    }
    assert_eq!(pool.maintain().not_purged, Some(NotPurged::Off));
}

#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn one_call_asks_the_system_so_often_and_the_next_goes_on() {
    let Some(pool) = pool::<Bare>() else { return };
    let pages: std::vec::Vec<_> = (0..8192).map(|_| pool.alloc().expect("a page")).collect();
    let (kept, free): (std::vec::Vec<_>, std::vec::Vec<_>) =
        pages.into_iter().partition(|page| page.id().index() % 2 == 0);
    drop(free);
    pool.drain();
    let purges: std::vec::Vec<_> = (0..12).map(|_| pool.maintain()).collect();
    assert!(purges.iter().all(|done| done.purged <= SYSTEM_CALLS), "{purges:?}");
    let later = |done: &&Maintained| done.not_purged == Some(NotPurged::Later);
    assert!(purges.iter().filter(later).count() >= 3, "{purges:?}");
    // The caches hold a few.
    let purged = purges.iter().map(|done| done.purged).sum::<usize>();
    assert!((4096 - 256..=4096).contains(&purged), "{purged}");
    drop(kept);
    assert!(pool.audit().pages.adds_up());
}

/// Whole areas, as far as they are not more, and then single pages.
#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn a_purge_takes_as_much_as_it_is_to_and_no_more() {
    let Some(pool) = pool::<Bare>() else { return };
    burst(&pool, 4096);
    pool.drain();
    let core = &*pool.core;
    let zero = core.zone.known_zero();
    assert_eq!((core.zone.free(), zero), (PAGES, PAGES - 4096));
    let purge = |pages| {
        let mut done = Maintained::default();
        core.purge(core.zone.known_zero() + pages, &mut done);
        (done.purged, done.areas, done.not_purged)
    };
    assert_eq!(purge(0), (0, 0, None));
    assert_eq!(purge(700), (700, 1, None));
    assert_eq!(core.zone.known_zero(), zero + 700);
    assert_eq!(purge(100), (100, 0, None));
    assert_eq!(purge(1024), (1024, 2, None));
    // A device may have pinned the memory.
    core.count_lent(1);
    assert_eq!(purge(600), (0, 0, Some(NotPurged::Lent)));
    core.count_reclaimed(1);
    assert_eq!(purge(PAGES), (4096 - 1824, 5, None));
    assert_eq!((core.zone.known_zero(), purge(PAGES)), (PAGES, (0, 0, None)));
}

/// In the child of a fork nobody else does upkeep.
#[test]
fn the_turn_of_one_who_is_gone_can_be_had() {
    let upkeep = Upkeep::new();
    core::mem::forget(upkeep.turn.try_take().expect("nobody has it"));
    assert!(upkeep.turn.try_take().is_none());
    upkeep.reset();
    assert!(upkeep.turn.try_take().is_some());
}
