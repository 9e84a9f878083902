//! Without `std` there are no thread-locals, and the threads of a model are one thread of the system: every thread starts
//! with the first shared slot, always.

/// The first.
#[inline]
pub(crate) fn thread_hint(_fresh: impl FnOnce() -> u32) -> usize {
    0
}

/// It stays where it starts.
pub(crate) fn thread_moves(_by: u32) {}
