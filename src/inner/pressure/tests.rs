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
        assert_eq!(core.alloc(call.reborrow(), &mut out, Floor::None), (5, None));
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
