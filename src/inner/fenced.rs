//! Pages that were given up with a ticket: they come free when its fence has passed it.
//!
//! Invariant: a fenced page counts as out, as a lent one does, so the region outlives what a device still does with it.
//! In checking modes it rests in its magazine, so a second free of it is refused. It comes back once: by who has taken
//! its magazine off the queue, and has seen the ticket passed. What is counted then is what was counted as it was given
//! up, whatever has become of the magazine's length. The fence is asked while nothing is held, or but that magazine,
//! which goes back if it panics.

use super::{Core, Faults};
use crate::depot::fenced::{NEW, Noted, OLD};
use crate::depot::{Depot, Stack};
use crate::magazine::{Magazine, MagazineMut};
use crate::mode::{Mode, Policy};
use crate::page::{Fault, GivenUp, PageId, ZONE};
use crate::sanitizer::Sanitizer;
use crate::sync::{defect, publish_fence};
use crate::ticket::Fence;
use crate::zone::Floor;

/// A magazine that was the oldest of its queue, in a call's hands: it goes back, unless it is taken.
struct InHand<'a, M: Mode> {
    core: &'a Core<M>,
    fence: usize,
    magazine: Option<Magazine>,
    /// Where it goes back to.
    end: Stack,
}

impl<M: Mode> Drop for InHand<'_, M> {
    fn drop(&mut self) {
        if let Some(magazine) = self.magazine.take() {
            let tables = &self.core.magazines;
            let len = tables.noted_len::<M>(&magazine);
            self.core.fenced.push(tables, self.fence, magazine, (self.end, len));
        }
    }
}

/// Room for pages that are to be fenced: magazines that a call has in hand. One may be fenced already, and partly full.
pub(crate) struct RoomForFenced {
    fence: usize,
    hand: Depot,
    /// The end of the queue from which that one came.
    end: Stack,
}

impl<M: Mode> Core<M> {
    /// Takes magazines with room for `n` pages that are to wait for this fence, or none if there are too few.
    pub(crate) fn room_for_fenced(&self, fence: usize, n: usize) -> Option<RoomForFenced> {
        let tables = &self.magazines;
        let mut in_hand = RoomForFenced { fence, hand: Depot::without_magazines(), end: NEW };
        let mut room = 0;
        let mut partly_full = self.fenced.pop_with_room::<M>(tables, fence, NEW);
        let has_new = partly_full.is_some();
        while room < n {
            if let Some(some) = partly_full.take() {
                let len = tables.noted_len::<M>(&some);
                room += tables.capacity().saturating_sub(len as usize);
                in_hand.hand.push(tables, some, len, Stack::Nonempty);
            } else if let Some(empty) = self.take_empty() {
                room += tables.capacity();
                in_hand.hand.push(tables, empty, 0, Stack::Empty);
            } else if !has_new && in_hand.end == NEW {
                // What is there waits longer then, but something can be given up.
                in_hand.end = OLD;
                partly_full = self.fenced.pop_with_room::<M>(tables, fence, OLD);
            } else {
                self.put_away(in_hand);
                return None;
            }
        }
        Some(in_hand)
    }

    /// Takes an empty magazine of the depots, or one of which the pages go to the zone.
    fn take_empty(&self) -> Option<Magazine> {
        let (tables, home) = (&self.magazines, self.home_here());
        let pop = |from| self.depots.from(home).find_map(|depot| depot.pop::<M>(tables, from));
        let mut open = tables.open::<M>(pop(Stack::Empty).or_else(|| pop(Stack::Nonempty))?);
        self.verify_loaded(open.as_mut());
        if open.as_mut().len() > 0 {
            let _ = self.flush(open.as_mut());
        }
        Some(open.close::<M>(tables).0)
    }

    /// Gives up pages that come free when the ticket has passed. What is refused stays out. There is room for all.
    pub(crate) fn fence_pages(
        &self,
        room: RoomForFenced,
        ticket: u64,
        ids: GivenUp<'_>,
        faults: &mut Faults,
    ) -> usize {
        let (tables, ids, fence) = (&self.magazines, ids.ids(), room.fence);
        self.tracker.fenced(ids);
        let (mut at, mut refused) = (0, 0);
        while at < ids.len() {
            let partly_full = room.hand.pop::<M>(tables, Stack::Nonempty);
            let empty = || room.hand.pop::<M>(tables, Stack::Empty);
            let Some(magazine) = partly_full.or_else(empty) else { break };
            let before = self.fenced.noted(magazine.number());
            let (had, largest) = before
                .map_or((0, 0), |noted| (self.given_up(&magazine, noted.pages), noted.ticket));
            let value = if defect!("fence-ticket") { largest } else { ticket.max(largest) };
            // Before its pages are there: so the child of a fork finds none with a smaller ticket.
            let noted = |pages| Some(Noted { fence, pages, ticket: value });
            self.fenced.note(&magazine, noted(had));
            let mut open = tables.open::<M>(magazine);
            self.verify_loaded(open.as_mut());
            // Pages that a repair has withheld count as bad, and no longer as out.
            let kept = open.as_mut().len();
            self.count_back(had.saturating_sub(kept) as usize);
            while at < ids.len() && open.as_mut().remaining() > 0 {
                let (pushed, fault) = self.push(&mut open.as_mut(), &ids[at..]);
                at += pushed;
                if let Some(fault) = fault {
                    self.refuse(ids[at], at, fault, faults);
                    (at, refused) = (at + 1, refused + 1);
                }
            }
            let len = open.as_mut().len();
            let magazine = open.close::<M>(tables).0;
            if len > kept {
                self.fenced.note(&magazine, noted(len));
                self.fenced.push(tables, fence, magazine, (NEW, len));
            } else if len > 0 {
                self.fenced.note(&magazine, Some(Noted { fence, pages: len, ticket: largest }));
                self.fenced.push(tables, fence, magazine, (room.end, len));
            } else {
                self.fenced.note(&magazine, None);
                self.depot_of(&magazine).push(tables, magazine, 0, Stack::Empty);
            }
        }
        self.put_away(room);
        // There is room for all, unless a magazine was found to be corrupt: then these stay out.
        for (at, &id) in ids.iter().enumerate().skip(at) {
            self.refuse(id, at, Fault::Corrupt, faults);
            refused += 1;
        }
        ids.len() - refused
    }

    /// Puts magazines back that were not used.
    fn put_away(&self, RoomForFenced { fence, hand, end }: RoomForFenced) {
        let tables = &self.magazines;
        if let Some(some) = hand.pop::<M>(tables, Stack::Nonempty) {
            let len = tables.noted_len::<M>(&some);
            self.fenced.push(tables, fence, some, (end, len));
        }
        while let Some(empty) = hand.pop::<M>(tables, Stack::Empty) {
            self.depot_of(&empty).push(tables, empty, 0, Stack::Empty);
        }
    }

    /// The depot that a magazine without a slot goes to: so that each keeps about as many as it was given.
    fn depot_of(&self, magazine: &Magazine) -> &Depot {
        self.depots.at(self.depots.home(magazine.number() as usize))
    }

    /// Frees what waits for tickets that have passed, of all fences. Returns how many pages.
    pub(crate) fn reap_fences(&self) -> usize {
        if self.fenced.pages() == 0 {
            return 0;
        }
        (0..self.fenced.count()).map(|fence| self.reap_fence(fence)).sum()
    }

    /// The same, for a call that found no other page, and holds nothing. Where handlers may be in it, this is left to
    /// upkeep.
    #[cold]
    pub(crate) fn reap_fences_when_dry(&self) -> usize {
        if self.line.defers() { 0 } else { self.reap_fences() }
    }

    /// The same, before a call that wants so many pages, if there may be fewer.
    #[inline]
    pub(crate) fn reap_fences_for(&self, want: usize, floor: Floor) {
        if self.fenced.pages() > 0 && !self.line.defers() {
            self.reap_fences_if_short(want, floor);
        }
    }

    #[cold]
    #[inline(never)]
    fn reap_fences_if_short(&self, want: usize, floor: Floor) {
        // Where the next magazine has enough, the queues are left alone.
        let tables = &self.magazines;
        let has_enough = |depot: &Depot| depot.next_len(tables, Stack::Nonempty) >= want;
        if self.zone.free_above(floor) < want && !self.depots.iter().any(has_enough) {
            self.reap_fences();
        }
    }

    /// Frees what waits for tickets of this fence that have passed. Returns how many pages.
    pub(crate) fn reap_fence(&self, number: usize) -> usize {
        let Some(fence) = self.fenced.fence(number) else { return 0 };
        let mut pages = 0;
        // As many as there are in all, and no more, though others may push meanwhile.
        for _ in 1..self.magazines.count() {
            let Some(ticket) = self.fenced.oldest::<M>(&self.magazines, number) else { break };
            let passed = fence.passed(ticket) || defect!("fence-early");
            if !passed && !self.fenced.hides_older(&self.magazines, number, ticket) {
                break;
            }
            pages += self.take_oldest(number, fence, if passed { OLD } else { NEW });
        }
        pages
    }

    /// Takes the oldest magazine of a fence, and frees its pages if its ticket has passed: it may be another one than
    /// was looked at. If not, it goes to this end of the queue. Returns how many pages it freed.
    fn take_oldest(&self, number: usize, fence: &dyn Fence, end: Stack) -> usize {
        let Some(oldest) = self.fenced.pop_oldest::<M>(&self.magazines, number) else { return 0 };
        let noted = self.fenced.noted(oldest.number());
        let mut hand = InHand { core: self, fence: number, magazine: Some(oldest), end };
        let passed = |noted: Noted| fence.passed(noted.ticket) || defect!("fence-early");
        let Some(noted) = noted.filter(|&noted| passed(noted)) else { return 0 };
        hand.magazine.take().map_or(0, |magazine| self.unfence(magazine, noted.pages))
    }

    /// Frees the pages of a magazine that waits for nothing any more, of which so many were given up. Returns how many
    /// were.
    fn unfence(&self, magazine: Magazine, given_up: u32) -> usize {
        let tables = &self.magazines;
        let given_up = self.given_up(&magazine, given_up);
        let mut open = tables.open::<M>(magazine);
        self.verify_loaded(open.as_mut());
        self.end_access(&open.as_mut());
        // Before others can have them.
        if !defect!("fence-count") {
            self.count_given(given_up as usize);
        }
        if self.line.is_waited_in() || self.is_reserve_awaited() {
            let _ = self.flush(open.as_mut());
        }
        let (magazine, len) = open.close::<M>(tables);
        self.fenced.note(&magazine, None);
        let to = if len == 0 { Stack::Empty } else { Stack::Nonempty };
        self.depot_of(&magazine).push(tables, magazine, len, to);
        if defect!("fence-count") {
            self.count_given(given_up as usize);
        }
        self.count_uncached_free(given_up as usize);
        if !defect!("reap-publish") {
            publish_fence();
        }
        given_up as usize
    }

    /// How many pages a magazine that has not been opened waits with. Its note, its link and its head say it: two of
    /// the three are believed, because a figure that is too high would end the pool under the owners of other pages.
    fn given_up(&self, magazine: &Magazine, noted: u32) -> u32 {
        let link = self.magazines.noted_len::<M>(magazine);
        let head = self.magazines.len(magazine.number());
        noted.min(link).max(noted.max(link).min(head))
    }

    /// Counts pages that are out no longer, because they are withheld.
    fn count_back(&self, pages: usize) {
        if pages > 0 {
            self.count_given(pages);
            self.count_uncached_free(pages);
        }
    }

    /// Nobody may touch a magazine's pages any more. Those whose turn it is are poisoned.
    fn end_access(&self, magazine: &MagazineMut<'_>) {
        if !M::POISONS && !Sanitizer::IS_ON {
            return;
        }
        let start = magazine.start();
        for at in start..start + magazine.len() {
            let id = self.magazines.get(at);
            self.poison_without_slot(id);
            self.forbid([id]);
        }
    }

    /// Whether a page waits for a ticket: one that is not in the zone.
    pub(crate) fn is_fenced(&self, id: PageId) -> bool {
        let waits = |number| self.fenced.noted(number).is_some();
        if M::HAS_WORDS {
            let location = self.word(id).load().location();
            return location != ZONE
                && waits(self.magazines.at(location))
                && self.magazines.holds(location, id);
        }
        let fenced = (1..self.magazines.count()).filter(|&number| waits(number));
        fenced.flat_map(|number| self.magazines.ids_of(number)).any(|held| held == id)
    }

    /// Puts a magazine that waits for a ticket back into its queue, in the child of a fork, or gives it back as one
    /// that waits for nothing. The caller is alone.
    pub(super) fn fence_again(&self, magazine: Magazine) -> Option<Magazine> {
        let noted = self.fenced.noted(magazine.number());
        let len = self.magazines.len(magazine.number());
        match noted {
            Some(noted) if len > 0 => {
                // What was in somebody's hands may have more, or fewer.
                self.fenced.note(&magazine, Some(Noted { pages: len, ..noted }));
                self.fenced.push(&self.magazines, noted.fence, magazine, (NEW, len));
                None
            }
            _ => {
                self.fenced.note(&magazine, None);
                Some(magazine)
            }
        }
    }
}

#[cfg(test)]
mod tests;
