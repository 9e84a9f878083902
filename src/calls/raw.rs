//! Calls by page id: whoever makes them answers for whose the pages are.
//!
//! Invariant: an id that may be freed, retained or released is one that the call's caller vouches for; what a mode
//! can find out of it, it looks at before anything is done with the page.

use core::mem::MaybeUninit;

use super::{CHUNK, Frontend, alloc_slow, free_fast, free_rest, free_slow};
use crate::error::{Call, PageError, ShortReason};
use crate::history::Event;
use crate::inner::{Core, Faults, Step};
use crate::mode::{Mode, Policy, Refcounted};
use crate::page::{Fault, GivenUp, PageId, References, Released, written_mut};
use crate::plan::CallKinds;

pub(crate) fn alloc_bulk_raw<M: Mode>(
    mut front: impl Frontend<M>,
    out: &mut [MaybeUninit<PageId>],
) -> (&mut [PageId], Option<ShortReason>) {
    let n = out.len();
    let (ids, reason) = alloc_ids(&mut front, out, CallKinds::BULK, (n, 0));
    front.note_raw(|| ids.iter().copied());
    (ids, reason)
}

/// Allocates pages as ids, of a call for `whole`, which has `had` some.
#[inline(always)]
pub(super) fn alloc_ids<'o, M: Mode>(
    front: &mut impl Frontend<M>,
    out: &'o mut [MaybeUninit<PageId>],
    kind: CallKinds,
    (whole, had): (usize, usize),
) -> (&'o mut [PageId], Option<ShortReason>) {
    let core = front.shared();
    let fast = front.fast_slot().and_then(|slot| core.alloc_fast(slot, out.len()));
    let (got, reason) = match fast {
        Some(fast) => {
            fast.alloc(out);
            (out.len(), None)
        }
        None => {
            let step = Step::first(front.floor(whole)).then(had);
            let slow = alloc_slow(front, out, step, kind);
            front.shared().conclude_quietly(Call::AllocBulkRaw);
            slow
        }
    };
    // SAFETY: the first `got` were written.
    let ids = unsafe { written_mut(&mut out[..got]) };
    front.note_allocated(|| ids.iter().copied());
    (ids, reason)
}

pub(crate) fn alloc_raw<M: Mode>(mut front: impl Frontend<M>) -> Result<PageId, ShortReason> {
    let mut out = [MaybeUninit::uninit()];
    let (ids, reason) = alloc_ids(&mut front, &mut out, CallKinds::SINGLE, (1, 0));
    front.note_raw(|| ids.iter().copied());
    ids.first().copied().ok_or(reason.unwrap_or(ShortReason::Exhausted))
}

pub(crate) fn free_bulk_raw<M: Mode>(
    mut front: impl Frontend<M>,
    ids: GivenUp<'_>,
) -> Result<(), PageError> {
    front.shared().tracker.freed(ids.ids());
    if M::COUNTS_ONLY {
        return free_sole(front, ids);
    }
    let core = front.shared();
    match free_fast(&mut front, core, ids) {
        Ok(()) => Ok(()),
        Err(partly) => free_rest(front, partly),
    }
}

/// Frees those of the pages that nobody else holds, where nothing but the count is looked at.
fn free_sole<M: Mode>(mut front: impl Frontend<M>, ids: GivenUp<'_>) -> Result<(), PageError> {
    front.begin();
    let mut faults = Faults::default();
    let (core, mut freed) = (front.shared(), 0);
    core.sole_runs(ids.ids(), &mut faults, |start, run, faults| {
        let mut of_run = Faults::after(start);
        // SAFETY: a part of the ids that were given up, which is named once.
        let run = unsafe { GivenUp::new(run) };
        freed += front.with_slot(|core, slot| free_slow(core, slot, run, &mut of_run));
        faults.merge(of_run);
    });
    core.record_or_panic(&faults, freed, Call::FreeBulkRaw)
}

pub(crate) fn retain_bulk<M: Refcounted>(
    mut front: impl Frontend<M>,
    ids: &[PageId],
) -> Result<usize, PageError> {
    front.begin();
    let core = front.shared();
    let mut faults = Faults::default();
    let mut done = 0;
    for (position, &id) in ids.iter().enumerate() {
        match core.check_out(id).and_then(|()| core.references(id).retain(M::CLAIMS, 1)) {
            Ok(()) => {
                core.tracker.note(id, Event::Retained);
                done += 1;
            }
            Err(fault) => core.refuse_call(id, position, fault, &mut faults),
        }
    }
    core.record_or_panic(&faults, done, Call::RetainBulk).map(|()| done)
}

/// Gives up a reference to each page; who gives up the last one frees the page. `references` are the pages, of each of
/// which the call's caller gives up one.
pub(crate) fn release_bulk<M: Refcounted>(
    mut front: impl Frontend<M>,
    references: GivenUp<'_>,
) -> Result<usize, PageError> {
    front.begin();
    let (core, ids) = (front.shared(), references.ids());
    let mut faults = Faults::default();
    let (mut done, mut freed) = (0, 0);
    for (chunk, some) in ids.chunks(CHUNK).enumerate() {
        let mut last = [PageId::new(0); CHUNK];
        let mut positions = [0; CHUNK];
        let mut n = 0;
        for (at, &id) in some.iter().enumerate() {
            let position = chunk * CHUNK + at;
            match core.check_out(id).map(|()| give_up(core, id).release(M::CLAIMS)) {
                Ok(Released::Shared) => done += 1,
                Ok(Released::Last) => {
                    (last[n], positions[n]) = (id, position);
                    n += 1;
                }
                Ok(Released::Saturated) => {
                    core.refuse_call(id, position, Fault::Saturated, &mut faults);
                }
                Ok(Released::Fewer(references)) => {
                    let fault = Fault::FewerReferences { references };
                    core.refuse_call(id, position, fault, &mut faults);
                }
                Err(fault) => core.refuse_call(id, position, fault, &mut faults),
            }
        }
        core.tracker.freed(&last[..n]);
        let mut twice = Faults::default();
        // SAFETY: the last reference makes the caller the sole owner, who gives the pages up.
        let last = unsafe { GivenUp::new(&last[..n]) };
        let good = front.with_slot(|core, slot| free_slow(core, slot, last, &mut twice));
        faults.merge_from(twice, &positions[..n]);
        freed += good;
        done += good;
    }
    core.record_or_panic(&faults, done, Call::ReleaseBulk).map(|()| freed)
}

/// The references of a page, of which some are given up: whoever gives up the last ones frees it after that.
fn give_up<M: Mode>(core: &Core<M>, id: PageId) -> References<'_> {
    core.tracker.note(id, Event::Released);
    core.references(id)
}

/// Adds `n` references to a page, in one step.
pub(crate) fn retain_many<M: Refcounted>(
    mut front: impl Frontend<M>,
    id: PageId,
    n: u32,
) -> Result<(), PageError> {
    front.begin();
    let core = front.shared();
    let mut faults = Faults::default();
    let retained = core.check_out(id).and_then(|()| match n {
        0 => Ok(()),
        n => core.references(id).retain(M::CLAIMS, n),
    });
    match retained {
        Ok(()) => core.tracker.note(id, Event::Retained),
        Err(fault) => core.refuse_call(id, 0, fault, &mut faults),
    }
    core.record_or_panic(&faults, usize::from(retained.is_ok()), Call::RetainMany)
}

/// Gives up `n` references to a page, in one step; whether they were the last, and the page is free. `reference` is
/// the page, of which the call's caller gives up that many.
pub(crate) fn release_many<M: Refcounted>(
    mut front: impl Frontend<M>,
    reference: GivenUp<'_>,
    n: u32,
) -> Result<bool, PageError> {
    front.begin();
    let core = front.shared();
    let mut faults = Faults::default();
    let id = reference.ids()[0];
    let released = core.check_out(id).map(|()| match n {
        0 => Released::Shared,
        n => give_up(core, id).release_many(M::CLAIMS, n),
    });
    let (done, freed) = match released {
        Ok(Released::Shared) => (1, 0),
        // The last references make the caller the sole owner, who gives the page up.
        Ok(Released::Last) => {
            core.tracker.freed(reference.ids());
            let freed = front.with_slot(|core, slot| free_slow(core, slot, reference, &mut faults));
            (freed, freed)
        }
        Ok(Released::Saturated) => {
            core.refuse_call(id, 0, Fault::Saturated, &mut faults);
            (0, 0)
        }
        Ok(Released::Fewer(references)) => {
            core.refuse_call(id, 0, Fault::FewerReferences { references }, &mut faults);
            (0, 0)
        }
        Err(fault) => {
            core.refuse_call(id, 0, fault, &mut faults);
            (0, 0)
        }
    };
    core.record_or_panic(&faults, done, Call::ReleaseMany).map(|()| freed == 1)
}

pub(crate) fn free_bulk_ignoring_refcounts<M: Mode>(
    mut front: impl Frontend<M>,
    ids: GivenUp<'_>,
) -> Result<(), PageError> {
    let core = front.shared();
    if let Some(&first) = ids.ids().first() {
        core.taint_ignored(first);
    }
    if M::REFCOUNT {
        for &id in ids.ids().iter().filter(|id| id.index() < core.pages) {
            core.references(id).forget();
        }
    }
    if !Core::<M>::DOUBTS {
        return free_bulk_raw(front, ids);
    }
    core.tracker.freed(ids.ids());
    let mut faults = Faults::default();
    let freed = core.free_doubted(ids, &mut faults);
    front.with_slot(|core, slot| match slot {
        Some(slot) => slot.counters().count_free::<M>(freed),
        None => core.count_uncached_free(freed),
    });
    core.record_or_panic(&faults, freed, Call::FreeBulkIgnoringRefcounts)
}
