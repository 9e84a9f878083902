//! What tells threads apart, to spread them over shared slots: a number that each gets at its first call.
//!
//! Invariant: a `const` thread-local without a destructor, so it can be read in a signal handler and while a thread is
//! being torn down. Only where the thread pointer cannot be read: in a library that is loaded at run time a thread's
//! first touch of a thread-local may allocate, so there it does not belong in a signal handler.

use std::cell::Cell;
use std::thread_local;

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// The calling thread's number; `fresh` gives it at the first call.
#[allow(dead_code, reason = "a model has no threads of the system")]
#[inline]
pub(crate) fn thread_key(fresh: impl FnOnce() -> u32) -> usize {
    let of = |number: &Cell<u32>| {
        if number.get() == 0 {
            number.set(fresh());
        }
        number.get() as usize
    };
    NUMBER.try_with(of).unwrap_or(0)
}
