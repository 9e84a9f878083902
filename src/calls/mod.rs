//! The calls: what a cache and a pool can both do, written once. `methods`, and those of its kind, stamp them on both.
//!
//! Invariant: state, count and owner come before any panic and any of the user's code: a panic loses no page.

mod address_methods;
mod block_methods;
mod blocks;
mod device_methods;
mod exact;
mod fenced;
mod fill;
mod frontend;
mod injected;
mod lend;
mod lending;
mod methods;
mod raw;
mod raw_methods;
mod reclaim;
mod zeroed;

use core::iter;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

pub(crate) use address_methods::address_methods;
pub(crate) use block_methods::block_methods;
pub(crate) use blocks::{
    alloc_at, alloc_at_raw, alloc_block, alloc_block_at, alloc_block_raw, alloc_blocks_bulk,
    alloc_blocks_bulk_raw, free_block, free_block_raw,
};
pub(crate) use device_methods::device_methods;
pub(crate) use exact::alloc_bulk_exact;
pub(crate) use fenced::free_bulk_after;
pub(crate) use fill::fill_vacant;
pub(crate) use frontend::{Frontend, Home, begin};
pub(crate) use lend::lend_bulk;
pub(crate) use lending::{Chunk, Progress, Refilled, lend, lend_new, unlend};
pub use lending::{FromBatch, Lender, Lending};
pub(crate) use methods::{methods, through};
pub(crate) use raw::{
    alloc_bulk_raw, alloc_raw, free_bulk_ignoring_refcounts, free_bulk_raw, release_bulk,
    release_many, retain_bulk, retain_many,
};
pub(crate) use raw_methods::raw_methods;
pub(crate) use reclaim::{free_lent, reclaim, reclaim_one};
pub(crate) use zeroed::{alloc_bulk_zeroed, alloc_zeroed};

use crate::error::{BulkAlloc, Call, PageError, ShortReason};
use crate::inner::{Core, Faults, InSlot, Step};
use crate::mode::Mode;
use crate::owned::{Page, PageBatch};
use crate::page::{GivenUp, PageId, PartlyFreed};
use crate::plan::CallKinds;
use crate::slot::SlotMut;

/// How many pages the calls without a batch move at once.
const CHUNK: usize = 32;

/// Allocates pages, not by the fast path, for a call of this kind.
#[inline(always)]
fn alloc_slow<M: Mode>(
    front: &mut impl Frontend<M>,
    out: &mut [MaybeUninit<PageId>],
    step: Step,
    kind: CallKinds,
) -> (usize, Option<ShortReason>) {
    match front.shared().injector.decide(kind, 0, out.len()) {
        Some(effect) => injected::alloc_injected(front, out, step, effect),
        None => alloc_any(front, out, step),
    }
}

/// As [`alloc_slow`], for whatever call.
fn alloc_any<M: Mode>(
    front: &mut impl Frontend<M>,
    out: &mut [MaybeUninit<PageId>],
    step: Step,
) -> (usize, Option<ShortReason>) {
    front.with_slot_as_is(move |core, slot, asked| match slot {
        Some(slot) if asked => core.alloc_asked(slot, out, step),
        Some(slot) => core.alloc(slot, out, step),
        None => core.alloc_without_slot(out, step),
    })
}

/// Frees pages of this core, not by the fast path, and counts them. Returns how many were good.
fn free_slow<M: Mode>(
    core: &Core<M>,
    slot: Option<SlotMut<'_>>,
    ids: GivenUp<'_>,
    faults: &mut Faults,
) -> usize {
    match slot {
        Some(slot) => core.free::<InSlot>(slot, ids, faults),
        None => {
            let freed = core.free_without_slot(ids, faults);
            core.count_uncached_free(freed);
            freed
        }
    }
}

/// Frees pages, counted, as far as the fast path goes. `core` is the frontend's.
#[inline(always)]
fn free_fast<'i, M: Mode>(
    front: &mut impl Frontend<M>,
    core: &Core<M>,
    ids: GivenUp<'i>,
) -> Result<(), PartlyFreed<'i>> {
    match front.fast_slot() {
        Some(slot) => core.free_fast::<InSlot>(slot, ids),
        None => Err(ids.partly_freed(0)),
    }
}

/// Frees owned pages of this core, which is the frontend's: fast, and what does not go fast, slowly.
#[inline(always)]
fn free_owned<M: Mode, F: Frontend<M>, const BULK: bool>(
    mut front: F,
    core: &Core<M>,
    ids: GivenUp<'_>,
) {
    core.tracker.freed(ids.ids());
    if let Err(partly) = free_fast(&mut front, core, ids) {
        let (ids, fast) = partly.into_parts();
        free_owned_rest::<M, F, BULK>(front, ids, fast);
    }
}

#[cold]
#[inline(never)]
fn free_owned_rest<M: Mode, F: Frontend<M>, const BULK: bool>(
    mut front: F,
    ids: GivenUp<'_>,
    fast: usize,
) {
    let call = const { if BULK { Call::FreeBulk } else { Call::Free } };
    if !F::OWNS_SLOT {
        // The call ends when the slot is given up, so that a waker does not find it locked.
        let mut faults = Faults::after(fast);
        let rest = ids.skip(fast);
        let freed = front.with_slot(|core, slot| fast + free_slow(core, slot, rest, &mut faults));
        _ = front.shared().record_or_panic(&faults, freed, call);
        return;
    }
    front.with_slot(|core, slot| {
        match slot {
            // Where nobody looks at pages, the fast path frees all or none, and finds none to be bad.
            Some(slot) if !M::CHECKS => _ = core.free::<InSlot>(slot, ids, &mut Faults::default()),
            slot => {
                let mut faults = Faults::after(fast);
                let freed = fast + free_slow(core, slot, ids.skip(fast), &mut faults);
                core.remember_in_slot(&faults, freed, call);
            }
        }
    });
    front.shared().conclude(call);
}

/// Frees what did not go fast.
fn free_rest<M: Mode>(
    mut front: impl Frontend<M>,
    partly: PartlyFreed<'_>,
) -> Result<(), PageError> {
    let (ids, fast) = partly.into_parts();
    let rest = ids.skip(fast);
    let recorded = front.with_slot(|core, slot| {
        let mut faults = Faults::after(fast);
        let freed = fast + free_slow(core, slot, rest, &mut faults);
        core.record(&faults, freed, Call::FreeBulkRaw)
    });
    front.shared().end(recorded, Call::FreeBulkRaw)
}

#[inline(always)]
pub(crate) fn alloc_bulk<M: Mode, const N: usize>(
    front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> BulkAlloc {
    alloc_bulk_rest(front, batch, want, want)
}

/// As [`alloc_bulk`], for `want` pages of a call for `whole`.
#[inline(always)]
pub(crate) fn alloc_bulk_rest<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
    whole: usize,
) -> BulkAlloc {
    if let Some(core) = front.home().is(batch.named_core())
        && alloc_bulk_fast(&mut front, core, batch, want)
    {
        return BulkAlloc { allocated: want, reason: None };
    }
    alloc_bulk_slowly(front, batch, want, whole)
}

/// The fast path, into a batch that is of this pool or may join it. Says whether it could be taken.
#[inline(always)]
fn alloc_bulk_fast<M: Mode, const N: usize>(
    front: &mut impl Frontend<M>,
    core: NonNull<Core<M>>,
    batch: &mut PageBatch<M, N>,
    want: usize,
) -> bool {
    if want <= batch.remaining_capacity()
        && let shared = front.shared()
        && let Some(slot) = front.fast_slot()
        && let Some(fast) = shared.alloc_fast(slot, want)
    {
        // The batch grows first: its length, stored behind the copy, would wait for it.
        // SAFETY: there is room, and `alloc` writes `want` ids of this core's pages, the batch's from now on.
        fast.alloc(unsafe { batch.grow(core, want) });
        front.note_allocated(|| batch.last_ids(want));
        return true;
    }
    false
}

/// Where the fast path does not go, or not before a batch of no pool, or of another, has joined.
#[cold]
#[inline(never)]
fn alloc_bulk_slowly<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
    whole: usize,
) -> BulkAlloc {
    let none = |reason| BulkAlloc { allocated: 0, reason: Some(reason) };
    let Some(core) = front.home().with_bytes() else {
        return none(refuse(front, batch, ShortReason::AddressOnly));
    };
    if !batch.may_join(core) {
        return none(refuse(front, batch, ShortReason::OtherPool));
    }
    if batch.named_core() != Some(core) && alloc_bulk_fast(&mut front, core, batch, want) {
        return BulkAlloc { allocated: want, reason: None };
    }
    let n = want.min(batch.remaining_capacity());
    let step = Step::first(front.floor(whole));
    let (new, reason) = alloc_slow(&mut front, &mut batch.vacant()[..n], step, CallKinds::BULK);
    // SAFETY: `alloc_slow` wrote `new` ids of pages that are now the batch's.
    unsafe { batch.grow(core, new) };
    front.note_allocated(|| batch.last_ids(new));
    front.shared().conclude(Call::AllocBulk);
    if new == want {
        return BulkAlloc { allocated: want, reason: None };
    }
    if reason == Some(ShortReason::Fenced) {
        return alloc_bulk_fenced(front, batch, new, (want - new, whole));
    }
    // All that there was room for.
    BulkAlloc { allocated: new, reason: reason.or(Some(ShortReason::BatchFull)) }
}

/// The end of a call that got `new` pages, and found others that wait for tickets: it tries once more if some have
/// passed.
#[cold]
#[inline(never)]
fn alloc_bulk_fenced<M: Mode, const N: usize>(
    front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    new: usize,
    (want, whole): (usize, usize),
) -> BulkAlloc {
    if front.shared().reap_fences_when_dry() == 0 {
        return BulkAlloc { allocated: new, reason: Some(ShortReason::Fenced) };
    }
    let more = alloc_bulk_slowly(front, batch, want, whole);
    BulkAlloc { allocated: new + more.allocated, ..more }
}

/// What a call says that can put no page into the batch. That pages of another pool are there comes first.
#[cold]
fn refuse<M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &PageBatch<M, N>,
    otherwise: ShortReason,
) -> ShortReason {
    front.begin();
    if batch.may_join(front.core()) { otherwise } else { ShortReason::OtherPool }
}

#[inline(always)]
pub(crate) fn alloc<M: Mode>(mut front: impl Frontend<M>) -> Result<Page<M>, ShortReason> {
    let Some(core) = front.home().with_bytes() else {
        front.begin();
        return Err(ShortReason::AddressOnly);
    };
    let mut out = [MaybeUninit::uninit()];
    let shared = front.shared();
    if let Some(slot) = front.fast_slot()
        && let Some(fast) = shared.alloc_fast(slot, 1)
    {
        fast.alloc(&mut out);
        // SAFETY: `alloc` wrote one id of a page that is now the caller's.
        return Ok(unsafe {
            let id = out[0].assume_init();
            front.note_allocated(|| iter::once(id));
            Page::new(core, id)
        });
    }
    alloc_slowly(front)
}

#[cold]
#[inline(never)]
fn alloc_slowly<M: Mode>(mut front: impl Frontend<M>) -> Result<Page<M>, ShortReason> {
    let mut out = [MaybeUninit::uninit()];
    let step = Step::first(front.floor(1));
    let page = match alloc_slow(&mut front, &mut out, step, CallKinds::SINGLE) {
        // SAFETY: `alloc_slow` wrote one id of a page that is now the caller's.
        (1, _) => Ok(unsafe { Page::new(front.core(), out[0].assume_init()) }),
        (_, Some(ShortReason::Fenced)) => return alloc_fenced(front),
        (_, reason) => Err(reason.unwrap_or(ShortReason::Exhausted)),
    };
    front.note_allocated(|| page.iter().map(Page::id));
    front.shared().conclude(Call::Alloc);
    page
}

/// As [`alloc_bulk_fenced`], of one page.
#[cold]
#[inline(never)]
fn alloc_fenced<M: Mode>(front: impl Frontend<M>) -> Result<Page<M>, ShortReason> {
    if front.shared().reap_fences_when_dry() > 0 {
        return alloc_slowly(front);
    }
    front.shared().conclude(Call::Alloc);
    Err(ShortReason::Fenced)
}

#[inline(always)]
pub(crate) fn free_bulk<M: Mode, const N: usize>(
    front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
) {
    batch.fetch_ahead();
    // A batch with pages has this owner only if it is the core.
    let Some(core) = front.shared_if_home(batch.named_core()) else { return go_home(front, batch) };
    free_owned::<M, _, true>(front, core, batch.give_up(0));
}

/// Pages of another pool, if there are any, go back to it.
#[cold]
#[inline(never)]
fn go_home<M: Mode, const N: usize>(mut front: impl Frontend<M>, batch: &mut PageBatch<M, N>) {
    front.begin();
    batch.clear();
}

#[inline(always)]
pub(crate) fn free<M: Mode>(mut front: impl Frontend<M>, page: Page<M>) {
    let Some(core) = front.shared_if_home(Some(page.core())) else {
        // A page of another pool goes home.
        front.begin();
        return drop(page);
    };
    let ids = [page.into_raw()];
    // SAFETY: the page was its owner's alone, and is initialised.
    free_owned::<M, _, false>(front, core, unsafe { GivenUp::new(&ids) });
}

#[cfg(test)]
mod tests;
