//! Pages that go offline and come back, in a trial.

use core::ops::Range;

use super::{Sharing, World};
use crate::page::PageId;

impl<M: Sharing> World<M> {
    /// Sixteen pages.
    pub(super) fn range(&self, n: usize) -> Range<u32> {
        let first = (n * 16 % (self.pool().capacity() - 16)) as u32;
        first..first + 16
    }

    /// Brings those of a range online that are not.
    pub(super) fn bring_online(&self, pages: Range<u32>) {
        for page in pages.filter(|&page| self.pool().is_offline(PageId::new(page))) {
            // SAFETY: nobody has touched the page's bytes since it went, and the memory is as it was.
            let _ = unsafe { self.pool().online(page..page + 1) };
        }
    }
}
