//! Slots that cannot be drained, because a thread ended inside a call; and what faults have left.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use super::super::tests::{build, out_and_bad};
use crate::depot::Stack;
use crate::mode::{Bare, Checked, Compact, Hardened, Mode};
use crate::page::{Fault, PageId};
use crate::pool::Pool;
use crate::slot::Slot;
use crate::sync::Ordering;

/// Recovers what is out of a pool whose pages are addresses only.
fn recover<M: Mode>(pool: &Pool<M>) -> Option<usize> {
    // SAFETY: this is the only handle, and a test uses no page that was out before.
    unsafe { pool.core.recover_forgotten() }
}

/// Asserts that all but so many pages can be had, once each, and that the figures add up before.
/// It is the last that is done with the pool.
fn assert_whole<M: Mode>(pool: Pool<M>, all_but: usize) {
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.corrupt.unwrap_or(0) == 0, "{audit}");
    assert_eq!(audit.misplaced.unwrap_or(0), 0, "{audit}");
    let (free, bad) = (audit.pages.free as usize, audit.pages.bad as usize);
    assert_eq!((free, bad, pool.bad_pages().count()), (100 - all_but, all_but, all_but));
    let mut room = [MaybeUninit::uninit(); 100];
    let mut ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100 - all_but);
    forget(pool);
}

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
    nothing_is_recovered_from_a_busy_cache::<Compact>();
    nothing_is_recovered_from_a_busy_cache::<Hardened>();
}

fn nothing_is_recovered_while_a_slot_is_locked<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(2).shared_caches(2));
    let mut room = [MaybeUninit::uninit(); 3];
    assert_eq!(pool.alloc_bulk_raw(&mut room).0.len(), 3);
    pool.drain();
    for slot in pool.core.slots.iter() {
        let guard = slot.try_lock().expect("a free slot");
        assert_eq!(slot.cached(), 0, "the thread that has it has not put anything there yet");
        assert_eq!((recover(&pool), pool.core.out()), (None, 3));
        drop(guard);
    }
    assert_eq!(recover(&pool), Some(3));
    assert_whole(pool, 0);
}

#[test]
fn an_empty_slot_that_is_locked_stops_it() {
    nothing_is_recovered_while_a_slot_is_locked::<Bare>();
    nothing_is_recovered_while_a_slot_is_locked::<Checked>();
    nothing_is_recovered_while_a_slot_is_locked::<Compact>();
    nothing_is_recovered_while_a_slot_is_locked::<Hardened>();
}

/// A stack of the depot is cut off, because its top cannot be so.
fn pages_of_a_stack_that_was_cut_come_back<M: Mode>(stack: Stack) {
    let pool = build::<M>(|builder| builder.max_caches(1).shared_caches(1).depots(1));
    let mut room = [MaybeUninit::uninit(); 63];
    let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids[..60]) }, Ok(()));
    let core = &*pool.core;
    core.depots.first().tops.fetch_or(0xffff << stack as u32, Ordering::Relaxed);
    assert!(core.depots.pop::<M>(&core.magazines, stack).is_none());
    assert_eq!(core.depots.first().cuts(), 1);
    pool.drain();
    let cached = pool.audit().pages.cached;
    assert_eq!((cached > 0, core.out()), (stack == Stack::Nonempty, 3));
    assert_eq!(recover(&pool), Some(3));
    let pop = || core.depots.pop::<M>(&core.magazines, Stack::Empty);
    let magazines: Vec<_> = core::iter::from_fn(pop).collect();
    assert_eq!(magazines.len() + 2 * core.slots.len() + 1, core.magazines.count() as usize);
    for magazine in magazines {
        core.depots.first().push(&core.magazines, magazine, 0, Stack::Empty);
    }
    assert_whole(pool, 0);
}

#[test]
fn pages_and_magazines_of_a_cut_stack_come_back() {
    for stack in [Stack::Nonempty, Stack::Empty] {
        pages_of_a_stack_that_was_cut_come_back::<Checked>(stack);
        pages_of_a_stack_that_was_cut_come_back::<Compact>(stack);
        pages_of_a_stack_that_was_cut_come_back::<Hardened>(stack);
    }
}

#[test]
fn a_page_that_was_counted_as_bad_comes_back() {
    let pool = build(|builder| builder);
    out_and_bad(&pool);
    // One whose word lies is withheld, and stays so.
    let lies = PageId::new(99);
    pool.core.word(lies).rest(5);
    assert_eq!(recover(&pool), Some(1));
    let mut room = [MaybeUninit::uninit(); 100];
    let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
    assert!(ids.len() == 99 && !ids.contains(&lies));
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids) }, Ok(()));
    assert_eq!(recover(&pool), Some(0));
    assert_whole(pool, 1);
}

/// The zone still has the page, which is withheld when it would leave.
#[test]
fn a_free_page_whose_word_says_bad_is_not_counted_twice() {
    let pool = build::<Checked>(|builder| builder);
    pool.core.word(PageId::new(7)).withhold(Fault::Corrupt);
    assert_eq!(recover(&pool), Some(0));
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.bad), (100, 0));
    let mut room = [MaybeUninit::uninit(); 100];
    assert_eq!(pool.alloc_bulk_raw(&mut room).0.len(), 99);
    let pages = pool.audit().pages;
    assert_eq!((pages.out, pages.bad, pages.adds_up()), (99, 1, true));
    assert_eq!(recover(&pool), Some(99));
    assert_whole(pool, 1);
}
