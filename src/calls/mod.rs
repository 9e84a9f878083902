//! The calls: what a cache and a pool can both do, written once. `methods` stamps them on both.
//!
//! Invariant: state is committed before any of the user's code can run (a panic policy, a drop), so a panic leaves
//! the pool whole.

mod lend;
mod methods;
mod raw;

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::cache::Slot;
use crate::error::{BulkAlloc, ExactError, Fault, PageError, ShortReason};
use crate::inner::{Core, Faults};
use crate::mode::{Mode, Refcounted};
use crate::owned::{Block, Page, PageBatch};
use crate::page::{Order, PageId, Released, written_mut};
use crate::sync::Ordering;

use lend::{lend_bulk, reclaim_bulk};
use raw::{alloc_bulk_raw, free_bulk_ignoring_refcounts, free_bulk_raw, release_bulk, retain_bulk};

/// How many pages the calls without a batch move at once.
const CHUNK: usize = 32;

/// A way into the core: an owned cache, or a pool through its shared slots.
pub(crate) trait Front<M: Mode> {
    fn core(&self) -> NonNull<Core<M>>;

    /// What batches are compared with: the core, or nothing that a batch can have if there are no bytes to own.
    fn owner(&self) -> NonNull<Core<M>> {
        if self.shared().addresses_only { nobody() } else { self.core() }
    }

    /// How many pages are left at hand, if `n` can be taken from them at once.
    fn spares(&self, n: usize) -> Option<u32>;

    /// Takes pages at hand, counted, and leaves `left`.
    ///
    /// # Safety
    /// The front [spares](Self::spares) `out.len()` pages.
    unsafe fn take_now(&mut self, left: u32, out: &mut [MaybeUninit<PageId>]);

    /// Takes pages, counted.
    fn take(&mut self, out: &mut [MaybeUninit<PageId>]) -> (usize, Option<ShortReason>);

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

/// No core's address: it is not aligned.
fn nobody<M: Mode>() -> NonNull<Core<M>> {
    const { assert!(align_of::<Core<M>>() > 1) };
    const { NonNull::new(core::ptr::without_provenance_mut(1)).unwrap() }
}

#[inline(always)]
pub(super) fn alloc_bulk<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> BulkAlloc {
    if (batch.is_of(front.owner()) || joins(front, batch))
        && want <= batch.remaining_capacity()
        && let Some(left) = front.spares(want)
    {
        // The batch grows first: its length, stored behind the copy, would wait for it.
        // SAFETY: there is room. The owner is the core: nobody is in no batch, and nothing joins them. `take_now` writes `want`
        // ids of pages that are the batch's from now on.
        let out = unsafe { batch.grow(front.owner(), want) };
        // SAFETY: the front spares so many.
        unsafe { front.take_now(left, out) };
        return BulkAlloc { allocated: want, reason: None };
    }
    alloc_bulk_slowly(front, batch, want)
}

/// Whether a batch that was of no pool yet, or of another, can be attached to this one.
#[cold]
#[inline(never)]
fn joins<M: Mode, const N: usize>(front: &impl Front<M>, batch: &PageBatch<M, N>) -> bool {
    batch.may_join(front.core()) && !front.shared().addresses_only
}

#[cold]
#[inline(never)]
fn alloc_bulk_slowly<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> BulkAlloc {
    if !batch.may_join(front.core()) {
        return BulkAlloc { allocated: 0, reason: Some(ShortReason::OtherPool) };
    }
    if front.shared().addresses_only {
        return BulkAlloc { allocated: 0, reason: Some(ShortReason::AddressOnly) };
    }
    let n = want.min(batch.remaining_capacity());
    let (new, short) = front.take(&mut batch.vacant()[..n]);
    // SAFETY: `take` wrote `new` ids of pages that are now the batch's.
    unsafe { batch.grow(front.core(), new) };
    front.shared().alarm();
    BulkAlloc { allocated: new, reason: short.or((n < want).then_some(ShortReason::BatchFull)) }
}

pub(super) fn alloc_bulk_zeroed<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> BulkAlloc {
    let before = batch.len();
    let bulk = alloc_bulk(front, batch, want);
    (before..batch.len()).for_each(|at| batch[at].fill(0));
    bulk
}

pub(super) fn alloc_bulk_exact<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> Result<(), ExactError> {
    if want > batch.remaining_capacity() {
        return Err(ExactError { want, had: 0, reason: ShortReason::BatchFull });
    }
    if want > front.shared().pages as usize {
        return Err(ExactError { want, had: 0, reason: ShortReason::Exhausted });
    }
    let before = batch.len();
    let BulkAlloc { allocated: new, reason: short } = alloc_bulk(front, batch, want);
    let Some(short) = short else { return Ok(()) };
    // SAFETY: the pages that this call got leave the batch and go back.
    unsafe { give_all(front, batch.cut(before)) };
    Err(ExactError { want, had: new, reason: short })
}

#[inline(always)]
pub(super) fn alloc<M: Mode>(front: &mut impl Front<M>) -> Result<Page<M>, ShortReason> {
    if front.shared().addresses_only {
        return Err(ShortReason::AddressOnly);
    }
    let mut out = [MaybeUninit::uninit()];
    if let Some(left) = front.spares(1) {
        // SAFETY: the front spares one.
        unsafe { front.take_now(left, &mut out) };
        // SAFETY: `take_now` wrote one id of a page that is now the caller's.
        return Ok(unsafe { Page::new(front.core(), out[0].assume_init()) });
    }
    alloc_slowly(front)
}

#[cold]
#[inline(never)]
fn alloc_slowly<M: Mode>(front: &mut impl Front<M>) -> Result<Page<M>, ShortReason> {
    let mut out = [MaybeUninit::uninit()];
    let page = match front.take(&mut out) {
        // SAFETY: `take` wrote one id of a page that is now the caller's.
        (1, _) => Ok(unsafe { Page::new(front.core(), out[0].assume_init()) }),
        (_, short) => Err(short.unwrap_or(ShortReason::Exhausted)),
    };
    front.shared().alarm();
    page
}

pub(super) fn fill_vacant<M: Mode>(
    front: &mut impl Front<M>,
    pages: &mut [Option<Page<M>>],
) -> BulkAlloc {
    if front.shared().addresses_only {
        return BulkAlloc { allocated: 0, reason: Some(ShortReason::AddressOnly) };
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
        if short.is_some() || want == 0 {
            front.shared().alarm();
            return BulkAlloc { allocated: new, reason: short };
        }
    }
    BulkAlloc { allocated: new, reason: None }
}

#[inline(always)]
pub(super) fn free_bulk<M: Mode, const N: usize>(
    front: &mut impl Front<M>,
    batch: &mut PageBatch<M, N>,
) {
    batch.fetch_ahead();
    // A batch with pages has this owner only if it is the core.
    if !batch.is_of(front.owner()) {
        return go_home(batch);
    }
    // SAFETY: the pages leave the batch and go back.
    unsafe { give_all(front, batch.cut(0)) };
}

/// Pages of another pool, if there are any, go back to it.
#[cold]
#[inline(never)]
fn go_home<M: Mode, const N: usize>(batch: &mut PageBatch<M, N>) {
    batch.clear();
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
#[cold]
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
) -> Result<Block<M>, ShortReason> {
    let core = front.shared();
    if core.addresses_only {
        return Err(ShortReason::AddressOnly);
    }
    // SAFETY: the slot, if there is one, is held.
    let first = front.with_slot(|slot| unsafe { core.take_block(slot, order) });
    // SAFETY: the block is now the caller's.
    let block = first.map(|first| unsafe { Block::new(front.core(), first, order) });
    core.alarm();
    block
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
