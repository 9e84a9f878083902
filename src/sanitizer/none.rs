//! No tool is told which pages may be touched: the feature `sanitizer-hooks` is off, or is nothing on this target.
//!
//! Invariant: nothing of it is in the program.

/// What would know a tool.
pub(crate) struct Sanitizer;

impl Sanitizer {
    /// Whether a tool would be told.
    pub(crate) const IS_ON: bool = false;

    pub(crate) fn new() -> Self {
        Sanitizer
    }

    #[inline(always)]
    pub(crate) fn is_at_work(&self) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn forbid(&self, _start: *mut u8, _bytes: usize) {}

    #[inline(always)]
    pub(crate) fn allow(&self, _start: *mut u8, _bytes: usize) {}

    #[inline(always)]
    pub(crate) fn allow_unwritten(&self, _start: *mut u8, _bytes: usize) {}

    #[inline(always)]
    pub(crate) fn vouch_written(&self, _start: *mut u8, _bytes: usize) {}
}
