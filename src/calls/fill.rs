//! What is vacant in an array gets pages.
//!
//! Invariant: a page is in its slot before the next one is asked for.

use core::iter;
use core::mem::MaybeUninit;

use super::{CHUNK, Frontend, alloc_slow};
use crate::error::{Call, Filled, ShortReason};
use crate::inner::Step;
use crate::mode::Mode;
use crate::owned::Page;
use crate::plan::CallKinds;

pub(crate) fn fill_vacant<M: Mode>(
    front: impl Frontend<M>,
    pages: &mut [Option<Page<M>>],
) -> Filled {
    fill(front, Call::FillVacant, (pages, 1), |front, (most, step), vacant| {
        let mut out = [MaybeUninit::uninit(); CHUNK];
        let (got, short) = alloc_slow(front, &mut out[..most], step, CallKinds::BULK);
        for (id, page) in out[..got].iter().zip(vacant) {
            // SAFETY: `alloc_slow` wrote `got` ids of pages that are now the caller's.
            let new = unsafe { Page::new(front.core(), id.assume_init()) };
            front.note_allocated(|| iter::once(new.id()));
            *page = Some(new);
        }
        (got, short)
    })
}

/// Fills the empty slots of an array, each with so many pages, by `some`: at most [`CHUNK`] at a time.
pub(super) fn fill<M: Mode, F: Frontend<M>, T>(
    mut front: F,
    call: Call,
    (out, pages): (&mut [Option<T>], usize),
    mut some: impl for<'o> FnMut(
        &mut F,
        (usize, Step),
        &mut dyn Iterator<Item = &'o mut Option<T>>,
    ) -> (usize, Option<ShortReason>),
) -> Filled {
    if front.shared().addresses_only {
        front.begin();
        return Filled::of(out, 0, Some(ShortReason::AddressOnly));
    }
    let mut want = out.iter().filter(|slot| slot.is_none()).count();
    if want == 0 {
        front.begin();
    }
    let mut step = Step::first(front.floor(want * pages));
    let mut vacant = out.iter_mut().filter(|slot| slot.is_none());
    let (mut allocated, mut reason) = (0, None);
    while want > 0 && reason.is_none() {
        let (got, short) = some(&mut front, (want.min(CHUNK), step), &mut vacant);
        step = step.then(got);
        (allocated, want) = (allocated + got, want - got);
        let may_retry =
            |why| why == ShortReason::Fenced && front.shared().reap_fences_when_dry() > 0;
        reason = short.filter(|&why| !may_retry(why));
    }
    front.shared().conclude(call);
    Filled::of(out, allocated, reason)
}
