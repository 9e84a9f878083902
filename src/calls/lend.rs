//! Pages go to a device and come back.
//!
//! Invariant: a lent page has no owner; batches give up and take in pages one by one, each after its word has moved.

use core::mem::MaybeUninit;

use super::Frontend;
use crate::error::{Call, PageError};
use crate::inner::Faults;
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::page::{Fault, PageId, written_mut};

pub(crate) fn lend_bulk<'o, M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    out: &'o mut [MaybeUninit<PageId>],
) -> &'o mut [PageId] {
    front.begin();
    let core = front.shared();
    let mut faults = Faults::default();
    let n = if batch.named_core() == Some(front.core()) { batch.len().min(out.len()) } else { 0 };
    let mut lent = 0;
    batch.retain_front(n, |position, id| match core.lend(id) {
        Ok(()) => {
            out[lent].write(id);
            lent += 1;
            false
        }
        Err(fault) => {
            faults.add(id, position, fault);
            true
        }
    });
    core.count_lent(lent);
    // The call has no error to return; the pool remembers. By a panic the ids would be lost.
    if lent > 0 {
        core.record_for_later(&faults, lent, Call::LendBulk);
    } else {
        let _ = core.record_or_panic(&faults, lent, Call::LendBulk);
    }
    // SAFETY: the first `lent` were written.
    unsafe { written_mut(&mut out[..lent]) }
}

/// Takes back pages that the device, through the caller, gives up.
///
/// # Safety
/// The device is done with the pages, which this pool lent and which are reclaimed once; their bytes are
/// initialised.
pub(crate) unsafe fn reclaim_bulk<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    ids: &[PageId],
    batch: &mut PageBatch<M, N>,
) -> Result<usize, PageError> {
    front.begin();
    let core = front.shared();
    let mut faults = Faults::default();
    let mut done = 0;
    if !batch.may_join(front.core()) || core.addresses_only {
        let fault = if core.addresses_only { Fault::AddressOnly } else { Fault::OtherPool };
        for (at, &id) in ids.iter().enumerate() {
            core.refuse_call(id, at, fault, &mut faults);
        }
    } else {
        for (position, &id) in ids.iter().enumerate() {
            if batch.remaining_capacity() == 0 {
                break;
            }
            if core.reclaim(id, position, &mut faults) {
                batch.vacant()[0].write(id);
                // SAFETY: the page is reclaimed, its id written, and the batch had room.
                unsafe { batch.grow(front.core(), 1) };
                done += 1;
            }
        }
    }
    core.record_or_panic(&faults, done, Call::ReclaimBulk).map(|()| done)
}
