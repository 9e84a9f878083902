//! The calls: what a cache and a pool can both do, written once. `methods` stamps them on both.
//!
//! Invariant: state is committed before any of the user's code can run (a panic policy, a drop), so a panic leaves
//! the pool whole.

mod methods;

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::cache::Slot;
use crate::error::{AllocError, Bulk, Fault, FreeError, Short};
use crate::inner::{Core, Faults};
use crate::mode::{Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{Order, PageId, Released, written_mut};
use crate::sync::Ordering;

/// How many pages the calls without a batch move at once.
const CHUNK: usize = 32;

/// A way into the core: an owned cache, or a pool through its shared slots.
pub(crate) trait Front<M: Mode> {
    fn core(&self) -> NonNull<Core<M>>;

    /// What batches are compared with: the core, or nothing that a batch can have if there are no bytes to own.
    fn owner(&self) -> NonNull<Core<M>> {
        if self.shared().addresses_only { NonNull::dangling() } else { self.core() }
    }

    /// Takes all of `out` at once, counted, if that is quickly done.
    fn take_now(&mut self, out: &mut [MaybeUninit<PageId>]) -> bool;

    /// Takes pages, counted.
    fn take(&mut self, out: &mut [MaybeUninit<PageId>]) -> (usize, Option<Short>);

    /// Takes back as many pages, counted, as is quickly done, in order.
    ///
    /// # Safety
    /// The caller gives up as many of the pages, of this core, as are returned.
    unsafe fn give_now(&mut self, ids: &[PageId]) -> usize;

    /// Takes pages back, counted. Returns how many were good.
    ///
    /// # Safety
    /// The caller gives up the pages, of this core.
    unsafe fn give(&mut self, ids: &[PageId], faults: &mut Faults) -> usize;

    /// The slot, if one is to be had.
    fn with_slot<R>(&mut self, f: impl FnOnce(Option<&Slot>) -> R) -> R;

    /// The core, which the front keeps alive.
    #[inline(always)]
    fn shared<'a>(&self) -> &'a Core<M>
    where
        Self: 'a,
    {
        // SAFETY: the front's handle keeps the core alive for longer than any call.
        unsafe { self.core().as_ref() }
    }
}

#[inline(always)]
pub(super) fn alloc_bulk<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> Bulk {
    if batch.is_of(front.owner())
        && let Some(out) = batch.vacant().get_mut(..want)
        && front.take_now(out)
    {
        // SAFETY: `take_now` wrote `want` ids of pages that are now the batch's.
        unsafe { batch.grow(front.core(), want) };
        return Bulk { new: want, short: None };
    }
    alloc_bulk_slowly(front, batch, want)
}

#[inline(never)]
fn alloc_bulk_slowly<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> Bulk {
    if let Err(short) = batch.attach(front.core(), front.shared().addresses_only) {
        return Bulk { new: 0, short: Some(short) };
    }
    let n = want.min(batch.room());
    let (new, short) = front.take(&mut batch.vacant()[..n]);
    // SAFETY: `take` wrote `new` ids of pages that are now the batch's.
    unsafe { batch.grow(front.core(), new) };
    Bulk { new, short: short.or((n < want).then_some(Short::BatchFull)) }
}

pub(super) fn alloc_bulk_zeroed<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> Bulk {
    let before = batch.len();
    let bulk = alloc_bulk(front, batch, want);
    (before..batch.len()).for_each(|at| batch[at].fill(0));
    bulk
}

pub(super) fn alloc_bulk_exact<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> Result<(), AllocError> {
    if want > batch.room() {
        return Err(AllocError { want, had: 0, short: Short::BatchFull });
    }
    if want > front.shared().pages as usize {
        return Err(AllocError { want, had: 0, short: Short::Exhausted });
    }
    let before = batch.len();
    let Bulk { new, short } = alloc_bulk(front, batch, want);
    let Some(short) = short else { return Ok(()) };
    // SAFETY: the pages that this call got leave the batch and go back.
    unsafe { give_all(front, batch.cut(before)) };
    Err(AllocError { want, had: new, short })
}

#[inline(always)]
pub(super) fn alloc<M: Mode>(front: &mut impl Front<M>) -> Result<Page<M>, Short> {
    if front.shared().addresses_only {
        return Err(Short::AddressOnly);
    }
    let mut out = [MaybeUninit::uninit()];
    let taken = if front.take_now(&mut out) { (1, None) } else { front.take(&mut out) };
    match taken {
        // SAFETY: `take` wrote one id of a page that is now the caller's.
        (1, _) => Ok(unsafe { Page::new(front.core(), out[0].assume_init()) }),
        (_, short) => Err(short.unwrap_or(Short::Exhausted)),
    }
}

pub(super) fn fill<M: Mode>(front: &mut impl Front<M>, pages: &mut [Option<Page<M>>]) -> Bulk {
    if front.shared().addresses_only {
        return Bulk { new: 0, short: Some(Short::AddressOnly) };
    }
    let mut want = pages.iter().filter(|page| page.is_none()).count();
    let mut empty = pages.iter_mut().filter(|page| page.is_none());
    let mut new = 0;
    while want > 0 {
        let mut out = [MaybeUninit::uninit(); CHUNK];
        let (got, short) = front.take(&mut out[..want.min(CHUNK)]);
        for (id, slot) in out[..got].iter().zip(&mut empty) {
            // SAFETY: `take` wrote `got` ids of pages that are now the caller's.
            *slot = Some(unsafe { Page::new(front.core(), id.assume_init()) });
        }
        new += got;
        want -= got;
        if short.is_some() {
            return Bulk { new, short };
        }
    }
    Bulk { new, short: None }
}

#[inline(always)]
pub(super) fn free_bulk<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
) {
    if !batch.is_of(front.core()) {
        // Pages of another pool go home.
        return batch.clear();
    }
    // SAFETY: the pages leave the batch and go back.
    unsafe { give_all(front, batch.cut(0)) };
}

#[inline(always)]
pub(super) fn free<M: Mode>(front: &mut impl Front<M>, page: Page<M>) {
    if page.core() != front.core() {
        // A page of another pool goes home.
        return drop(page);
    }
    // SAFETY: the page is given up by its owner.
    unsafe { give_all(front, &[page.into_raw()]) };
}

/// Takes owned pages back.
///
/// # Safety
/// The caller gives up the pages, of this core.
#[inline(always)]
unsafe fn give_all<M: Mode>(front: &mut impl Front<M>, ids: &[PageId]) {
    // SAFETY: passed on to the caller.
    let given = unsafe { front.give_now(ids) };
    if given < ids.len() {
        // SAFETY: passed on to the caller.
        unsafe { give_rest(front, ids, given) };
    }
}

/// Takes back what did not go quickly.
///
/// # Safety
/// As [`give_all`], for the pages from `given` on.
#[inline(never)]
unsafe fn give_rest<M: Mode>(front: &mut impl Front<M>, ids: &[PageId], given: usize) {
    let mut faults = Faults::after(given);
    // SAFETY: passed on to the caller.
    let freed = unsafe { front.give(&ids[given..], &mut faults) };
    // The call has no error to return; the pool remembers.
    let _ = front.shared().verdict(&faults, given + freed);
}

pub(super) fn alloc_block<M: Mode>(
    front: &mut impl Front<M>,
    order: Order,
) -> Result<Block<M>, Short> {
    let core = front.shared();
    if core.addresses_only {
        return Err(Short::AddressOnly);
    }
    // SAFETY: the slot, if there is one, is held.
    let first = front.with_slot(|slot| unsafe { core.take_block(slot, order) })?;
    // SAFETY: the block is now the caller's.
    Ok(unsafe { Block::new(front.core(), first, order) })
}

pub(super) fn free_block<M: Mode>(front: &mut impl Front<M>, block: Block<M>) {
    if block.core() != front.core() {
        return drop(block);
    }
    let core = front.shared();
    let (first, order) = block.into_parts();
    let mut faults = Faults::default();
    let freed = core.give_block(first, order, &mut faults);
    front.with_slot(|slot| match slot {
        Some(slot) => slot.counters.gave::<M>(freed),
        None => core.orphans_given(freed),
    });
    // The call has no error to return; the pool remembers.
    let _ = core.verdict(&faults, freed);
}

pub(super) fn alloc_bulk_raw<'o, M: Mode>(
    front: &mut impl Front<M>,
    out: &'o mut [MaybeUninit<PageId>],
) -> (&'o mut [PageId], Option<Short>) {
    let (got, short) = if front.take_now(out) { (out.len(), None) } else { front.take(out) };
    // SAFETY: `take` wrote the first `got`.
    (unsafe { written_mut(&mut out[..got]) }, short)
}

/// # Safety
/// The caller is the pages' sole owner and gives them up.
pub(super) unsafe fn free_bulk_raw<M: Mode>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<(), FreeError> {
    if M::REFCOUNT && !M::CHECKS {
        let (mut faults, mut unchecked) = (Faults::default(), Faults::default());
        let (core, mut freed) = (front.shared(), 0);
        core.sole_runs(ids, &mut faults, |run| {
            // SAFETY: passed on to the caller.
            freed += unsafe { front.give(run, &mut unchecked) };
        });
        return core.verdict(&faults, freed);
    }
    // SAFETY: passed on to the caller, here and below.
    let given = unsafe { front.give_now(ids) };
    if given == ids.len() {
        return Ok(());
    }
    let mut faults = Faults::after(given);
    // SAFETY: as above.
    let freed = given + unsafe { front.give(&ids[given..], &mut faults) };
    front.shared().verdict(&faults, freed)
}

pub(super) fn retain_bulk<M: Refcounted>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<usize, FreeError> {
    let core = front.shared();
    let mut faults = Faults::default();
    let mut done = 0;
    for (position, &id) in ids.iter().enumerate() {
        match core.check_out(id).and_then(|()| core.word(id).retain(1)) {
            Ok(()) => done += 1,
            Err(fault) => faults.add(id, position, fault),
        }
    }
    core.verdict(&faults, done).map(|()| done)
}

/// # Safety
/// The caller gives up a reference to each page.
pub(super) unsafe fn release_bulk<M: Refcounted>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<usize, FreeError> {
    let core = front.shared();
    let mut faults = Faults::default();
    let (mut done, mut freed) = (0, 0);
    for (chunk, some) in ids.chunks(CHUNK).enumerate() {
        let mut last = [PageId::new(0); CHUNK];
        let mut positions = [0; CHUNK];
        let mut n = 0;
        for (at, &id) in some.iter().enumerate() {
            let position = chunk * CHUNK + at;
            match core.check_out(id).map(|()| core.word(id).release()) {
                Ok(Released::Shared) => done += 1,
                Ok(Released::Last) => {
                    (last[n], positions[n]) = (id, position);
                    n += 1;
                }
                Ok(Released::Saturated) => faults.add(id, position, Fault::Saturated),
                Err(fault) => faults.add(id, position, fault),
            }
        }
        let mut twice = Faults::default();
        // SAFETY: the last reference makes the caller the sole owner, who gives the page up.
        let good = unsafe { front.give(&last[..n], &mut twice) };
        if let Some((id, at, fault)) = twice.first {
            faults.add(id, positions[at], fault);
            faults.count += twice.count - 1;
        }
        freed += good;
        done += good;
    }
    core.verdict(&faults, done).map(|()| freed)
}

/// # Safety
/// The caller gives up the pages, and whoever holds references never uses or drops them again.
pub(super) unsafe fn free_bulk_elevated<M: Mode>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<(), FreeError> {
    let core = front.shared();
    if !ids.is_empty() {
        core.taint();
    }
    if M::REFCOUNT {
        for word in ids.iter().filter_map(|id| core.words.get(id.index() as usize)) {
            word.forget_references();
        }
    }
    // SAFETY: passed on to the caller.
    unsafe { free_bulk_raw(front, ids) }
}

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
) -> Result<usize, FreeError> {
    let core = front.shared();
    let mut faults = Faults::default();
    let mut done = 0;
    if batch.attach(front.core(), core.addresses_only).is_err() {
        ids.iter().enumerate().for_each(|(at, &id)| faults.add(id, at, Fault::OtherPool));
    } else {
        for (position, &id) in ids.iter().enumerate().take(batch.room()) {
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
