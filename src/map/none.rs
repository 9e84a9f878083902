//! Platforms, and builds, without memory mapping.

use core::alloc::Layout;
use core::convert::Infallible;
use core::ops::Range;
use core::ptr::NonNull;

use crate::error::BuildError;
use crate::mapping::{Mapping, RegionInfo};

/// Whether a pool's default region is mapped.
pub(crate) const AVAILABLE: bool = false;

/// A region that was mapped: there is none.
pub(crate) struct Mapped {
    pub(crate) base: *mut u8,
    pub(crate) info: RegionInfo,
    pub(crate) reservation: Reservation,
}

/// Memory that was mapped: there is none.
pub(crate) type Reservation = Infallible;

/// Not here.
pub(crate) fn map(_: Mapping, _bytes: usize, _align: usize) -> Result<Mapped, BuildError> {
    Err(BuildError::Unsupported { what: "a mapped region (Linux, with feature `std`)" })
}

/// Not here: no region is purgeable.
///
/// # Safety
/// None.
pub(crate) unsafe fn purge(_start: *mut u8, _bytes: usize) -> Result<Range<usize>, i32> {
    Ok(0..0)
}

/// Never called: there is none.
pub(crate) fn zeroed(_: Layout) -> Result<(NonNull<u8>, Reservation), BuildError> {
    Err(BuildError::Unsupported { what: "mapped memory (Linux, with feature `std`)" })
}
