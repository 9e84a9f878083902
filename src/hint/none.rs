//! Without `std` threads cannot be told apart: every one starts with the first shared slot.

/// Always 0.
#[inline]
pub(crate) fn thread_key(_fresh: impl FnOnce() -> u32) -> usize {
    0
}
