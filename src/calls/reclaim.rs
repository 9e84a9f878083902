//! Pages come back from a device: into a batch, or free at once.
//!
//! Invariant: a page that has been taken back is in the batch, or free, before the user's code runs again; and counted
//! also if that panics. Until then it is lent.

use core::iter::Once;
use core::mem;
use core::ptr::NonNull;

use super::{Frontend, free_fast, free_slow};
use crate::error::{Call, PageError};
use crate::inner::{Core, Faults};
use crate::mode::Mode;
use crate::owned::{Page, PageBatch};
use crate::page::{Fault, FromDevice, LENT_TOGETHER, PageId, PartlyFreed, Returned};

/// What a call has done that takes pages back. If the call does not end, because of a panic or in a drop, the pool
/// remembers it.
pub(super) struct Back<'c, M: Mode> {
    core: &'c Core<M>,
    call: Call,
    faults: Faults,
    /// So many pages have been taken back, and not counted as such.
    reclaimed: usize,
    /// So many have gone through.
    done: usize,
}

impl<'c, M: Mode> Back<'c, M> {
    pub(super) fn new(core: &'c Core<M>, call: Call) -> Self {
        Back { core, call, faults: Faults::default(), reclaimed: 0, done: 0 }
    }

    /// Takes back a page of a batch, which that owns then. Says whether it was lent.
    pub(super) fn take(&mut self, position: usize, id: PageId) -> bool {
        match self.core.take_from_device(id) {
            Ok(()) => {
                self.reclaimed += 1;
                self.done += 1;
                true
            }
            Err(fault) => self.refuse(position, id, fault),
        }
    }

    fn count(&mut self) {
        if self.reclaimed > 0 {
            self.core.count_reclaimed(mem::take(&mut self.reclaimed));
        }
    }

    /// A page cannot be taken back.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, position: usize, id: PageId, fault: Fault) -> bool {
        self.core.refuse_call(id, position, fault, &mut self.faults);
        false
    }

    /// The end of a call, which the pool hears of once.
    fn end(&mut self) -> Result<usize, PageError> {
        self.count();
        let done = mem::take(&mut self.done);
        if self.faults.count > 0 {
            let faults = mem::take(&mut self.faults);
            return self.core.record_or_panic(&faults, done, self.call).map(|()| done);
        }
        self.core.conclude(self.call);
        Ok(done)
    }
}

impl<M: Mode> Drop for Back<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.count();
        if self.faults.count > 0 {
            self.core.record_for_later(&self.faults, self.done, self.call);
        }
        self.core.conclude_quietly(self.call);
    }
}

/// A batch that pages are taken back into: those that have come are noted when this ends, also by a panic.
struct TakingIn<'b, 'c, M: Mode, const N: usize> {
    back: &'b mut Back<'c, M>,
    batch: &'b mut PageBatch<M, N>,
    before: usize,
}

impl<M: Mode, const N: usize> Drop for TakingIn<'_, '_, M, N> {
    fn drop(&mut self) {
        let came = self.batch.len() - self.before;
        self.back.reclaimed += came;
        self.back.done += came;
    }
}

/// Takes pages back into a batch, which they may join, as long as it has room.
#[inline]
fn take_in<M: Mode, I: Iterator<Item = PageId>, const N: usize>(
    core: NonNull<Core<M>>,
    back: &mut Back<'_, M>,
    mut pages: FromDevice<I>,
    batch: &mut PageBatch<M, N>,
) {
    let (before, shared) = (batch.len(), back.core);
    let to = TakingIn { back, batch, before };
    let mut position = 0;
    while to.batch.remaining_capacity() > 0
        && let Some(id) = pages.next()
    {
        match shared.take_from_device(id) {
            Ok(()) => {
                to.batch.vacant()[0].write(id);
                // SAFETY: the page is reclaimed from a device that has given it up, its id written, and there was room.
                unsafe { to.batch.grow(core, 1) };
            }
            Err(fault) => _ = to.back.refuse(position, id, fault),
        }
        position += 1;
    }
}

/// The same, of whatever batch. If the pages cannot join it, so many of them at the most are refused.
#[inline]
fn take_in_or_refuse<M: Mode, I: Iterator<Item = PageId>, const N: usize>(
    core: NonNull<Core<M>>,
    back: &mut Back<'_, M>,
    mut pages: FromDevice<I>,
    (batch, refused): (&mut PageBatch<M, N>, usize),
) {
    let fault = if back.core.addresses_only {
        Fault::AddressOnly
    } else if batch.may_join(core) {
        return take_in(core, back, pages, batch);
    } else {
        Fault::OtherPool
    };
    for position in 0..refused {
        let Some(id) = pages.next() else { break };
        back.core.refuse_call(id, position, fault, &mut back.faults);
    }
}

/// Takes pages back into a batch, for a call of this name. If they cannot join it, so many at the most are refused.
#[inline]
pub(crate) fn reclaim<M: Mode, I: Iterator<Item = PageId>, const N: usize>(
    mut front: impl Frontend<M>,
    pages: FromDevice<I>,
    batch: &mut PageBatch<M, N>,
    (call, refused): (Call, usize),
) -> Result<usize, PageError> {
    front.begin();
    let mut back = Back::new(front.shared(), call);
    take_in_or_refuse(front.core(), &mut back, pages, (batch, refused));
    back.end()
}

/// Takes one page back.
pub(crate) fn reclaim_one<M: Mode>(
    front: impl Frontend<M>,
    page: FromDevice<Once<PageId>>,
) -> Result<Page<M>, PageError> {
    let mut batch = PageBatch::<M, 1>::empty();
    reclaim(front, page, &mut batch, (Call::Reclaim, 1))?;
    Ok(batch.pop().expect("a page that was not reclaimed is a fault"))
}

/// Pages on their way from a device to be free. What the user's iterator has given is freed also if it panics then.
struct Freeing<'c, M: Mode, F: Frontend<M>> {
    front: F,
    returned: Returned,
    /// How many pages of the call came before those.
    before: usize,
    back: Back<'c, M>,
}

impl<'c, M: Mode, F: Frontend<M> + 'c> Freeing<'c, M, F> {
    fn new(front: F, call: Call) -> Self {
        let back = Back::new(front.shared(), call);
        Freeing { front, returned: Returned::new(), before: 0, back }
    }
}

impl<M: Mode, F: Frontend<M>> Freeing<'_, M, F> {
    /// Takes the pages back, and frees those that were lent.
    fn flush(&mut self) {
        let (back, before) = (&mut self.back, self.before);
        self.before += self.returned.len();
        let (ids, refused) = self.returned.give_up(|at, id| match back.core.take_from_device(id) {
            Ok(()) => true,
            Err(fault) => back.refuse(before + at, id, fault),
        });
        let n = ids.len();
        if n == 0 {
            return;
        }
        back.reclaimed += n;
        back.count();
        back.core.tracker.freed(ids.ids());
        back.done += match free_fast(&mut self.front, back.core, ids) {
            Ok(()) => n,
            Err(partly) => free_rest(&mut self.front, back, partly, (before, refused)),
        };
    }

    /// The end of a call.
    fn end(&mut self) -> Result<usize, PageError> {
        self.flush();
        if self.back.done == 0 {
            self.front.begin();
        }
        self.back.end()
    }
}

impl<M: Mode, F: Frontend<M>> Drop for Freeing<'_, M, F> {
    #[inline]
    fn drop(&mut self) {
        if self.returned.len() > 0 {
            self.flush();
        }
    }
}

/// Frees what did not go fast, of pages that have been taken back. `before` them came others of the call, and of
/// themselves those whose bits are set were `refused`.
#[cold]
#[inline(never)]
fn free_rest<M: Mode>(
    front: &mut impl Frontend<M>,
    back: &mut Back<'_, M>,
    partly: PartlyFreed<'_>,
    (before, refused): (usize, u64),
) -> usize {
    let (ids, fast) = partly.into_parts();
    let mut faults = Faults::after(fast);
    let rest = ids.skip(fast);
    let freed = front.with_slot(|core, slot| free_slow(core, slot, rest, &mut faults));
    if faults.count > 0 {
        let mut positions = [0; LENT_TOGETHER];
        let good = (0..LENT_TOGETHER).filter(|at| refused >> at & 1 == 0);
        positions.iter_mut().zip(good).for_each(|(to, at)| *to = before + at);
        back.faults.merge_from(faults, &positions);
    }
    fast + freed
}

/// Frees pages that a device gives up, for a call of this name.
pub(crate) fn free_lent<M: Mode, I: Iterator<Item = PageId>>(
    front: impl Frontend<M>,
    mut pages: FromDevice<I>,
    call: Call,
) -> Result<usize, PageError> {
    let mut freeing = Freeing::new(front, call);
    loop {
        freeing.returned.fill(&mut pages);
        if !freeing.returned.is_full() {
            return freeing.end();
        }
        freeing.flush();
    }
}

/// The same, in a drop: at most as many as go together.
pub(super) fn free_unused<M: Mode, I: Iterator<Item = PageId>>(
    front: impl Frontend<M>,
    mut pages: FromDevice<I>,
    call: Call,
) {
    Freeing::new(front, call).returned.fill(&mut pages);
}

#[cfg(test)]
mod tests;
