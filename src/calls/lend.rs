//! Pages go to a device and come back.
//!
//! Invariant: a lent page has no owner; batches give up and take in pages one by one, each after its word has moved.

use super::*;

pub(super) fn lend_bulk<'o, M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    out: &'o mut [MaybeUninit<PageId>],
) -> &'o mut [PageId] {
    let core = front.shared();
    let mut faults = Faults::default();
    let n = if batch.is_of(front.core()) { batch.len().min(out.len()) } else { 0 };
    let mut lent = 0;
    batch.retain_front(n, |position, id| {
        if let Some(fault) = core.hand_over(id) {
            faults.add(id, position, fault);
            return true;
        }
        out[lent].write(id);
        lent += 1;
        false
    });
    core.books.lent.fetch_add(lent as u64, Ordering::Relaxed);
    // The call has no error to return; the pool remembers.
    let _ = core.verdict(&faults, lent);
    // SAFETY: the first `lent` were written.
    unsafe { written_mut(&mut out[..lent]) }
}

/// # Safety
/// The caller hands over the pages, whose bytes are initialised.
pub(super) unsafe fn reclaim_bulk<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    ids: &[PageId],
    batch: &mut PageBatch<M, N>,
) -> Result<usize, PageError> {
    let core = front.shared();
    let mut faults = Faults::default();
    let mut done = 0;
    if !batch.may_join(front.core()) || core.addresses_only {
        let fault = if core.addresses_only { Fault::AddressOnly } else { Fault::OtherPool };
        ids.iter().enumerate().for_each(|(at, &id)| faults.add(id, at, fault));
    } else {
        for (position, &id) in ids.iter().enumerate() {
            if batch.remaining_capacity() == 0 {
                break;
            }
            if core.take_back(id, position, &mut faults) {
                batch.vacant()[0].write(id);
                // SAFETY: the page is reclaimed, its id written, and the batch had room.
                unsafe { batch.grow(front.core(), 1) };
                done += 1;
            }
        }
        core.books.lent.fetch_sub(done as u64, Ordering::Relaxed);
    }
    core.verdict(&faults, done).map(|()| done)
}
