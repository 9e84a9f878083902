//! Somebody stands in the middle of taking from a slot, while its owner comes back, or goes.

extern crate std;

use core::mem::MaybeUninit;
use std::vec::Vec;

use crate::cache::Cache;
use crate::inner::tests::{build, in_modes};
use crate::mode::Mode;
use crate::page::PageId;
use crate::pool::{HolderState, Pool};
use crate::slot::StolenSlot;

/// Allocates so many pages, or fewer.
fn alloc<M: Mode>(cache: &mut Cache<M>, n: usize) -> Vec<PageId> {
    cache.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 100][..n]).0.to_vec()
}

fn free<M: Mode>(cache: &mut Cache<M>, ids: &[PageId]) {
    // SAFETY: tests free pages that are out, once, which are addresses only.
    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
}

/// A pool whose first cache holds some pages and is idle, while somebody takes from it: calls `f` with the pool, that
/// cache, as after its return, and who takes.
fn scene<M: Mode>(f: impl FnOnce(&Pool<M>, Cache<M>, StolenSlot<'_>)) {
    let pool = build::<M>(|builder| builder.max_caches(2).shared_caches(1));
    let mut cache = pool.cache().expect("a cache");
    let ids = alloc(&mut cache, 6);
    free(&mut cache, &ids);
    let parked = cache.park();
    let slot = &pool.core.slots[0];
    assert!(slot.cached() >= 6 && slot.is_idle());
    let stolen = slot.try_steal().expect("the owner is idle");
    assert!(slot.try_steal().is_none() && slot.try_lock().is_none() && slot.is_idle());
    f(&pool, parked.resume(), stolen);
    assert!(pool.audit().pages.adds_up() && !pool.is_tainted(), "{pool}");
    assert_eq!(pool.audit().pages.out, 0, "{pool}");
    pool.close().expect("every page is back");
}

fn an_owner_that_is_back_early_goes_another_way<M: Mode>() {
    scene::<M>(|pool, mut cache, stolen| {
        let slot = &pool.core.slots[0];
        let (held, counted) = (slot.cached(), slot.counters.allocated.get());
        let ids = alloc(&mut cache, 10);
        assert_eq!(ids.len(), 10);
        free(&mut cache, &ids[..5]);
        cache.drain();
        // Nothing was done in its own slot.
        assert_eq!((slot.cached(), slot.counters.allocated.get()), (held, counted));
        assert_eq!(pool.audit().pages.out, 5);
        // It may be idle again meanwhile, which changes nothing.
        cache.idle(|| assert!(slot.try_steal().is_none()));
        pool.core.give_back(stolen);
        assert!(slot.is_idle());
        // The next call of any kind finds the slot.
        free(&mut cache, &ids[5..]);
        assert!(!slot.is_idle() && slot.cached() >= held.min(5));
        let ids = alloc(&mut cache, 3);
        assert!(slot.counters.allocated.get() >= counted + 3);
        free(&mut cache, &ids);
    });
}

fn whoever_takes_gives_up_what_the_owner_left<M: Mode>() {
    scene::<M>(|pool, cache, stolen| {
        let slot = &pool.core.slots[0];
        drop(cache);
        assert!(slot.is_locked() && slot.cached() >= 6);
        assert_eq!(pool.cache().map(|cache| cache.number()).ok(), Some(1));
        pool.core.give_back(stolen);
        assert!(!slot.is_locked() && slot.cached() == 0);
        let mut cache = pool.cache().expect("a slot");
        assert_eq!(cache.number(), 0);
        let ids = alloc(&mut cache, 100);
        assert_eq!(ids.len(), 100);
        free(&mut cache, &ids);
    });
}

fn one_who_takes_keeps_others_away<M: Mode>() {
    scene::<M>(|pool, cache, stolen| {
        let mut other = pool.cache().expect("a slot");
        let held = pool.core.slots[0].cached();
        let ids = alloc(&mut other, 100);
        assert_eq!(ids.len(), 100 - held, "what is being taken is not there");
        free(&mut other, &ids);
        let holder = pool.holders().next().expect("the idle one");
        assert_eq!((holder.number, holder.state, holder.pages), (0, HolderState::Idle, held));
        pool.core.give_back(stolen);
        drop((cache, other));
    });
}

in_modes! {
    an_owner_that_is_back_early_goes_another_way: Bare, Checked, Hardened;
    whoever_takes_gives_up_what_the_owner_left: Bare, Checked, Hardened;
    one_who_takes_keeps_others_away: Bare, Checked, Hardened;
}
