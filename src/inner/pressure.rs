//! Who finds nothing asks for pages, and who was asked gives them up.
//!
//! Invariant: while somebody is dry, what caches free goes into the zone, where anybody can get it, and a cache that
//! was asked leaves a page there. A request wears off: each call of a cache uses up one that was asked for, so
//! that a caller who never comes back disables no fast path for good. Whoever was dry and gets pages takes its
//! requests back.

use core::mem::MaybeUninit;
use core::ptr;

use super::Core;
use crate::error::ShortReason;
use crate::mode::Mode;
use crate::page::PageId;
use crate::slot::{Slot, SlotMut};
use crate::sync::{Ordering, defect};
use crate::zone::Floor;

/// How many calls of each cache a call that got nothing asks for. A thread that looks for pages for as long as the
/// scheduler lets it takes longer over a call than one that answers: so the requests outlast it.
const CALLS: u32 = 8;

/// What a call that allocates, or one of its steps, is to know of the others.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// How far down in the zone it may go.
    pub(crate) floor: Floor,
    /// The steps before got pages: if this one gets none, its call is short of some, and not dry.
    has_some: bool,
}

impl Step {
    /// The first, or the only one.
    pub(crate) fn first(floor: Floor) -> Self {
        Step { floor, has_some: false }
    }

    /// The one after it, which got so many pages.
    pub(crate) fn then(self, got: usize) -> Self {
        Step { has_some: self.has_some || got > 0, ..self }
    }
}

/// What a call through a slot that was asked is to do.
pub(crate) struct Answer {
    /// How many pages it may take of those that it wants.
    pub(super) most: usize,
    /// The caller has asked others itself.
    was_dry: bool,
    /// What the call files is for others.
    files_nothing: bool,
}

impl<M: Mode> Core<M> {
    /// Makes a call through a slot that was asked.
    pub(crate) fn answering<R>(
        &self,
        mut slot: SlotMut<'_>,
        f: impl FnOnce(&Self, Option<SlotMut<'_>>) -> R,
    ) -> R {
        let answer = self.begin_answer(slot.reborrow(), (0, 0), Floor::None);
        let result = f(self, Some(slot.reborrow()));
        self.end_answer(slot, &answer, 0);
        result
    }

    /// Allocates through a slot that was asked, or after a call on a pool that got nothing.
    #[cold]
    #[inline(never)]
    pub(crate) fn alloc_asked(
        &self,
        mut slot: SlotMut<'_>,
        out: &mut [MaybeUninit<PageId>],
        step: Step,
    ) -> (usize, Option<ShortReason>) {
        let answer = self.begin_answer(slot.reborrow(), (out.len(), 0), step.floor);
        let (got, mut reason) = self.alloc(slot.reborrow(), &mut out[..answer.most], step);
        if answer.most < out.len() && reason.is_none() {
            slot.counters().count_event::<M>(&slot.counters().short);
            reason = Some(ShortReason::Busy);
        }
        self.end_answer(slot, &answer, got);
        (got, reason)
    }

    /// Whether an allocation through this slot has something to see to, by [`Self::begin_answer`].
    pub(super) fn has_to_answer(&self, slot: &SlotMut<'_>) -> bool {
        slot.is_asked() || self.is_dry_without_cache()
    }

    /// A call that wants so many pages, and at least so many or none, begins to answer: the slot gives up what it
    /// holds. The call is to leave a page to others, unless the call before was, or found nothing.
    pub(super) fn begin_answer(
        &self,
        mut slot: SlotMut<'_>,
        (want, least): (usize, usize),
        floor: Floor,
    ) -> Answer {
        let asked = slot.begin_answer(want > 0);
        let is_cache = self.is_cache(slot.shared());
        let awaited = asked.is_awaited && self.is_awaited(slot.shared());
        if asked.calls > 0 || awaited {
            self.empty_slot(slot.reborrow());
        }
        // More than one call: somebody is dry, and not only short of some.
        // What is awaited for the reserve alone is no concern of a call, which cannot have it.
        let waits = !self.zone.has_marks() || self.line.is_waited_in();
        let others = asked.calls > 1 || awaited && waits;
        let leaves = others && !asked.was_dry && !asked.was_held_back;
        let most = if leaves { self.all_but_one(want, least, floor) } else { want };
        if most < want {
            slot.note_held_back();
        }
        let was_dry = if is_cache { asked.was_dry } else { self.was_dry_without_cache() };
        Answer { most, was_dry, files_nothing: asked.was_large }
    }

    /// A call ends that got so many pages: what it has filed in the slot goes where others can get it.
    pub(super) fn end_answer(&self, slot: SlotMut<'_>, answer: &Answer, got: usize) {
        let shared = slot.shared();
        // The last of the calls, or the only one that a drain asks for, has given up what was there before.
        let files_nothing = answer.files_nothing
            || shared.requests.calls() > 0
            || shared.requests.is_awaited() && self.is_awaited(shared);
        if files_nothing && !defect!("answer-first") {
            self.empty_slot(slot);
            self.fill_reserve();
        }
        // It got pages, or has freed some of its own, which are at hand.
        if answer.was_dry && (got > 0 || shared.cached() > 0) {
            self.withdraw_requests(Some(shared));
        }
    }

    /// How many of the pages that it wants a call may take without taking the last one that can be had. Not its concern
    /// where it can take none.
    fn all_but_one(&self, want: usize, least: usize, floor: Floor) -> usize {
        if self.zone.free_above(floor) > want || self.is_critical(floor) || defect!("take-back") {
            return want;
        }
        match self.within_reach(None).least.saturating_sub(self.zone.kept(floor, self.zone.free()))
        {
            0 => want,
            pages if pages < least => want,
            pages => want.min(pages - 1),
        }
    }

    /// Why a call is short whose step got so many pages, which are not counted yet. One that got nothing asks every
    /// cache for what it has or will free, also when all pages are out; one that got some leaves them alone.
    #[cold]
    pub(super) fn short_reason(&self, slot: Option<&Slot>, got: usize, step: Step) -> ShortReason {
        let reason = self.why_short(slot, got, step.floor);
        if got == 0 && !step.has_some {
            self.request_pages(slot);
        }
        reason
    }

    /// Why a call is short that has so many pages in hand. Nobody is asked.
    pub(super) fn why_short(&self, slot: Option<&Slot>, got: usize, floor: Floor) -> ShortReason {
        if self.keeps(floor, 1) { ShortReason::Watermark } else { self.why_not_more(slot, got) }
    }

    /// Where pages are that cannot be had, or that there are none but those that the call got.
    fn why_not_more(&self, own: Option<&Slot>, got: usize) -> ShortReason {
        if self.others(own).any(|slot| slot.cached() > 0) || self.is_out_of_reach() {
            ShortReason::Cached
        } else if self.not_out().most <= got {
            self.none_left()
        } else if self.zone.free() == 0 && self.line.promised() > 0 {
            ShortReason::Promised
        } else {
            // In the zone again, or in another call.
            ShortReason::Busy
        }
    }

    /// Why there is no page but those that are out: some may wait for their tickets.
    pub(super) fn none_left(&self) -> ShortReason {
        if self.fenced.pages() > 0 { ShortReason::Fenced } else { ShortReason::Exhausted }
    }

    /// Whether pages lie on a stack of a depot that was cut off.
    fn is_out_of_reach(&self) -> bool {
        self.cuts() > 0 && self.cached() > 0
    }

    /// Asks every other cache for what it has, and for what it frees by its next calls.
    pub(super) fn request_pages(&self, asker: Option<&Slot>) {
        match asker.filter(|slot| self.is_cache(slot)) {
            Some(slot) => slot.requests.note_dry(),
            None => self.dry_without_cache.store(1, Ordering::Relaxed),
        }
        self.others(asker).for_each(|slot| slot.requests.ask_more(CALLS));
    }

    /// Asks every other cache for what it holds, once. Shared slots are drained by whoever needs pages.
    pub(super) fn request_drains(&self, asker: Option<&Slot>) {
        self.others(asker).for_each(|slot| slot.requests.ask_once());
    }

    /// Whoever was dry has pages. Others that are dry ask again.
    fn withdraw_requests(&self, own: Option<&Slot>) {
        self.others(own).for_each(|slot| slot.requests.withdraw());
    }

    /// A call without any slot got so many pages.
    pub(super) fn end_without_slot(&self, got: usize) {
        if got > 0 && self.was_dry_without_cache() {
            self.withdraw_requests(None);
        }
    }

    /// The slots of all caches but this one.
    pub(super) fn others<'a>(&'a self, own: Option<&'a Slot>) -> impl Iterator<Item = &'a Slot> {
        let caches = self.slots[..self.owned_slots].iter();
        caches.filter(move |slot| !own.is_some_and(|own| ptr::eq(own, *slot)))
    }

    /// Whether a slot is a cache's.
    pub(super) fn is_cache(&self, slot: &Slot) -> bool {
        self.slots[..self.owned_slots].as_ptr_range().contains(&ptr::from_ref(slot))
    }

    /// Whether a call on a pool got nothing since the last one that got pages.
    #[inline(always)]
    pub(crate) fn is_dry_without_cache(&self) -> bool {
        // Relaxed: a note, seen sooner or later; here and below.
        self.dry_without_cache.load(Ordering::Relaxed) != 0
    }

    fn was_dry_without_cache(&self) -> bool {
        let dry = self.is_dry_without_cache();
        if dry {
            self.dry_without_cache.store(0, Ordering::Relaxed);
        }
        dry
    }
}

#[cfg(test)]
mod tests;
