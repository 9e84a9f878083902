//! Looks at every page while others may be at work.
//!
//! Invariant: a page on its way is in no container that a look can see. It leaves the old one first
//! (its bit, or the magazine's length), then its word changes, and then the new one has it. So a
//! container that holds a page whose word names another location is wrong, if both were seen at one
//! moment: what looks wrong is looked at again.

use super::Core;
use crate::mode::Mode;
use crate::page::{Location, PageId, PageState, ZONE};

/// How often a page must look wrong, in the same way, to be counted. One look at a page in motion
/// reads its container and its word at two moments; it may change between them once, but not each
/// time and back.
const LOOKS: usize = 4;

impl<M: Mode> Core<M> {
    /// Free pages whose word says that they are somewhere else.
    pub(crate) fn misplaced(&self) -> u64 {
        let cached = self.magazines.locations().filter(|&at| self.lies(self.magazines.get(at), at));
        let pages = (0..self.pages).map(PageId::new);
        let free = pages.filter(|&id| self.zone.holds(id) && self.lies(id, ZONE));
        (cached.count() + free.count()) as u64
    }

    /// Whether a page that was just seen at a location stays there while its word says otherwise, and
    /// stays the same. Of an id that is no page's, the location alone must stay.
    fn lies(&self, id: PageId, location: Location) -> bool {
        let state = || self.words.get(id.index() as usize).map(|word| word.load());
        let first = state();
        first != Some(PageState::resting(location))
            && (0..LOOKS).all(|_| self.is_member(location, id) && state() == first)
    }
}
