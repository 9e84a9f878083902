//! What comes in the middle of a call.

use core::mem::MaybeUninit;

use super::*;
use crate::inner::tests::build;
use crate::inner::{Faults, InSlot};
use crate::mode::{Bare, Checked, Hardened};
use crate::page::{GivenUp, written};
use crate::pool::Pool;
use crate::zone::Floor;

/// A cache is asked for its pages while one of its calls frees some: the next call gives them up.
fn a_drain_in_the_middle_of_a_call_is_for_the_next<M: Mode>() {
    for asked in [false, true] {
        let pool: Pool<M> = build(|builder| builder.max_caches(1).shared_caches(1));
        let mut cache = pool.cache().expect("a cache");
        let (core, slot) = (&*pool.core, &pool.core.slots[0]);
        if asked {
            pool.drain();
        }
        let mut owner = cache.owner_mut().enter();
        let mut call = owner.as_mut().take_back().expect("nobody takes from it");
        let answer = core.begin_answer(call.reborrow(), (0, 0), Floor::None);
        let mut out = [MaybeUninit::uninit(); 5];
        assert_eq!(core.alloc(call.reborrow(), &mut out, Step::first(Floor::None)), (5, None));
        // SAFETY: all were written, and are this call's.
        let ids = unsafe { GivenUp::new(written(&out)) };
        pool.drain();
        assert_eq!(core.free::<InSlot>(call.reborrow(), ids, &mut Faults::default()), 5);
        core.end_answer(call, &answer, 0);
        drop(owner);
        assert!(cache.alloc_bulk_raw(&mut []).1.is_none());
        assert_eq!(slot.cached(), 0);
    }
}

#[test]
fn requests_in_the_middle_of_a_call_are_kept() {
    a_drain_in_the_middle_of_a_call_is_for_the_next::<Bare>();
    a_drain_in_the_middle_of_a_call_is_for_the_next::<Checked>();
    a_drain_in_the_middle_of_a_call_is_for_the_next::<Hardened>();
}

/// So that the next call leaves one, unless this one has.
#[test]
fn a_call_notes_that_it_left_a_page_only_if_it_did() {
    let pool = build::<Checked>(|builder| builder.max_caches(2).shared_caches(0));
    let (mut one, other) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let requests = &pool.core.slots[0].requests;
    let mut take = |n: usize| {
        requests.ask_more(2);
        let mut room = [MaybeUninit::uninit(); 100];
        let (ids, reason) = one.alloc_bulk_raw(&mut room[..n]);
        let got = (ids.len(), reason);
        let mut owner = one.owner_mut().enter();
        let mut call = owner.as_mut().take_back().expect("nobody takes from it");
        (got, call.begin_answer(true).was_held_back)
    };
    assert_eq!(take(5), ((5, None), false));
    assert_eq!(take(95), ((94, Some(ShortReason::Busy)), true));
    assert_eq!(take(0), ((0, None), false));
    core::mem::forget((one, other, pool));
}

/// Of a call that allocates none.
#[test]
fn what_an_allocation_noted_is_for_the_next_one() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let mut cache = pool.cache().expect("a cache");
    let slot = &pool.core.slots[0];
    slot.requests.note_dry();
    slot.requests.ask_more(5);
    let mut was_dry = |want| {
        let mut owner = cache.owner_mut().enter();
        let call = owner.as_mut().take_back().expect("nobody takes from it");
        pool.core.begin_answer(call, (want, 0), Floor::None).was_dry
    };
    assert_eq!([0, 0, 5, 5].map(&mut was_dry), [true, true, true, false]);
    slot.requests.note_dry();
    assert_eq!([1, 0, 1].map(&mut was_dry), [true, false, false]);
    core::mem::forget((cache, pool));
}

#[test]
fn a_call_takes_all_but_the_last_page_that_can_be_had() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let most = |want, least| pool.core.all_but_one(want, least, Floor::None);
    assert_eq!(pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 70]).0.len(), 70);
    let left = pool.core.within_reach(None).least;
    assert_eq!(left, 30);
    assert_eq!([10, 29, 30, 31].map(|want| most(want, 0)), [10, 29, 29, 29]);
    assert_eq!([30, 31].map(|least| most(50, least)), [29, 50], "it can take none");
    assert_eq!(pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 30]).0.len(), 30);
    assert_eq!([most(5, 0), most(1, 1)], [5, 1], "nothing is left");
    core::mem::forget(pool);
}

#[test]
fn a_call_without_a_cache_is_dry_until_the_next_one() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let core = &*pool.core;
    assert!(core.is_cache(&core.slots[0]) && !core.is_cache(&core.slots[1]));
    assert!(!core.is_dry_without_cache() && !core.was_dry_without_cache());
    core.request_pages(Some(&core.slots[0]));
    assert!(!core.is_dry_without_cache());
    core.request_pages(Some(&core.slots[1]));
    assert!(core.is_dry_without_cache());
    assert!(core.was_dry_without_cache() && !core.was_dry_without_cache());
    core::mem::forget(pool);
}

/// A call on a pool that got nothing has asked the caches; one that gets pages takes that back.
#[test]
fn a_pool_that_gets_pages_again_asks_no_longer() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let calls = || pool.core.slots[0].requests.calls();
    let ids = pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 100]).0.to_vec();
    assert_eq!((ids.len(), calls()), (100, 0));
    assert_eq!(pool.alloc_bulk_raw(&mut [MaybeUninit::uninit()]).0.len(), 0);
    assert_eq!(calls(), CALLS);
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids[..50]) }, Ok(()));
    pool.drain();
    assert_eq!(pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 20]).0.len(), 20);
    assert_eq!(calls(), 1);
    core::mem::forget(pool);
}
