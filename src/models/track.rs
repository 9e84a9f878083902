//! The record of a page, by itself.

use crate::history::Event;
use crate::record::{Held, Record};
use crate::sync::Zeroed;

/// What is known of a page, which one thread at a time may have.
pub struct PageRecord(Record);

impl Default for PageRecord {
    fn default() -> Self {
        PageRecord(Record::zero())
    }
}

impl PageRecord {
    /// The caller, who has this number, allocates the page.
    pub fn allocated(&self, by: u64) {
        self.0.allocated(Held { site: by, holder: 10 * by, since: 100 * by, lent: 0 });
    }

    /// The page's owner frees it.
    pub fn freed(&self) {
        self.0.freed(Event::Freed);
    }

    /// If the page is out: how many events are known, and who has allocated it, unless that is changing. Panics if what
    /// is known is of two allocations.
    #[must_use]
    pub fn look(&self) -> Option<(usize, Option<u64>)> {
        let (history, held) = self.0.look()?;
        let by = held.map(|held| {
            let by = held.site;
            assert_eq!((held.holder, held.since, held.lent), (10 * by, 100 * by, 0), "{held:?}");
            by
        });
        Some((history.events().count(), by))
    }
}
