//! A turn that somebody has, and one that nobody gives back.

extern crate std;

use core::mem::{MaybeUninit, forget};
use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed};

use super::*;
use crate::error::ExactError;
use crate::inner::tests::build;
use crate::mode::{Bare, Checked, Hardened};
use crate::owned::PageBatch;
use crate::pool::Pool;
use crate::ticket::Fence;
use crate::zone::Floor;

const PAGES: usize = 100;

fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder)
}

fn all<M: Mode>(pool: &Pool<M>) -> Result<(), (usize, ShortReason)> {
    let mut out = [MaybeUninit::uninit(); PAGES];
    pool.core.alloc_exact(None, &mut out, Floor::None, Call::AllocBulkExact)?;
    // SAFETY: all were written, and are this call's.
    let ids = unsafe { GivenUp::new(written_mut(&mut out)) };
    let freed = pool.core.free_without_slot(ids, &mut Faults::default());
    pool.core.count_uncached_free(freed);
    Ok(())
}

/// A pool whose pages have bytes, in leaked memory, with one cache.
fn with_bytes<M: Mode>() -> Pool<M> {
    let leaked = |layout: Layout| {
        // SAFETY: the layout has a size.
        let block = unsafe { alloc_zeroed(layout) };
        NonNull::new(block).expect("memory")
    };
    let builder = Pool::builder(PAGES).page_size(64).mode::<M>().max_caches(1);
    let layout = builder.metadata_layout().expect("a legal pool");
    let region = leaked(Layout::from_size_align(PAGES * 64, 64).expect("a layout"));
    let metadata = NonNull::slice_from_raw_parts(leaked(layout).cast(), layout.size());
    // SAFETY: both blocks are leaked, zeroed, and have these sizes: nobody else ever uses them.
    unsafe { builder.build_in(region.as_ptr(), &mut *metadata.as_ptr()) }.expect("a pool")
}

/// Also though there is enough: two that take at once could take half each, and get nothing.
fn a_try_that_meets_another_says_busy<M: Mode>() {
    let pool = with_bytes::<M>();
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, PAGES>::empty();
    let busy = Err(ExactError { want: PAGES, had: 0, reason: ShortReason::Busy });
    let other = pool.core.exact_turn.try_take().expect("nobody has it");
    for _ in 0..10 {
        assert_eq!(cache.alloc_bulk_exact(&mut batch, PAGES), busy);
        assert_eq!(pool.alloc_bulk_exact(&mut batch, PAGES), busy);
    }
    assert!(batch.is_empty() && pool.audit().pages.free == PAGES as u64);
    if let Some(stats) = pool.stats() {
        assert_eq!((stats.calls.failed_exact, stats.calls.alloc_calls), (20, 0));
    }
    drop(other);
    assert_eq!(cache.alloc_bulk_exact(&mut batch, PAGES), Ok(()));
    cache.free_bulk(&mut batch);
    assert_eq!(pool.alloc_bulk_exact(&mut batch, PAGES), Ok(()));
}

#[test]
fn a_try_that_meets_another_says_busy_in_every_mode() {
    a_try_that_meets_another_says_busy::<Bare>();
    a_try_that_meets_another_says_busy::<Checked>();
    a_try_that_meets_another_says_busy::<Hardened>();
}

/// Whoever stands still inside a call keeps others waiting for so many tries, all together, and no longer.
fn a_turn_that_stands_still_is_taken_over<M: Mode>() {
    let pool = pool::<M>();
    forget(pool.core.exact_turn.try_take().expect("nobody has it"));
    for _ in 0..PATIENCE {
        assert_eq!(all(&pool), Err((0, ShortReason::Busy)));
    }
    for _ in 0..3 {
        assert_eq!(all(&pool), Ok(()));
    }
    let refused = if M::STATS { PATIENCE } else { 0 };
    assert_eq!(pool.core.failed_exact_without_slot(), refused);
    // The pages are not the turn's: who wants few gets them at any time.
    forget(pool.core.exact_turn.try_take().expect("it was given back"));
    let mut page = [MaybeUninit::uninit()];
    assert_eq!(pool.core.alloc_exact(None, &mut page, Floor::None, Call::AllocBulkExact), Ok(()));
    assert_eq!(pool.core.within_reach(None).least, PAGES - 1);
}

#[test]
fn a_turn_that_stands_still_is_taken_over_in_every_mode() {
    a_turn_that_stands_still_is_taken_over::<Bare>();
    a_turn_that_stands_still_is_taken_over::<Checked>();
    a_turn_that_stands_still_is_taken_over::<Hardened>();
}

/// Whoever was taken over gives back nothing that is another's.
#[test]
fn a_turn_that_was_taken_over_gives_nothing_back() {
    let turn = ExactTurn::new();
    let slow = turn.try_take().expect("nobody has it");
    while turn.0.load(Ordering::Relaxed) / MISSED < NUMBER / MISSED + PATIENCE {
        assert!(turn.try_take().is_none());
    }
    let quick = turn.try_take().expect("taken over");
    drop(slow);
    assert!(turn.try_take().is_none(), "it is the quick one's");
    drop(quick);
    assert!(turn.try_take().is_some());
}

/// In a forked child the other threads are gone.
#[test]
fn a_forked_child_has_the_turn() {
    let pool = pool::<Checked>();
    forget(pool.core.exact_turn.try_take().expect("nobody has it"));
    assert_eq!(all(&pool), Err((0, ShortReason::Busy)));
    // SAFETY: no other thread uses the pool, and nobody has a cache of it.
    unsafe { pool.after_fork(&mut []) };
    assert_eq!(all(&pool), Ok(()));
    assert!(pool.audit().pages.adds_up());
}

/// It leaves the last page to who is dry: so it gets all that it wants, or is told why not.
#[test]
fn a_try_that_was_asked_gets_all_but_the_last_page() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut take = |n: usize| {
        pool.core.slots[0].requests.ask_more(8);
        let mut owner = cache.owner_mut().enter();
        let slot = owner.as_mut().take_back().expect("nobody takes from it");
        let out = &mut [MaybeUninit::uninit(); PAGES][..n];
        pool.core.alloc_exact(Some(slot), out, Floor::None, Call::AllocBulkExact)
    };
    assert_eq!(take(5), Ok(()));
    assert_eq!(take(95), Err((0, ShortReason::Busy)));
    assert_eq!(take(95), Ok(()), "not twice in a row");
    forget((cache, pool));
}

#[test]
fn each_turn_has_a_number_of_its_own() {
    let turn = ExactTurn::new();
    let number = || turn.try_take().expect("nobody has it").number;
    assert_eq!([(); 4].map(|()| number()), [1, 2, 3, 4]);
}

/// By the turn go those who want more than a magazine serves, and than each slot could have.
#[test]
fn who_wants_little_needs_no_turn() {
    let pool = build::<Checked>(|builder| builder.max_caches(3).shared_caches(1));
    let mut cache = pool.cache().expect("a cache");
    forget(pool.core.exact_turn.try_take().expect("nobody has it"));
    let mut tries = |n: usize| {
        let mut owner = cache.owner_mut().enter();
        let slot = owner.as_mut().take_back().expect("nobody takes from it");
        let out = &mut [MaybeUninit::uninit(); PAGES][..n];
        pool.core.alloc_exact(Some(slot), out, Floor::None, Call::AllocBulkExact)
    };
    assert_eq!(tries(26), Err((0, ShortReason::Busy)));
    assert_eq!([tries(8), tries(20)], [Ok(()); 2]);
    assert_eq!(tries(20), Err((0, ShortReason::Busy)));
    forget((cache, pool));
}

/// A call that got more than a magazine holds, or than there are for another: the next one files nothing.
#[test]
fn a_large_call_is_noted() {
    let is_large = |magazine, n: usize| {
        let pool = build::<Bare>(|builder| {
            builder.magazine_capacity(magazine).max_caches(1).shared_caches(0)
        });
        let mut cache = pool.cache().expect("a cache");
        let mut owner = cache.owner_mut().enter();
        let mut slot = owner.as_mut().take_back().expect("nobody takes from it");
        let out = &mut [MaybeUninit::uninit(); PAGES][..n];
        let done =
            pool.core.alloc_exact(Some(slot.reborrow()), out, Floor::None, Call::AllocBulkExact);
        let was_large = slot.begin_answer(true).was_large;
        drop(owner);
        forget((cache, pool));
        (done, was_large)
    };
    for (magazine, n, large) in [(8, 8, false), (8, 9, true), (64, 50, false), (64, 51, true)] {
        assert_eq!(is_large(magazine, n), (Ok(()), large), "{n} of {magazine}");
    }
}

/// What waits for tickets is told of where it would be enough, and only there.
#[test]
fn a_try_says_what_it_would_take() {
    struct Never;
    impl Fence for Never {
        fn passed(&self, _: u64) -> bool {
            false
        }
    }
    let pool = build::<Checked>(|builder| builder.shared_caches(0).fences(&[&Never]));
    let tries = |n: usize| {
        let out = &mut [MaybeUninit::uninit(); PAGES][..n];
        pool.core.alloc_exact(None, out, Floor::None, Call::AllocBulkExact)
    };
    assert_eq!(tries(85), Ok(()));
    let ids = pool.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 10]).0.to_vec();
    let room = pool.core.room_for_fenced(0, 10).expect("magazines");
    // SAFETY: they are out, this call's, and addresses only.
    let ids = unsafe { GivenUp::new(&ids) };
    assert_eq!(pool.core.fence_pages(room, 1, ids, &mut Faults::default()), 10);
    // Five are free, and ten wait.
    assert_eq!([6, 15].map(tries), [Err((5, ShortReason::Fenced)); 2]);
    assert_eq!([16, 50].map(tries), [Err((5, ShortReason::Exhausted)); 2]);
    pool.core.line.promise(5);
    assert_eq!(tries(16), Err((0, ShortReason::Promised)));
    pool.core.line.end_promise(5);
    assert_eq!(tries(5), Ok(()));
    assert_eq!(tries(11), Err((0, ShortReason::Exhausted)));
    forget(pool);
}
