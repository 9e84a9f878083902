//! What a fault says of its page's past: the feature `track`.
//!
//! Invariant: it is of one moment, and stays as it is.

use core::fmt;

use crate::history::History;

/// The events of a page, as a fault has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail(pub(crate) History);

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (its last events: {})", self.0) }
    }
}
