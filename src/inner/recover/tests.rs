//! A shared cache that cannot be drained: a thread is inside a call, or ended inside one.

extern crate std;

use std::vec::Vec;

use crate::mode::{Bare, Checked, Hardened, Mode};
use crate::pool::Pool;
use crate::slot::Slot;

fn nothing_is_recovered_from_a_busy_cache<M: Mode>() {
    // Without `std` nothing is to be had from the heap.
    let Ok(pool) = Pool::builder(20).mode::<M>().build() else { return };
    let (lost, kept) = (pool.alloc().expect("a page"), pool.alloc().expect("a page"));
    let (lost, cached) = (lost.into_raw(), kept.id());
    drop(kept);
    let core = &*pool.core;
    let shared = &core.slots[core.owned_slots..];
    let guards: Vec<_> = shared.iter().map_while(Slot::try_lock).collect();
    assert_eq!(guards.len(), shared.len());
    // SAFETY: this is the only handle, and nobody uses the page that was lost, which was never
    // written.
    let recover = || unsafe { core.recover_forgotten() };
    assert_eq!(recover(), None);
    assert!(core.is_missing(lost));
    assert_eq!(core.is_missing(cached), !M::CHECKS, "its word says where it is, if it has one");
    assert_eq!((core.out(), pool.audit().pages.adds_up()), (1, true));
    drop(guards);
    assert_eq!(recover(), Some(1));
    assert!(!core.is_missing(lost) && !core.is_missing(cached));
    assert!(pool.close().is_ok());
}

#[test]
fn a_busy_cache_is_left_alone() {
    nothing_is_recovered_from_a_busy_cache::<Bare>();
    nothing_is_recovered_from_a_busy_cache::<Checked>();
    nothing_is_recovered_from_a_busy_cache::<Hardened>();
}
