//! A turn that nobody gives back.

use core::mem::{MaybeUninit, forget};

use super::*;
use crate::inner::tests::build;
use crate::mode::{Bare, Checked, Hardened};
use crate::pool::Pool;
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
