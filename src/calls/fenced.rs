//! Frees that wait for a ticket.
//!
//! Invariant: what is refused leaves the batch as it was.

use super::{Frontend, free_bulk};
use crate::error::{Call, FenceError};
use crate::inner::Faults;
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::plan::CallKinds;
use crate::ticket::Ticket;

pub(crate) fn free_bulk_after<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    ticket: Ticket,
) -> Result<(), FenceError> {
    let core = front.shared();
    let Some(fence) = core.fenced.fence(ticket.fence) else {
        front.begin();
        return Err(FenceError::NoFence { ticket, fences: core.fenced.count() });
    };
    if batch.is_empty() {
        front.begin();
        return Ok(());
    }
    if batch.named_core() != Some(front.core()) {
        front.begin();
        return Err(FenceError::OtherPool);
    }
    if core.injector.decide(CallKinds::FENCED, 0, batch.len()).is_some() {
        front.begin();
        return Err(FenceError::Injected);
    }
    // What need not wait goes the usual way.
    if fence.passed(ticket.value) {
        free_bulk(front, batch);
        return Ok(());
    }
    front.begin();
    core.reap_fence(ticket.fence);
    match core.room_for_fenced(ticket.fence, batch.len()) {
        Some(room) => {
            let mut faults = Faults::default();
            let pages = core.fence_pages(room, ticket.value, batch.give_up(0), &mut faults);
            _ = core.record_or_panic(&faults, pages, Call::FreeBulkAfter);
            Ok(())
        }
        None => {
            core.conclude(Call::FreeBulkAfter);
            Err(FenceError::NoMagazine)
        }
    }
}
