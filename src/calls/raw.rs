//! Calls by page id: whoever makes them answers for whose the pages are.
//!
//! Invariant: an id that may be freed, retained or released is one that the call's caller vouches for; what a mode
//! can find out of it, it looks at before anything is done with the page.

use super::*;

pub(super) fn alloc_bulk_raw<'o, M: Mode>(
    front: &mut impl Front<M>,
    out: &'o mut [MaybeUninit<PageId>],
) -> (&'o mut [PageId], Option<ShortReason>) {
    let (got, short) = match front.spares(out.len()) {
        Some(left) => {
            // SAFETY: the front spares so many.
            unsafe { front.take_now(left, out) };
            (out.len(), None)
        }
        None => front.take(out),
    };
    // SAFETY: `take` wrote the first `got`.
    (unsafe { written_mut(&mut out[..got]) }, short)
}

/// # Safety
/// The caller is the pages' sole owner and gives them up.
pub(super) unsafe fn free_bulk_raw<M: Mode>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<(), PageError> {
    if M::REFCOUNT && !M::CHECKS {
        let mut faults = Faults::default();
        let (core, mut freed) = (front.shared(), 0);
        core.sole_runs(ids, &mut faults, |start, run, faults| {
            let mut of_run = Faults::after(start);
            // SAFETY: passed on to the caller.
            freed += unsafe { front.give(run, &mut of_run) };
            faults.merge(of_run);
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
) -> Result<usize, PageError> {
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
) -> Result<usize, PageError> {
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
        faults.merge_from(twice, &positions[..n]);
        freed += good;
        done += good;
    }
    core.verdict(&faults, done).map(|()| freed)
}

/// # Safety
/// The caller gives up the pages, and whoever holds references never uses or drops them again.
pub(super) unsafe fn free_bulk_ignoring_refcounts<M: Mode>(
    front: &mut impl Front<M>,
    ids: &[PageId],
) -> Result<(), PageError> {
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
