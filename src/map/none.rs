//! Platforms, and builds, without memory mapping.

use crate::error::BuildError;
use crate::region::{Backing, Mapping};

/// Whether a pool's default region is mapped.
pub(crate) const AVAILABLE: bool = false;

/// Not here.
pub(crate) fn map(_: Mapping, _bytes: usize, _align: usize) -> Result<Backing, BuildError> {
    Err(BuildError::Unsupported { what: "a mapped region (Linux, with feature `std`)" })
}

/// Never called: nothing was mapped.
///
/// # Safety
/// None is needed.
pub(crate) unsafe fn unmap(_base: *mut u8, _bytes: usize) {}
