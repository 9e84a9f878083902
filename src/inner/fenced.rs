//! Pages that were given up with a ticket: they come free when its fence has passed it.
//!
//! Invariant: a fenced page counts as out, as a lent one does, so the region outlives what a device still does with it.
//! In checking modes it rests in its magazine, so a second free of it is refused. It comes back once: by who has taken
//! its magazine off the queue, and has seen the ticket passed. The fence is asked while nothing is held but that
//! magazine, which goes back if it panics.

use super::{Core, Faults};
use crate::depot::fenced::{NEW, OLD};
use crate::depot::{Depot, Stack};
use crate::magazine::{Magazine, MagazineMut};
use crate::mode::{Mode, Policy};
use crate::page::{Fault, GivenUp, PageId};
use crate::sync::{defect, publish_fence};
use crate::ticket::{Fence, Ticket};
use crate::zone::Floor;

/// The oldest magazine of a queue, in a call's hands: it goes back, unless it is taken.
struct InHand<'a, M: Mode> {
    core: &'a Core<M>,
    magazine: Option<Magazine>,
}

impl<M: Mode> Drop for InHand<'_, M> {
    fn drop(&mut self) {
        if let Some(magazine) = self.magazine.take() {
            self.core.fenced.push(&self.core.magazines, magazine, OLD);
        }
    }
}

/// Room for pages that are to be fenced: magazines that a call has in hand. One may be fenced already, and partly full.
pub(crate) struct RoomForFenced {
    hand: Depot,
    /// The end of the queue from which that one came.
    end: Stack,
}

impl<M: Mode> Core<M> {
    /// Takes magazines with room for `n` pages that are to wait for this fence, or none if there are too few.
    pub(crate) fn room_for_fenced(&self, fence: usize, n: usize) -> Option<RoomForFenced> {
        let tables = &self.magazines;
        let mut in_hand = RoomForFenced { hand: Depot::without_magazines(), end: NEW };
        let mut room = 0;
        let mut partly_full = self.fenced.pop_with_room::<M>(tables, fence, NEW);
        let has_new = partly_full.is_some();
        while room < n {
            if let Some(some) = partly_full.take() {
                let len = tables.len(some.number());
                room += tables.capacity() - len as usize;
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
        ticket: Ticket,
        ids: GivenUp<'_>,
        faults: &mut Faults,
    ) -> usize {
        let (tables, ids) = (&self.magazines, ids.ids());
        self.tracker.fenced(ids);
        let (mut at, mut refused) = (0, 0);
        while at < ids.len() {
            let old = room.hand.pop::<M>(tables, Stack::Nonempty);
            let is_new = old.is_none();
            let empty = || room.hand.pop::<M>(tables, Stack::Empty);
            let Some(magazine) = old.or_else(empty) else { break };
            let largest = if is_new { 0 } else { self.fenced.ticket(&magazine) };
            let mut open = tables.open::<M>(magazine);
            self.verify_loaded(open.as_mut());
            let before = open.as_mut().len();
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
            let value = if defect!("fence-ticket") { largest } else { ticket.value.max(largest) };
            self.fenced.mark(&magazine, ticket.fence, value);
            self.fenced.count_pages(u64::from(len - before));
            self.fenced.push(tables, magazine, NEW);
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
    fn put_away(&self, RoomForFenced { hand, end }: RoomForFenced) {
        let tables = &self.magazines;
        if let Some(some) = hand.pop::<M>(tables, Stack::Nonempty) {
            self.fenced.push(tables, some, end);
        }
        while let Some(empty) = hand.pop::<M>(tables, Stack::Empty) {
            self.depots.at(self.home_here()).push(tables, empty, 0, Stack::Empty);
        }
    }

    /// Frees what waits for tickets that have passed, of all fences. Returns how many pages.
    pub(crate) fn reap_fences(&self) -> usize {
        if self.fenced.pages() == 0 {
            return 0;
        }
        (0..self.fenced.count()).map(|fence| self.reap_fence(fence)).sum()
    }

    /// The same, for a call that wants so many pages, if there may be fewer. It holds nothing. Where handlers may be in it,
    /// this is left to upkeep.
    #[inline]
    pub(crate) fn reap_fences_for(&self, want: usize, floor: Floor) {
        if self.fenced.pages() > 0 && !self.line.defers() {
            self.reap_fences_if_short(want, floor);
        }
    }

    #[cold]
    #[inline(never)]
    fn reap_fences_if_short(&self, want: usize, floor: Floor) {
        // Who wants one page finds it in any magazine, and leaves the queues alone.
        let in_depots = || want == 1 && self.depots.iter().any(|depot| depot.has(Stack::Nonempty));
        if self.zone.free_above(floor) < want && !in_depots() {
            self.reap_fences();
        }
    }

    /// Frees what waits for tickets of this fence that have passed. Returns how many pages.
    pub(crate) fn reap_fence(&self, number: usize) -> usize {
        let Some(fence) = self.fenced.fence(number) else { return 0 };
        let mut pages = 0;
        // As many as there are in all, and no more, though others may push meanwhile.
        for _ in 1..self.magazines.count() {
            let Some(passed) = self.oldest_passed(number, fence) else { break };
            pages += self.unfence(passed);
        }
        if pages > 0 {
            publish_fence();
        }
        pages
    }

    /// The oldest magazine of a fence, if its ticket has passed.
    fn oldest_passed(&self, number: usize, fence: &dyn Fence) -> Option<Magazine> {
        let oldest = self.fenced.oldest::<M>(&self.magazines, number)?;
        let ticket = self.fenced.ticket(&oldest);
        let mut hand = InHand { core: self, magazine: Some(oldest) };
        if fence.passed(ticket) || defect!("fence-early") { hand.magazine.take() } else { None }
    }

    /// Frees the pages of a magazine that waits for nothing any more. Returns how many.
    fn unfence(&self, magazine: Magazine) -> usize {
        let tables = &self.magazines;
        let counted = tables.len(magazine.number());
        self.fenced.unmark(&magazine);
        let mut open = tables.open::<M>(magazine);
        self.verify_loaded(open.as_mut());
        // Also those that a repair has counted as bad.
        let pages = counted.max(open.as_mut().len()) as usize;
        self.poison_loaded(&open.as_mut());
        // Before others can have them.
        if !defect!("fence-count") {
            self.count_given(pages);
        }
        let awaited = self.line.is_waited_in() || self.is_reserve_awaited();
        if awaited {
            let _ = self.flush(open.as_mut());
        }
        let (magazine, len) = open.close::<M>(tables);
        let to = if len == 0 { Stack::Empty } else { Stack::Nonempty };
        self.depots.at(self.home_here()).push(tables, magazine, len, to);
        if defect!("fence-count") {
            self.count_given(pages);
        }
        self.count_uncached_free(pages);
        self.fenced.uncount_pages(counted.into());
        pages
    }

    /// Poisons those of a magazine's pages whose turn it is.
    fn poison_loaded(&self, magazine: &MagazineMut<'_>) {
        if M::POISONS {
            let start = magazine.start();
            (start..start + magazine.len())
                .for_each(|at| self.poison_without_slot(self.magazines.get(at)));
        }
    }

    /// Whether a page waits for a ticket: for the few of which that is asked.
    pub(crate) fn is_fenced(&self, id: PageId) -> bool {
        let fenced = (1..self.magazines.count()).filter(|&it| self.fenced.is_fenced(it));
        fenced.flat_map(|number| self.magazines.ids_of(number)).any(|held| held == id)
    }

    /// A magazine that waits goes back into its queue, in the child of a fork: the caller is alone.
    pub(super) fn fence_again(&self, magazine: Magazine) {
        let len = self.magazines.len(magazine.number());
        self.fenced.count_pages(len.into());
        self.fenced.push(&self.magazines, magazine, NEW);
    }
}
