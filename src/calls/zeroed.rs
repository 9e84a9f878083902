//! Allocations of zeros.

use core::iter;
use core::mem::MaybeUninit;

use super::{Frontend, alloc, alloc_bulk_rest};
use crate::error::{BulkAlloc, Call, ShortReason};
use crate::mode::Mode;
use crate::owned::{Page, PageBatch};
use crate::page::PageId;
use crate::zone::Floor;

/// Takes pages past the magazines, at most 64, for a call that wants so many, where a fast path has none: how many, and
/// which of them are not zero, as bits. The caller counts them as its own.
fn alloc_knowing<M: Mode>(
    front: &mut impl Frontend<M>,
    out: &mut [MaybeUninit<PageId>],
    want: usize,
    floor: Floor,
) -> (usize, u64) {
    let core = front.shared();
    // A call that a plan may fail goes on as one that gets no zeros.
    if !core.may_know_zero(want, floor) || out.is_empty() || core.injector.is_armed() {
        return (0, 0);
    }
    if front.fast_slot().is_some_and(|slot| slot.entries(1).is_some()) {
        return (0, 0);
    }
    front.with_slot_as_is(|core, slot, asked| match slot {
        Some(slot) if !asked => {
            let (got, zero) = core.alloc_knowing(slot, out, floor);
            (got, !zero)
        }
        _ => (0, 0),
    })
}

pub(crate) fn alloc_zeroed<M: Mode>(mut front: impl Frontend<M>) -> Result<Page<M>, ShortReason> {
    let mut out = [MaybeUninit::uninit()];
    let floor = front.floor(1);
    let known = alloc_knowing(&mut front, &mut out, 1, floor);
    let mut page = match (front.home().with_bytes(), known) {
        (Some(core), (1, written)) => {
            // SAFETY: `alloc_knowing` wrote one id of a page that is now the caller's.
            let page = unsafe { Page::new(core, out[0].assume_init()) };
            front.note_allocated(|| iter::once(page.id()));
            front.shared().conclude(Call::AllocZeroed);
            if written & 1 == 0 {
                return Ok(page);
            }
            page
        }
        _ => alloc(front)?,
    };
    page.fill(0);
    Ok(page)
}

pub(crate) fn alloc_bulk_zeroed<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> BulkAlloc {
    let before = batch.len();
    let mut direct = 0;
    let floor = front.floor(want);
    if let Some(core) = front.home().with_bytes()
        && batch.may_join(core)
    {
        while direct < want {
            let n = (want - direct).min(batch.remaining_capacity());
            let out = &mut batch.vacant()[..n];
            let (got, written) = alloc_knowing(&mut front, out, want - direct, floor);
            // SAFETY: `alloc_knowing` wrote `got` ids of pages that are now the batch's.
            unsafe { batch.grow(core, got) };
            front.note_allocated(|| batch.last_ids(got));
            let new = (0..got).filter(|at| written >> at & 1 == 1);
            new.for_each(|at| batch[before + direct + at].fill(0));
            direct += got;
            if got < 64 {
                break;
            }
        }
    }
    let bulk = if direct == want && direct > 0 {
        front.shared().conclude(Call::AllocBulkZeroed);
        BulkAlloc { allocated: 0, reason: None }
    } else {
        alloc_bulk_rest(front, batch, want - direct, want)
    };
    (before + direct..batch.len()).for_each(|at| batch[at].fill(0));
    BulkAlloc { allocated: direct + bulk.allocated, reason: bulk.reason }
}
