//! What a zone gives and takes, and how far it looks for it.

mod bits;
mod order;
mod purge;
#[path = "../../../tests/common/random.rs"]
mod random;
mod touched;
pub(super) mod visits;

use super::{Cursor, Zone};
use crate::page::PageId;

impl Zone {
    /// Takes up to `max` pages, whatever the marks are.
    pub(crate) fn take(
        &self,
        cursor: &mut Cursor,
        max: usize,
        mut each: impl FnMut(PageId),
    ) -> usize {
        self.take_knowing(cursor, max, |id, _| each(id))
    }
}
