//! Without `std` there is no heap: metadata comes from the caller, through `build_in`.

use core::alloc::Layout;
use core::convert::Infallible;
use core::ptr::NonNull;

use crate::error::BuildError;

/// Memory from the heap: there is none.
pub(crate) struct Block(Infallible);

impl Block {
    /// There is none.
    pub(crate) fn new(_layout: Layout) -> Result<Self, BuildError> {
        Err(BuildError::Unsupported {
            what: "heap memory (feature `std`; without it, Builder::build_in)",
        })
    }

    /// Never called: there is none.
    pub(crate) fn start(&self) -> NonNull<u8> {
        match self.0 {}
    }
}

/// A guess.
pub(crate) fn parallelism() -> usize {
    2
}
