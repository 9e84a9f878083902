//! Fences where no system call makes other threads execute one: each thread executes its own.

/// A light fence is one of the processor's.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) const LIGHT: bool = false;

/// Nobody need be told.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn register() -> bool {
    true
}

/// Every thread that matters executes fences of its own.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn all_threads() -> bool {
    true
}
