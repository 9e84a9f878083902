//! A fault says nothing of its page's past: the feature `track` is off.
//!
//! Invariant: nothing of it is in the program.

use core::fmt;

/// What would be the events of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail;

impl fmt::Display for Trail {
    #[inline(always)]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
