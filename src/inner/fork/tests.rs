//! Threads that stand still wherever they were, made by forgetting what they had.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use super::super::Faults;
use super::super::tests::{build, in_modes, out_and_bad};
use super::*;
use crate::cache::Cache;
use crate::depot::fenced::Noted;
use crate::mode::{Bare, Checked, Hardened};
use crate::page::{Fault, GivenUp, PageId};
use crate::pool::{AnyCache, Pages, Pool};
use crate::ticket::Fence;
use crate::zone::Cursor;

/// A pool of 100 pages, with magazines of 8, two owned slots and two shared ones.
fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder.max_caches(2).shared_caches(2))
}

/// As in the child, where only this thread goes on.
fn after_fork<M: Mode>(pool: &Pool<M>, kept: &mut [&mut dyn AnyCache<M>]) -> Pages {
    // SAFETY: no other thread has the pool, and a test forgets the caches and guards that it does
    // not keep.
    unsafe { pool.after_fork(kept) };
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.misplaced.unwrap_or(0) == 0, "{audit}");
    assert_eq!(audit.corrupt.unwrap_or(0), 0, "{audit}");
    assert_eq!(pool.core.zone.count(), pool.core.zone.free());
    audit.pages
}

/// Allocates so many pages, or fewer, through a shared slot.
fn alloc<M: Mode>(pool: &Pool<M>, n: usize) -> Vec<PageId> {
    pool.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 100][..n]).0.to_vec()
}

/// Allocates so many pages through a cache.
fn alloc_from<M: Mode>(cache: &mut Cache<M>, n: usize) -> Vec<PageId> {
    cache.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 100][..n]).0.to_vec()
}

/// Frees through a shared slot.
fn free<M: Mode>(pool: &Pool<M>, ids: &[PageId]) {
    // SAFETY: tests free pages that are out, once, which are addresses only.
    assert_eq!(unsafe { pool.free_bulk_raw(ids) }, Ok(()));
}

/// How many pages a slot holds.
fn cached<M: Mode>(pool: &Pool<M>) -> Vec<u64> {
    pool.core.slots.iter().map(|slot| slot.cached() as u64).collect()
}

/// How many pages are lost of so many that lay in caches that nobody has any more.
fn lost<M: Mode>(pages: u64) -> u64 {
    if M::CHECKS { 0 } else { pages }
}

/// Asserts that all but so many pages can be had, once each, and that each magazine is somewhere,
/// once. It is the last that is done with the pool.
fn assert_usable<M: Mode>(pool: Pool<M>, all_but: usize) {
    let mut ids = alloc(&pool, 100);
    free(&pool, &ids);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100 - all_but);
    let core = &*pool.core;
    let mut numbers = Vec::new();
    for slot in core.slots.iter() {
        let mut guard = slot.try_lock().expect("it is open");
        let parts = guard.as_mut().parts();
        numbers.extend([parts.loaded.number(), parts.previous.number()]);
        forget(guard);
    }
    for stack in [Stack::Empty, Stack::Nonempty] {
        let pop = || core.depots.pop::<M>(&core.magazines, stack);
        numbers.extend(core::iter::from_fn(pop).map(Magazine::into_number));
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..core.magazines.count()));
    forget(pool);
}

fn locked_slots_open_again_and_empty<M: Mode>() {
    let pool = pool::<M>();
    free(&pool, &alloc(&pool, 6));
    let mut cache = pool.cache().expect("a cache");
    assert_eq!(alloc_from(&mut cache, 2).len(), 2);
    forget(cache);
    let held = cached(&pool).iter().sum::<u64>();
    assert!(held >= 6, "{pool}");
    pool.core.slots.iter().for_each(|slot| forget(slot.try_lock()));
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.lost, pages.out, pages.cached), (lost::<M>(held), 2, 0));
    assert_eq!(cached(&pool), [0; 4]);
    assert_usable(pool, pages.lost as usize + 2);
}

/// A device that is never done.
struct Never;

impl Fence for Never {
    fn passed(&self, _: u64) -> bool {
        false
    }
}

static NEVER: [&dyn Fence; 1] = [&Never];

fn what_waits_for_a_ticket_stays_so<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(2).shared_caches(2).fences(&NEVER));
    let core = &*pool.core;
    for value in 1..=5 {
        let ids = alloc(&pool, 6);
        // SAFETY: the pages are out, and given up once.
        let ids = unsafe { GivenUp::new(&ids) };
        let room = core.room_for_fenced(0, 6).expect("magazines are left");
        assert_eq!(core.fence_pages(room, value, ids, &mut Faults::default()), 6);
        assert_eq!(core.reap_fences(), 0);
    }
    assert_eq!(after_fork(&pool, &mut []).fenced, 30);
    // Who gives up pages had taken one, had put some there, not yet noted how many, and stands still.
    assert!(core.fenced.oldest::<M>(&core.magazines, 0).is_some());
    let in_hand = core.fenced.pop_oldest::<M>(&core.magazines, 0).expect("a queue");
    let noted = core.fenced.noted(in_hand.number()).expect("it waits");
    core.fenced.note(&in_hand, Some(Noted { pages: noted.pages - 4, ..noted }));
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.fenced, pages.lost), (30, 0));
    // Nobody waits any more: what is left can be used, and each magazine is somewhere.
    let oldest = || {
        core.fenced.oldest::<M>(&core.magazines, 0)?;
        core.fenced.pop_oldest::<M>(&core.magazines, 0).map(Magazine::into_number)
    };
    let mut numbers: Vec<_> = core::iter::from_fn(oldest).collect();
    numbers.sort_unstable();
    let fenced = (1..core.magazines.count()).filter(|&number| core.fenced.noted(number).is_some());
    assert!(numbers.into_iter().eq(fenced));
    forget(pool);
}

fn kept_caches_keep_what_they_hold<M: Mode>() {
    let (pool, other) = (pool::<M>(), pool::<M>());
    let mut caches = [(); 2].map(|()| pool.cache().expect("a cache"));
    let [first, mut foreign] = [(); 2].map(|()| other.cache().expect("a cache"));
    let out = caches.each_mut().map(|cache| alloc_from(cache, 3)).concat();
    let [held, forgotten, ..] = cached(&pool)[..] else { unreachable!() };
    assert!(held > 0 && forgotten > 0, "{pool}");
    let [mut kept, gone] = caches;
    forget(gone);
    let pages = after_fork(&pool, &mut [&mut foreign, &mut kept]);
    assert_eq!((pages.cached, pages.out), (held, 6));
    assert_eq!(pages.lost, lost::<M>(forgotten));
    assert!(pool.core.slots[0].is_locked() && !pool.core.slots[1].is_locked());
    let more = alloc_from(&mut kept, held as usize);
    assert!(more.iter().all(|id| !out.contains(id)));
    assert_eq!(out_of(&pool), 6 + held);
    // A child of the child, in which nobody has the other cache either.
    let again = after_fork(&pool, &mut [&mut kept]);
    assert_eq!((again.lost, again.out), (pages.lost, 6 + held));
    let held = cached(&pool).iter().sum::<u64>();
    forget(kept);
    let last = after_fork(&pool, &mut []);
    assert_eq!(last.lost, pages.lost + lost::<M>(held));
    free(&pool, &out);
    free(&pool, &more);
    assert_eq!(out_of(&pool), 0);
    assert_usable(pool, last.lost as usize);
    drop((first, foreign));
    assert_usable(other, 0);
}

fn out_of<M: Mode>(pool: &Pool<M>) -> u64 {
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    pages.out
}

fn magazines_in_nobodys_hands_come_back<M: Mode>() {
    let pool = pool::<M>();
    free(&pool, &alloc(&pool, 60));
    let core = &*pool.core;
    let magazine = core.depots.pop::<M>(&core.magazines, Stack::Nonempty).expect("a full one");
    assert!(core.depots.pop::<M>(&core.magazines, Stack::Empty).is_some());
    let held = u64::from(core.magazines.len(magazine.number()));
    assert!(held > 0);
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.free, pages.lost), (100 - lost::<M>(held), lost::<M>(held)));
    assert_usable(pool, pages.lost as usize);
}

fn pages_in_hand_are_lost<M: Mode>() {
    let pool = pool::<M>();
    let out = alloc(&pool, 4);
    assert_eq!(pool.core.zone.take(&mut Cursor::default(), 5, |_| ()), 5);
    pool.core.zone.spoil_summary();
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.lost, pages.out, pages.free), (5, 4, 91));
    let missing = (0..100).filter(|&index| pool.core.is_missing(PageId::new(index)));
    assert_eq!(missing.count(), 9, "lost pages are named like those that are out");
    free(&pool, &out);
    // SAFETY: this is the only handle, and nobody has the pages that are lost.
    assert_eq!(unsafe { pool.core.recover_forgotten() }, Some(5));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pages.lost == 0, "{pages}");
    assert_usable(pool, 0);
}

fn counts_that_cannot_be_are_put_right<M: Mode>() {
    for (allocated, freed, expected) in [(5, 0, 3), (0, 2, 1), (0, 5, 0)] {
        let pool = pool::<M>();
        let out = alloc(&pool, 3);
        pool.core.slots[1].counters.allocated.add(allocated);
        pool.core.slots[1].counters.freed.add(freed);
        let pages = after_fork(&pool, &mut []);
        assert_eq!((pages.out, pages.lost), (expected, 3 - expected));
        assert_eq!(out.len(), 3);
        assert_usable(pool, 3);
    }
}

#[test]
fn a_page_out_that_was_counted_as_bad_stays_out() {
    let pool = build::<Checked>(|builder| builder);
    let id = out_and_bad(&pool);
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.free, pages.out, pages.bad, pages.lost), (99, 1, 0, 0), "{pages}");
    free(&pool, &[id]);
    assert_eq!(out_of(&pool), 0);
    assert_usable(pool, 0);
}

/// Its word says that it is withheld, which nobody has counted.
#[test]
fn no_page_that_is_out_is_forgotten_as_a_bad_one() {
    for why in [Fault::Corrupt, Fault::Poison { offset: 3 }] {
        let pool = pool::<Checked>();
        let out = alloc(&pool, 3);
        pool.core.word(out[0]).withhold(why);
        // SAFETY: no other thread has the pool, and there are no caches.
        unsafe { pool.after_fork(&mut []) };
        let pages = pool.audit().pages;
        assert_eq!((pages.free, pages.out, pages.bad, pages.lost), (97, 3, 1, 0), "{pages}");
        forget(pool);
    }
}

/// A bit of the zone makes a page that is out seem to be free: its word shows it, or something else
/// was found to be corrupt.
#[test]
fn no_page_that_is_out_is_forgotten_after_a_fault() {
    for (is_found, location, counted, expected) in
        [(false, 1, 0, 3), (true, ZONE, 0, 3), (false, ZONE, 0, 2), (true, ZONE, 98, 2)]
    {
        let pool = pool::<Checked>();
        let out = alloc(&pool, 3);
        pool.core.zone.put(&out[..1], |_| ());
        pool.core.word(out[0]).rest(location);
        (0..usize::from(is_found)).for_each(|_| pool.core.taint(PageId::new(0)));
        pool.core.count_uncached_alloc(counted);
        // SAFETY: no other thread has the pool, and there are no caches.
        unsafe { pool.after_fork(&mut []) };
        let pages = pool.audit().pages;
        assert_eq!((pages.free, pages.out, pages.lost), (98, expected, 0), "{pages}");
        forget(pool);
    }
}

fn what_a_magazine_does_not_hold_is_not_taken<M: Mode>() {
    let pool = pool::<M>();
    let out = alloc(&pool, 5);
    let slot = pool.core.slots.iter().find(|slot| slot.cached() > 0).expect("a slot");
    let mut guard = slot.try_lock().expect("a free slot");
    let held = guard.as_mut().parts().loaded.len();
    let last = guard.as_mut().parts().loaded.start() + held - 1;
    forget(guard);
    // A page that is out, whose id an entry still has; and one of the magazine that has moved on.
    let [stale, moved] = [last + 1, last].map(|at| pool.core.magazines.get(at));
    assert!(out.contains(&stale) && !out.contains(&moved));
    pool.core.word(stale).rest(last + 1);
    pool.core.word(moved).rest(last + 1);
    let pages = after_fork(&pool, &mut []);
    assert_eq!((pages.lost, pages.out, pages.bad), (1, 5, 0));
    assert!(!pool.core.zone.holds(moved) && !pool.core.zone.holds(stale));
    assert_usable(pool, 6);
}

/// What an idle owner had can be trusted in every mode, unless somebody had begun to take it.
fn an_idle_caches_pages_are_not_lost<M: Mode>() {
    for is_stolen in [false, true] {
        let pool = pool::<M>();
        let mut cache = pool.cache().expect("a cache");
        assert_eq!(alloc_from(&mut cache, 2).len(), 2);
        let held = cached(&pool)[0];
        forget(cache.park());
        if is_stolen {
            let _ = pool.core.slots[0].try_steal().expect("it is idle");
        }
        let pages = after_fork(&pool, &mut []);
        let lost = if is_stolen { lost::<M>(held) } else { 0 };
        assert_eq!((pages.lost, pages.out, pages.cached), (lost, 2, 0));
        assert!(!pool.core.slots[0].is_locked());
        assert_usable(pool, lost as usize + 2);
    }
}

/// A kept cache that has not got its slot back, because one who is gone takes from it.
fn a_kept_cache_without_its_slot_goes_on_empty<M: Mode>() {
    let pool = pool::<M>();
    let mut cache = pool.cache().expect("a cache");
    assert_eq!(alloc_from(&mut cache, 2).len(), 2);
    let held = cached(&pool)[0];
    let parked = cache.park();
    let _ = pool.core.slots[0].try_steal().expect("it is idle");
    let mut cache = parked.resume();
    let pages = after_fork(&pool, &mut [&mut cache]);
    assert_eq!((pages.lost, pages.out, pages.cached), (lost::<M>(held), 2, 0));
    let more = alloc_from(&mut cache, 3);
    assert_eq!((more.len(), pool.core.slots[0].counters.allocated.get()), (3, 5));
    assert!(pool.core.slots[0].is_locked() && !pool.core.slots[0].is_idle());
    // A kept cache that had only not looked yet has its slot.
    let parked = cache.park();
    let mut cache = parked.resume();
    let pages = after_fork(&pool, &mut [&mut cache]);
    assert_eq!((pages.lost, pages.out), (lost::<M>(held), 5));
    drop(cache);
    assert_usable(pool, pages.lost as usize + 5);
}

in_modes! {
    locked_slots_open_again_and_empty: Bare, Checked, Compact, Hardened;
    kept_caches_keep_what_they_hold: Bare, Checked, Compact, Hardened;
    what_waits_for_a_ticket_stays_so: Bare, Checked, Compact, Hardened;
    magazines_in_nobodys_hands_come_back: Bare, Checked, Compact, Hardened;
    pages_in_hand_are_lost: Bare, Checked, Compact, Hardened;
    counts_that_cannot_be_are_put_right: Bare, Checked, Compact, Hardened;
    an_idle_caches_pages_are_not_lost: Bare, Checked, Compact, Hardened;
    a_kept_cache_without_its_slot_goes_on_empty: Bare, Checked, Compact, Hardened;
    what_a_magazine_does_not_hold_is_not_taken: Checked, Hardened;
}

/// A stealable cache that goes on keeps its pages, and can be stolen from; one that stands in a call for ever is given
/// back, and its next owner can be.
fn stealable_caches_go_on_or_are_given_back<M: Mode>() {
    let pool = pool::<M>();
    let (mut kept, mut gone) = (pool.cache_stealable().unwrap(), pool.cache_stealable().unwrap());
    for cache in [&mut kept, &mut gone] {
        let ids = cache.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 8]).0.to_vec();
        // SAFETY: they were just allocated, and are addresses only.
        assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
    }
    forget(gone.owner_mut().enter());
    forget(gone);
    let held = cached(&pool);
    let pages = after_fork(&pool, &mut [&mut kept]);
    assert_eq!((cached(&pool)[0], cached(&pool)[1]), (held[0], 0));
    assert_eq!(pages.lost, lost::<M>(held[1]));
    let _next = pool.cache_stealable().expect("the slot was given back");
    assert!(pool.core.slots[1].try_claim().is_some());
    assert_eq!(pool.core.steal_idle(|_| true, || true) as u64, held[0]);
    assert!(kept.alloc_bulk_raw(&mut [MaybeUninit::uninit()]).1.is_none());
}

/// Who claimed the slot of a cache that goes on is gone: the cache goes on empty.
fn a_claimed_cache_goes_on_empty<M: Mode>() {
    let pool = pool::<M>();
    let mut kept = pool.cache_stealable().unwrap();
    let ids = kept.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 8]).0.to_vec();
    // SAFETY: they were just allocated, and are addresses only.
    assert_eq!(unsafe { kept.free_bulk_raw(&ids) }, Ok(()));
    let held = cached(&pool)[0];
    assert!(pool.core.slots[0].try_claim().is_some());
    let pages = after_fork(&pool, &mut [&mut kept]);
    assert_eq!((cached(&pool)[0], pages.lost), (0, lost::<M>(held)));
    assert!(kept.alloc_bulk_raw(&mut [MaybeUninit::uninit()]).1.is_none());
    assert!(pool.core.steal_idle(|_| true, || true) > 0, "it has its slot again");
}

#[test]
fn stealable_caches_survive_a_fork() {
    stealable_caches_go_on_or_are_given_back::<Bare>();
    stealable_caches_go_on_or_are_given_back::<Checked>();
    stealable_caches_go_on_or_are_given_back::<Hardened>();
    a_claimed_cache_goes_on_empty::<Bare>();
    a_claimed_cache_goes_on_empty::<Checked>();
    a_claimed_cache_goes_on_empty::<Hardened>();
}
