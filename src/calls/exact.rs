//! All-or-none allocation.
//!
//! Invariant: the batch is as it was, or has every page that was wanted.

use super::{Frontend, alloc_bulk_fast, refuse};
use crate::error::{Call, ExactError, ShortReason};
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::plan::CallKinds;

/// For a call of this name.
pub(crate) fn alloc_bulk_exact<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
    call: Call,
) -> Result<(), ExactError> {
    let never = if want > batch.remaining_capacity() {
        Some(ShortReason::BatchFull)
    } else if want > front.shared().pages as usize {
        Some(ShortReason::TooMany)
    } else {
        None
    };
    if let Some(reason) = never {
        front.begin();
        return Err(ExactError { want, had: 0, reason });
    }
    if let Some(core) = front.home().is(batch.named_core())
        && alloc_bulk_fast(&mut front, core, batch, want)
    {
        return Ok(());
    }
    alloc_exact_slowly(front, batch, want, call)
}

/// Where the fast path does not go, or not before a batch of no pool, or of another, has joined.
#[cold]
#[inline(never)]
fn alloc_exact_slowly<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
    call: Call,
) -> Result<(), ExactError> {
    let none = |reason| Err(ExactError { want, had: 0, reason });
    let Some(core) = front.home().with_bytes() else {
        return none(refuse(front, batch, ShortReason::AddressOnly));
    };
    if !batch.may_join(core) {
        return none(refuse(front, batch, ShortReason::OtherPool));
    }
    if batch.named_core() != Some(core) && alloc_bulk_fast(&mut front, core, batch, want) {
        return Ok(());
    }
    // A call that waits has been decided, as it began.
    if call != Call::Wait && front.shared().injector.decide(CallKinds::EXACT, 0, want).is_some() {
        return none(refuse(front, batch, ShortReason::Injected));
    }
    let out = &mut batch.vacant()[..want];
    let floor = front.floor(want);
    front.shared().reap_fences_for(want, floor);
    let done = front.with_slot_as_is(|core, slot, _| core.alloc_exact(slot, out, floor, call));
    if done.is_ok() {
        // SAFETY: `alloc_exact` wrote `want` ids of pages that are now the batch's.
        unsafe { batch.grow(core, want) };
        front.note_allocated(|| batch.last_ids(want));
    }
    front.shared().conclude(call);
    done.map_err(|(had, reason)| ExactError { want, had, reason })
}
