//! Which values bytes of zero are: a table of them need not be written in memory that the system gives zeroed.
//!
//! Invariant: only atomics, and what is made of nothing else, are declared here; each declaration says why.

use super::{Atomic, Turn};

/// A value that starts as zero.
///
/// # Safety
/// Where [`ZERO_BYTES`](super::ZERO_BYTES) says that atomics are their numbers, bytes of zero are the value that
/// [`Self::zero`] makes.
pub(crate) unsafe trait Zeroed {
    /// The value that it starts with.
    fn zero() -> Self;
}

macro_rules! numbers {
    ($($word:ty)+) => {$(
        // SAFETY: the real arm's `Atomic` is transparent over its number, which is 0 here and in bytes of zero.
        unsafe impl Zeroed for Atomic<$word> {
            fn zero() -> Self {
                Atomic::new(0)
            }
        }
    )+};
}
numbers!(u8 u32 u64);

// SAFETY: it has no bytes where atomics are their numbers.
unsafe impl Zeroed for Turn {
    fn zero() -> Self {
        Turn::new()
    }
}

/// Declares types of one atomic, or of several, that start as zero: each field is [`Zeroed`] itself.
macro_rules! zeroed {
    ($type:ident($($field:tt),+)) => {
        // SAFETY: each field is zero where its bytes are; what lies between them is padding.
        unsafe impl $crate::sync::Zeroed for $type {
            fn zero() -> Self {
                $type { $($field: $crate::sync::Zeroed::zero()),+ }
            }
        }
    };
}
pub(crate) use zeroed;
