//! Looks at every page while others may be at work.
//!
//! Invariant: a page on its way is in no container that a look can see. It leaves the old one first
//! (its bit, or the magazine's length), then its word changes, and then the new one has it. So a
//! container that holds a page whose word names another location is wrong, if both were seen at one
//! moment: what looks wrong is looked at again.
//!
//! What nobody has touched is left alone: the memory of words that were never written stays untouched, too. So are
//! groups of pages that are offline: their words are looked at when the pages can be had again.

use super::Core;
use crate::mode::Mode;
use crate::page::{Kind, Location, PageId, PageState, ZONE};

/// How often a page must look wrong, in the same way, to be counted. One look at a page in motion
/// reads its container and its word at two moments; it may change between them once, but not each
/// time and back.
const LOOKS: usize = 4;

impl<M: Mode> Core<M> {
    /// Free pages whose word says that they are somewhere else.
    pub(crate) fn misplaced(&self) -> u64 {
        let cached = self.magazines.locations().filter(|&at| self.lies(self.magazines.get(at), at));
        let free = self.looked_at().filter(|&id| self.zone.holds(id) && self.lies(id, ZONE));
        (cached.count() + free.count()) as u64
    }

    /// Pages that lie nowhere and whose word cannot be that of a page that is out, lent or withheld.
    pub(crate) fn corrupt(&self) -> u64 {
        self.looked_at().filter(|&id| self.is_corrupt(id)).count() as u64
    }

    /// The pages whose words are looked at: of groups of which all pages are offline there is nothing to find.
    fn looked_at(&self) -> impl Iterator<Item = PageId> {
        let is_offline = |first, count| {
            self.offline.is_kept() && self.offline.first_online(first, count).is_none()
        };
        self.zone.touched(self.pages, is_offline)
    }

    /// Whether a page's word makes no sense, however often it is looked at, and no location holds the page.
    fn is_corrupt(&self, id: PageId) -> bool {
        if self.offline.has(id) {
            let wrong = || !self.rests_at(id, ZONE) && self.offline.has(id);
            return (0..=LOOKS).all(|_| wrong());
        }
        if M::COMPACT {
            return self.is_mark_corrupt(id) && !self.lies_anywhere(id);
        }
        let first = self.word(id).load();
        let wrong = || {
            let state = self.word(id).load();
            let location = state.location();
            let lies_there = || state.rests_at(location) && self.is_member(location, id);
            state == first && !self.can_be_out(id, state) && !lies_there()
        };
        (0..=LOOKS).all(|_| wrong()) && !self.lies_anywhere(id)
    }

    /// Whether a page that is out, lent or withheld can have this word.
    fn can_be_out(&self, id: PageId, state: PageState) -> bool {
        let fits = match state.kind() {
            Some(Kind::Page | Kind::Held | Kind::Lent) => {
                state.location() == ZONE || self.magazines.has(state.location())
            }
            // The page behind the first of a block comes with it.
            Some(Kind::Tail) => state.block_order().is_some_and(|order| {
                let first = id.index() >> order.get() << order.get();
                self.word(PageId::new(first)).load() == PageState::in_block(Kind::Block, order)
            }),
            Some(Kind::Block) => state.block_order().is_some_and(|order| self.fits(id, order)),
            _ => true,
        };
        fits && state.may_be_out::<M>(self.shared_references(id))
    }

    /// Whether a page is free or offline, wherever that is: for the few whose words do not say.
    pub(super) fn lies_anywhere(&self, id: PageId) -> bool {
        self.rests_in_zone(id) || self.magazines.locations().any(|at| self.magazines.get(at) == id)
    }

    /// Whether a page that was just seen at a location stays there while its word says otherwise, and
    /// stays the same. Of an id that is no page's, the location alone must stay.
    fn lies(&self, id: PageId, location: Location) -> bool {
        if M::COMPACT {
            return self.lies_marked(id, location);
        }
        let state = || self.words.get(id.index() as usize).map(|word| word.load());
        let first = state();
        !first.is_some_and(|state| state.rests_at(location))
            && (0..LOOKS).all(|_| self.is_member(location, id) && state() == first)
    }
}

#[cfg(test)]
mod tests;
