//! No call fails on purpose: the feature is off.
//!
//! Invariant: nothing of it is in the program.

use crate::plan::{CallKinds, FaultPlan, InjectedFault};

/// What would decide which calls fail.
pub(crate) struct Injector;

impl Injector {
    pub(crate) const fn new(_plan: Option<FaultPlan>) -> Self {
        Injector
    }

    /// Whether any call may fail.
    #[inline(always)]
    pub(crate) fn is_armed(&self) -> bool {
        false
    }

    /// What happens to a call of this kind, for so many pages in blocks of this order.
    #[inline(always)]
    pub(crate) fn decide(&self, _: CallKinds, _order: u8, _want: usize) -> Option<InjectedFault> {
        None
    }
}
