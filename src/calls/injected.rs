//! What a call does that a plan makes fail.
//!
//! Invariant: the pool is as after a call that failed by itself: what the call got and does not return is back, or
//! counted as bad, and a cache has honoured requests.

use core::mem::MaybeUninit;

use super::{Frontend, alloc_any};
use crate::error::ShortReason;
use crate::inner::Step;
use crate::mode::Mode;
use crate::page::PageId;
use crate::plan::InjectedFault;

/// Allocates pages as a plan will have it.
#[cold]
pub(super) fn alloc_injected<M: Mode>(
    front: &mut impl Frontend<M>,
    out: &mut [MaybeUninit<PageId>],
    step: Step,
    effect: InjectedFault,
) -> (usize, Option<ShortReason>) {
    match effect {
        InjectedFault::Short if out.len() > 1 => {
            let half = out.len() / 2;
            let (got, reason) = alloc_any(front, &mut out[..half], step);
            (got, reason.or(Some(ShortReason::Injected)))
        }
        InjectedFault::Fail | InjectedFault::Short => {
            front.begin();
            (0, Some(ShortReason::Injected))
        }
        InjectedFault::BadPage => {
            let (got, reason) = alloc_any(front, out, step);
            let Some(last) = got.checked_sub(1) else { return (got, reason) };
            // SAFETY: the first `got` were written.
            let id = unsafe { out[last].assume_init() };
            front.with_slot(|core, slot| core.veto(slot, id));
            let (another, none) = alloc_any(front, &mut out[last..got], step.then(last));
            (last + another, reason.or(none))
        }
    }
}
