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
