//! The taint, by itself.

use crate::error::Call;
use crate::inner::alarm::{Alarm, Cause};
use crate::page::{Fault, PageId};

/// What tainted a pool, and who tells of it.
#[derive(Default)]
pub struct Taints(Alarm);

impl Default for Alarm {
    fn default() -> Self {
        Alarm::new(false, None)
    }
}

/// The calls of two parties.
const CALLS: [Call; 2] = [Call::Free, Call::Drop];

impl Taints {
    /// The call of a party, 0 or 1, finds that a page is free.
    pub fn find(&self, party: usize, page: u32) {
        self.0.note_by(Cause::Of(PageId::new(page), Fault::AlreadyFree), CALLS[party]);
    }

    /// The call of a party ends: whether it is the one to tell.
    #[must_use]
    pub fn has_to_tell(&self, party: usize) -> bool {
        self.0.has_to_tell(CALLS[party])
    }

    /// Whose call was the first to find something, and the page; `None` while it is not known.
    #[must_use]
    pub fn first(&self) -> Option<(usize, u32)> {
        let (cause, call) = self.0.first()?;
        let party = CALLS.iter().position(|it| it.number() == call)?;
        match cause {
            Cause::Of(page, Fault::AlreadyFree) => Some((party, page.index())),
            _ => None,
        }
    }
}
