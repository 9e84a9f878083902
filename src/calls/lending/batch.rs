//! The pages of a batch are lent as they lie there.
//!
//! Invariant: the batch has let go of each page that is lent, and owns again what goes back.

use super::{Lender, Lending, Progress, Refilled};
use crate::calls::reclaim::Back;
use crate::error::{Call, ShortReason};
use crate::handle::Handle;
use crate::inner::Faults;
use crate::mode::{DefaultMode, Mode};
use crate::owned::{LetGo, PageBatch};
use crate::page::{LENT_TOGETHER, PageId, PageSize};
use crate::tracker::Caller;

/// A batch whose pages are lent: see [`Lending`].
///
/// ```
/// # use pagesheaf::{DefaultMode, FromBatch, Lending, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// fn send(ring: &mut Vec<u64>, packets: Lending<FromBatch<'_, DefaultMode>>) {
///     ring.extend(packets);
/// }
///
/// let (pool, mut ring) = (Pool::builder(100).build()?, Vec::new());
/// let mut packets = PageBatch::new();
/// pool.alloc_bulk_exact(&mut packets, 4)?;
/// send(&mut ring, pool.lend(&mut packets));
/// assert_eq!((ring.len(), packets.len()), (4, 0));
/// # // SAFETY: no device has the pages.
/// # unsafe { pool.free_lent(ring) }?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FromBatch<'a, M: Mode = DefaultMode, const N: usize = 256> {
    core: &'a Handle<M>,
    batch: LetGo<'a, M, N>,
}

/// The pages of a batch, as an iterator that lends them.
#[inline]
pub(crate) fn lend<'a, M: Mode, const N: usize>(
    core: &'a Handle<M>,
    batch: &'a mut PageBatch<M, N>,
    caller: Caller,
) -> Lending<FromBatch<'a, M, N>> {
    let pages = batch.len();
    Lending::new(FromBatch { core, batch: LetGo::of(batch, core.pointer()) }, pages, caller)
}

// SAFETY: the batch lets go of pages once, and owns again those that cannot be lent.
unsafe impl<M: Mode, const N: usize> Lender for FromBatch<'_, M, N> {
    type Chunk = ();

    #[inline(always)]
    fn size_of_pages(&self) -> PageSize {
        self.core.page_size
    }

    #[inline(always)]
    fn refill(&mut self, (): &mut (), progress: &mut Progress) -> Refilled {
        let core = &**self.core;
        if self.batch.had_none() {
            return Refilled::Short(ShortReason::OtherPool);
        }
        let mut faults = Faults::default();
        while self.batch.len() == 0 && self.batch.has_more() {
            self.batch.some(LENT_TOGETHER, |at, id| {
                let lent = core.lend(id);
                lent.inspect_err(|&fault| faults.add(id, at, fault)).is_ok()
            });
        }
        let lent = self.batch.len();
        progress.lent += lent;
        core.count_lent(lent);
        // What is taken is the caller's, who would lose it by a panic.
        if faults.count > 0 {
            core.record_for_later(&faults, lent, Call::Lend);
            core.conclude_quietly(Call::Lend);
        }
        Refilled::All
    }

    #[inline(always)]
    fn ahead(&self, (): &()) -> usize {
        self.batch.len()
    }

    #[inline(always)]
    fn take(&mut self, (): &mut ()) -> Option<PageId> {
        self.batch.take()
    }

    #[inline(always)]
    fn end(&mut self, (): &mut ()) {
        if self.batch.len() > 0 || self.batch.has_more() {
            let mut back = Back::new(self.core, Call::Lend);
            self.batch.end(|at, id| back.take(at, id));
        }
    }
}
