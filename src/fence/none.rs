//! Without `std` the crate has no way to reach other processors: the caller gives one (`AsymmetricFence`), for example
//! a kernel that sends an interrupt to each of them.

/// A light fence need not be one of the processor's.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) const LIGHT: bool = true;

/// There is nobody to be told.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn register() -> bool {
    false
}

/// It cannot.
#[allow(dead_code, reason = "a model has no other threads of the system")]
pub(crate) fn all_threads() -> bool {
    false
}
