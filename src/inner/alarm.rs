//! What a pool says of faults: an error, its taint, the user's hook, a panic.
//!
//! Invariant: the taint is one cause's, the first: its reason and page are one word, and its call is that in whose
//! thread it was found. It is told once. The hook and panics come at the end of a call, when its work is done, its
//! slot is given back and its caller loses nothing; so not in drops, nor in raw allocations, whose ids would be lost.

use super::{Core, Faults};
use crate::error::{BadPage, Call, PageError, Taint, TaintReason};
use crate::mode::{Mode, ModeFlags};
use crate::page::{Fault, PageId};
use crate::sync::{Atomic, Ordering, defect, ordering, thread_key};

#[cfg(test)]
mod tests;
mod trail;

/// In [`Alarm::todo`]: the taint is to be told, and, if it is not known yet, its call to be named.
const TELL: u32 = 1;

/// In [`Alarm::todo`]: a fault is to be panicked about.
const PANIC: u32 = 2;

/// In [`Alarm::todo`]: marks were crossed (`marks`).
const CROSSED: u32 = 4;

/// Something that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// What was wrong with a page.
    Of(PageId, Fault),
    /// A page was freed whatever its count was.
    Ignored(PageId),
    /// Something that no page is known for.
    Nameless,
}

/// Where the fault, and the kind of the cause, start in a packed one.
const FAULT: u32 = 32;
const KIND: u32 = 60;

impl Cause {
    /// The page's number and one, the fault above it, the kind above that. Never 0.
    fn packed(self) -> u64 {
        // A pool has fewer than 2³² pages.
        let page = |page: PageId| u64::from(page.index()) + 1;
        match self {
            Cause::Of(id, fault) => 1 << KIND | u64::from(fault.packed()) << FAULT | page(id),
            Cause::Ignored(id) => 2 << KIND | page(id),
            Cause::Nameless => 3 << KIND,
        }
    }

    /// Of a number that is not 0.
    fn unpacked(packed: u64) -> Self {
        let fault = (packed >> FAULT) as u32 & ((1 << (KIND - FAULT)) - 1);
        match ((packed as u32).checked_sub(1).map(PageId::new), packed >> KIND) {
            (Some(page), 1) => Cause::Of(page, Fault::unpacked(fault)),
            (Some(page), _) => Cause::Ignored(page),
            (None, _) => Cause::Nameless,
        }
    }
}

/// What is to be said, and what has been.
pub(crate) struct Alarm {
    /// The first cause, packed; 0 while there is none.
    first: Atomic<u64>,
    /// The number of the call that found it; 0 while that goes on.
    call: Atomic<u32>,
    /// Until then, what tells its thread from others.
    finder: Atomic<u64>,
    /// What the end of a call has to see to.
    todo: Atomic<u32>,
    /// The first fault that nobody has panicked about yet, packed; or 0.
    pending: Atomic<u64>,
    pub(super) panics: bool,
    hook: Option<fn(&Taint)>,
}

impl Alarm {
    pub(crate) fn new(panics: bool, hook: Option<fn(&Taint)>) -> Self {
        Alarm {
            first: Atomic::new(0),
            call: Atomic::new(0),
            finder: Atomic::new(0),
            todo: Atomic::new(0),
            pending: Atomic::new(0),
            panics,
            hook,
        }
    }

    /// The first cause, and the number of its call, if that is known.
    pub(crate) fn first(&self) -> Option<(Cause, u32)> {
        // Acquire: pairs with the Release of `set_call`. A call belongs to the one cause that there is.
        let call = self.call.load(Ordering::Acquire);
        // Relaxed: the word says all, and never changes again.
        let first = self.first.load(Ordering::Relaxed);
        (first != 0).then(|| (Cause::unpacked(first), call))
    }

    fn is_first(&self, cause: Cause) -> bool {
        let (first, relaxed) = (&self.first, Ordering::Relaxed);
        if defect!("taint-first") && first.load(relaxed) == 0 {
            first.store(cause.packed(), relaxed);
            return true;
        }
        // Relaxed: the word says all.
        first.compare_exchange(0, cause.packed(), relaxed, relaxed).is_ok()
    }

    /// A cause is found in the middle of a call, which names itself at its end.
    pub(crate) fn note(&self, cause: Cause) {
        if self.is_first(cause) {
            // Relaxed, here and below: who has to know who found it is that thread itself.
            self.finder.store(thread_key() as u64, Ordering::Relaxed);
            self.todo.fetch_or(TELL, Ordering::Relaxed);
        }
    }

    /// A cause is found by a call that says which it is.
    pub(crate) fn note_by(&self, cause: Cause, call: Call) {
        if self.is_first(cause) {
            self.set_call(call);
            // Relaxed: who does not see the call yet leaves the bit to another.
            self.todo.fetch_or(TELL, Ordering::Relaxed);
        }
    }

    fn set_call(&self, call: Call) {
        // Release: who sees the call sees the cause. Pairs with the Acquire of `first`.
        self.call.store(call.number(), ordering!(Release, "taint-publish"));
    }

    /// The end of a call: names it, if it is the one that found what is to be told.
    pub(crate) fn name(&self, call: Call) {
        // Relaxed: only this thread can have stored its own key, and then the call is not named yet.
        let is_named = self.call.load(Ordering::Relaxed) != 0;
        if !is_named && self.finder.load(Ordering::Relaxed) == thread_key() as u64 {
            self.set_call(call);
        }
    }

    /// The end of a call that may tell: whether it is the one that has to, once of all.
    pub(crate) fn has_to_tell(&self, call: Call) -> bool {
        // Relaxed, here and below: one thread only may find the bit, and `first` says what there is to tell.
        let relaxed = Ordering::Relaxed;
        if self.todo.load(relaxed) & TELL == 0 {
            return false;
        }
        self.name(call);
        if self.call.load(relaxed) == 0 {
            return false;
        }
        self.todo.fetch_and(!TELL, relaxed) & TELL != 0 || defect!("taint-twice")
    }

    /// A call has crossed a mark: the end of one sees to that.
    pub(super) fn note_crossing(&self) {
        // Release: who takes this up finds in the zone which marks were. Pairs with the Acquire below.
        self.todo.fetch_or(CROSSED, ordering!(Release, "crossing-todo"));
    }

    /// Whether a call has.
    pub(super) fn has_crossing(&self) -> bool {
        self.todo.load(Ordering::Relaxed) & CROSSED != 0
    }

    /// The end of a call sees to it.
    pub(super) fn end_crossing(&self) {
        self.todo.fetch_and(!CROSSED, Ordering::Acquire);
    }

    /// Leaves the panic about a fault to the next call that loses nothing by it. Of several faults the
    /// first one is named.
    fn panic_later(&self, cause: Cause) {
        // Relaxed: the number says all, whichever thread panics.
        let (old, relaxed) = (&self.pending, Ordering::Relaxed);
        if self.panics && old.compare_exchange(0, cause.packed(), relaxed, relaxed).is_ok() {
            self.todo.fetch_or(PANIC, relaxed);
        }
    }

    /// The fault to panic about, for one call.
    fn pending(&self) -> Option<Cause> {
        self.todo.fetch_and(!PANIC, Ordering::Relaxed);
        match self.pending.swap(0, Ordering::Relaxed) {
            0 => None,
            packed => Some(Cause::unpacked(packed)),
        }
    }
}

impl<M: Mode> Core<M> {
    /// Whether the pool can no longer be trusted fully.
    pub(crate) fn is_tainted(&self) -> bool {
        self.alarm.first().is_some() || self.cuts() > 0
    }

    /// Why not.
    pub(crate) fn first_taint(&self) -> Option<Taint> {
        let (cause, call) = match self.alarm.first() {
            Some(first) => first,
            None if self.cuts() > 0 => (Cause::Nameless, 0),
            None => return None,
        };
        let (page, reason) = match cause {
            Cause::Of(page, fault) => (Some(page), TaintReason::Fault(self.in_full(page, fault))),
            Cause::Ignored(page) => (Some(page), TaintReason::RefcountsIgnored),
            Cause::Nameless => (None, TaintReason::Metadata),
        };
        let (call, mode) = (Call::name_of(call), ModeFlags::of::<M>());
        Some(Taint { reason, page, call, mode, trail: self.tracker.tainted() })
    }

    /// A fault that was packed. A poisoned page's word has the offset.
    fn in_full(&self, page: PageId, fault: Fault) -> Fault {
        match fault {
            Fault::Poison { .. } => self.withheld(page).unwrap_or(fault),
            fault => fault,
        }
    }

    /// A page was put where it was already.
    #[cold]
    pub(super) fn taint(&self, page: PageId) {
        let cause = Cause::Of(page, Fault::AlreadyFree);
        self.alarm.note(cause);
        self.keep_trail(cause);
    }

    /// A page is freed whatever its count is, by whoever answers for that.
    #[cold]
    pub(crate) fn taint_ignored(&self, page: PageId) {
        let cause = Cause::Ignored(page);
        self.alarm.note_by(cause, Call::FreeBulkIgnoringRefcounts);
        self.keep_trail(cause);
    }

    /// Something is wrong that was found in the middle of a call.
    #[cold]
    pub(super) fn alarm_later(&self, cause: Cause) {
        self.alarm.panic_later(cause);
        self.count_faults(1);
        self.alarm.note(cause);
        self.keep_trail(cause);
    }

    /// The call's faults as an error; the pool remembers them.
    #[inline]
    pub(crate) fn record(&self, faults: &Faults, done: usize, call: Call) -> Result<(), PageError> {
        if faults.count == 0 { Ok(()) } else { self.record_slowly(faults, done, call) }
    }

    #[cold]
    #[inline(never)]
    fn record_slowly(&self, faults: &Faults, done: usize, call: Call) -> Result<(), PageError> {
        let Some((page, position, fault)) = faults.first else {
            return Ok(());
        };
        self.count_faults(faults.count);
        let fault = self.explain(page, fault);
        let cause = Cause::Of(page, fault);
        self.alarm.note_by(cause, call);
        self.keep_trail(cause);
        let (count, bad, mode) = (faults.count, faults.positions(), ModeFlags::of::<M>());
        let trail = self.tracker.trail(page);
        Err(PageError { page, position, fault, count, done, mode, bad, trail })
    }

    /// The end of a call that has recorded its faults, with its slot given back. Panics if the pool was built to:
    /// for whatever is not a drop, when all of its work is done, and its caller loses nothing by the panic. What is
    /// pending waits while the call has faults of its own to tell.
    #[inline]
    pub(crate) fn end(&self, recorded: Result<(), PageError>, call: Call) -> Result<(), PageError> {
        match recorded {
            Err(error) if self.alarm.panics => self.panic_with(&error, call),
            recorded => {
                self.conclude(call);
                recorded
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn panic_with(&self, error: &PageError, call: Call) -> ! {
        self.see_to_waiters();
        self.tell(call);
        panic!("pagesheaf: {error}");
    }

    /// As [`Self::record`], for a call that has no error to return, while it has its slot: the pool remembers. If
    /// the pool was built to panic, it does so here, and the hook is left to another call.
    #[inline]
    pub(crate) fn remember_in_slot(&self, faults: &Faults, done: usize, call: Call) {
        if faults.count > 0 {
            self.remember_slowly(faults, done, call);
        }
    }

    #[cold]
    #[inline(never)]
    fn remember_slowly(&self, faults: &Faults, done: usize, call: Call) {
        match self.record(faults, done, call) {
            Err(error) if self.alarm.panics => {
                self.see_to_waiters();
                panic!("pagesheaf: {error}")
            }
            _ => {}
        }
    }

    /// [`Self::record`] and [`Self::end`], for a call that has no slot now.
    pub(crate) fn record_or_panic(
        &self,
        faults: &Faults,
        done: usize,
        call: Call,
    ) -> Result<(), PageError> {
        self.end(self.record(faults, done, call), call)
    }

    /// As [`Self::record`]; the panic is left to the next call that loses nothing by it.
    pub(crate) fn record_for_later(&self, faults: &Faults, done: usize, call: Call) {
        if let Err(error) = self.record(faults, done, call) {
            self.alarm.panic_later(Cause::Of(error.page, error.fault));
        }
    }

    /// Whether a call that ends has something to see to: who waits, or what was found.
    #[inline(always)]
    fn has_to_conclude(&self) -> bool {
        u64::from(self.alarm.todo.load(Ordering::Relaxed)) | self.line.waiters() != 0
    }

    /// The end of a call: of whatever is not a drop, when its work is done. Whoever waits is told of what it may have
    /// brought. Tells what is to be told; panics if something was found since the last time that nobody has panicked
    /// about, and the pool was built to.
    #[inline]
    pub(crate) fn conclude(&self, call: Call) {
        if self.has_to_conclude() {
            self.conclude_slowly(call);
        }
    }

    /// The end of a drop, or of a raw allocation: names the call, and leaves the rest to another one.
    #[inline]
    pub(crate) fn conclude_quietly(&self, call: Call) {
        if self.has_to_conclude() {
            self.name_call(call);
        }
    }

    #[cold]
    #[inline(never)]
    fn name_call(&self, call: Call) {
        self.see_to_waiters();
        if self.alarm.todo.load(Ordering::Relaxed) != 0 {
            self.see_to_reserve();
            self.alarm.name(call);
        }
    }

    /// Calls the hook, if that is this call's to do.
    fn tell(&self, call: Call) {
        if self.alarm.has_to_tell(call)
            && let (Some(hook), Some(taint)) = (self.alarm.hook, self.first_taint())
        {
            hook(&taint);
        }
    }

    #[cold]
    #[inline(never)]
    fn conclude_slowly(&self, call: Call) {
        self.see_to_waiters();
        if self.alarm.todo.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.tell(call);
        if self.alarm.has_crossing() {
            self.see_to_crossings(call);
        }
        let mode = ModeFlags::of::<M>();
        match self.alarm.pending() {
            None => {}
            Some(Cause::Of(page, fault)) => {
                let fault = self.in_full(page, fault);
                let trail = self.tracker.trail(page);
                panic!("pagesheaf: {}", BadPage { page, fault, mode, trail })
            }
            Some(_) => panic!("pagesheaf: a fault was found [{mode}]"),
        }
    }
}
