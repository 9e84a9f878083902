//! A small number for each thread, to spread threads over shared slots.
//!
//! Invariant: a `const` thread-local without a destructor, so it can be read in a signal handler and while a
//! thread is being torn down.

use std::cell::Cell;
use std::thread_local;

thread_local! {
    static HINT: Cell<u32> = const { Cell::new(0) };
}

/// The calling thread's number, raised by `further`; `fresh` gives it at the first call.
#[inline]
pub(crate) fn thread_hint(further: u32, fresh: impl FnOnce() -> u32) -> usize {
    HINT.try_with(|hint| {
        if hint.get() == 0 {
            hint.set(fresh());
        }
        if further > 0 {
            hint.set(hint.get().wrapping_add(further));
        }
        hint.get() as usize
    })
    .unwrap_or(0)
}
