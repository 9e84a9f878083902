//! Pages that are allocated and lent in one pass.
//!
//! Invariant: those of a chunk between `at` and `end` are lent, and nobody has their numbers; all before `end` are
//! written.

use core::mem::MaybeUninit;

use super::{Progress, Refilled};
use crate::calls::Frontend;
use crate::calls::raw::alloc_ids;
use crate::calls::reclaim::free_unused;
use crate::error::{Call, ShortReason};
use crate::inner::Core;
use crate::mode::Mode;
use crate::page::{FromDevice, LENT_TOGETHER, PageId, written};
use crate::plan::CallKinds;

/// Pages that are lent ahead.
pub struct Chunk {
    ids: [MaybeUninit<PageId>; LENT_TOGETHER],
    at: usize,
    end: usize,
}

impl Default for Chunk {
    #[inline(always)]
    fn default() -> Self {
        Chunk { ids: [const { MaybeUninit::uninit() }; LENT_TOGETHER], at: 0, end: 0 }
    }
}

impl Chunk {
    /// How many there are.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.end - self.at
    }

    /// The next one is the caller's.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<PageId> {
        if self.at == self.end {
            return None;
        }
        // It is below the end: the remainder is itself, and needs no look at the bounds.
        let next = &self.ids[self.at % LENT_TOGETHER];
        self.at += 1;
        // SAFETY: it was before the end.
        Some(unsafe { next.assume_init() })
    }
}

/// Allocates pages and lends them: as [`Lender::refill`].
#[inline]
pub(crate) fn lend_new<M: Mode>(
    mut front: impl Frontend<M>,
    chunk: &mut Chunk,
    progress: &mut Progress,
) -> Refilled {
    let core = front.shared();
    let wanted = progress.left().min(LENT_TOGETHER);
    let (out, had) = (&mut chunk.ids[..wanted], progress.lent);
    let (new, reason) = alloc_ids(&mut front, out, CallKinds::BULK, (progress.whole, had));
    core.tracker.moved(|| new.iter().copied(), progress.caller);
    let lent = match new.iter().position(|&id| core.lend_new(id).is_err()) {
        None => new.len(),
        Some(first) => without_corrupt(core, new, first),
    };
    core.count_lent(lent);
    // Before a fence is asked, which may panic.
    (chunk.at, chunk.end) = (0, lent);
    progress.lent += lent;
    match reason {
        None if lent == 0 => Refilled::Again,
        None => Refilled::All,
        Some(ShortReason::Fenced) if core.reap_fences_when_dry() > 0 => Refilled::Again,
        Some(reason) => Refilled::Short(reason),
    }
}

/// The rest of [`lend_new`], of pages that have just left, and of which one cannot be lent: its word is corrupt.
/// Returns how many are lent; they come first.
#[cold]
fn without_corrupt<M: Mode>(core: &Core<M>, ids: &mut [PageId], first: usize) -> usize {
    core.veto(None, ids[first]);
    let mut lent = first;
    for at in first + 1..ids.len() {
        match core.lend_new(ids[at]) {
            Ok(()) => {
                ids[lent] = ids[at];
                lent += 1;
            }
            Err(_) => core.veto(None, ids[at]),
        }
    }
    lent
}

/// Gives back what is left of a chunk, in a drop.
pub(crate) fn unlend<M: Mode>(front: impl Frontend<M>, chunk: &Chunk) {
    // SAFETY: they are before the end.
    let rest = unsafe { written(chunk.ids.get(chunk.at..chunk.end).unwrap_or_default()) };
    // SAFETY: they are lent; nobody has got their numbers, so no device has them, and nobody has written them.
    free_unused(front, unsafe { FromDevice::new(rest.iter().copied()) }, Call::LendNew);
}
