//! Who is in a call, and who is not.

extern crate std;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::tests::build;
use super::*;
use crate::cache::Cache;
use crate::mode::{Bare, Checked, Hardened};
use crate::pool::Pool;
use crate::sync::fence_all_threads;

/// A pool of 100 pages, and a stealable cache with eight at hand, or a few more.
fn filled<M: Mode>() -> (Pool<M>, Cache<M, true>, usize) {
    let pool: Pool<M> = build(|builder| builder.max_caches(2).shared_caches(1));
    let mut cache = pool.cache_stealable().expect("a cache");
    let mut ids = [const { core::mem::MaybeUninit::uninit() }; 8];
    let ids = cache.alloc_bulk_raw(&mut ids).0;
    // SAFETY: they were just allocated, and are addresses only.
    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
    let held = pool.core.slots[0].cached();
    assert!(held >= 8);
    (pool, cache, held)
}

/// Steals, on the only thread, which needs no fence.
fn steal<M: Mode>(pool: &Pool<M>) -> usize {
    pool.core.steal_idle(|_| true, || true)
}

fn who_is_in_a_call_keeps_its_pages<M: Mode>() {
    let (pool, mut cache, held) = filled::<M>();
    let mut call = cache.owner_mut().enter();
    assert_eq!((steal(&pool), pool.core.slots[0].cached()), (0, held));
    assert!(call.as_mut().undisturbed().is_some(), "the claim was withdrawn, and nothing asked");
    drop(call);
    assert_eq!((steal(&pool), pool.core.slots[0].cached()), (held, 0));
    let mut call = cache.owner_mut().enter();
    assert!(call.as_mut().undisturbed().is_none(), "it must take its slot back first");
    assert!(call.as_mut().take_back().is_some() && call.as_mut().undisturbed().is_some());
}

/// All that a cache has, where the system makes a fence; elsewhere nothing.
fn the_systems_fence_is_enough<M: Mode>() {
    let (pool, cache, held) = filled::<M>();
    let is_fenced = heavy_fence(fence_all_threads).is_some();
    assert_eq!(pool.steal_idle(), if is_fenced { held } else { 0 });
    drop(cache);
}

/// The mark goes with the call's frame.
fn a_panic_ends_the_call<M: Mode>() {
    let (pool, mut cache, held) = filled::<M>();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _call = cache.owner_mut().enter();
        assert_eq!(steal(&pool), 0);
        panic!("in the middle of a call");
    }));
    assert!(caught.is_err());
    assert_eq!(steal(&pool), held);
}

fn a_plain_cache_is_never_claimed<M: Mode>() {
    let (pool, stealable, held) = filled::<M>();
    let mut plain = pool.cache().expect("a cache");
    drop(stealable);
    let mut batch = [const { core::mem::MaybeUninit::uninit() }; 8];
    let ids = plain.alloc_bulk_raw(&mut batch).0;
    // SAFETY: they were just allocated, and are addresses only.
    assert_eq!(unsafe { plain.free_bulk_raw(ids) }, Ok(()));
    assert!(held > 0 && pool.core.slots[1].cached() > 0);
    assert!(pool.core.slots.iter().all(|slot| slot.try_claim().is_none()));
    assert_eq!(steal(&pool), 0);
    // The slot that was stealable is free, and open to nobody.
    let again = pool.cache().expect("the slot of the one that is gone");
    assert_eq!(again.number(), 0);
    assert!(pool.core.slots[0].try_claim().is_none());
}

#[test]
fn a_call_keeps_pages() {
    who_is_in_a_call_keeps_its_pages::<Bare>();
    who_is_in_a_call_keeps_its_pages::<Checked>();
    who_is_in_a_call_keeps_its_pages::<Hardened>();
}

#[test]
fn the_system_fences_what_is_stolen() {
    the_systems_fence_is_enough::<Bare>();
    the_systems_fence_is_enough::<Checked>();
    the_systems_fence_is_enough::<Hardened>();
}

#[test]
fn a_panic_in_a_call_ends_it() {
    a_panic_ends_the_call::<Bare>();
    a_panic_ends_the_call::<Checked>();
    a_panic_ends_the_call::<Hardened>();
}

#[test]
fn plain_caches_are_not_claimed() {
    a_plain_cache_is_never_claimed::<Bare>();
    a_plain_cache_is_never_claimed::<Checked>();
    a_plain_cache_is_never_claimed::<Hardened>();
}
