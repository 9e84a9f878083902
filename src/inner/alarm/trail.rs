//! What is kept of the page that taints a pool first.
//!
//! Invariant: it is that page's past at about the moment at which its fault was found, and stays as it is.

use super::Cause;
use crate::inner::Core;
use crate::mode::Mode;

impl<M: Mode> Core<M> {
    /// Keeps the events of a page that was just found to be a cause, if it is the first one.
    pub(super) fn keep_trail(&self, cause: Cause) {
        if let Cause::Of(page, _) | Cause::Ignored(page) = cause {
            // Packed, as it was kept: a poisoned page's offset is elsewhere.
            let is_it = |first: Cause| first.packed() == cause.packed();
            self.tracker.keep_tainted(page, || self.alarm.first().is_some_and(|it| is_it(it.0)));
        }
    }
}
