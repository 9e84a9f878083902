//! Without `std` there is no heap: metadata comes from the caller, through `build_in`.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::BuildError;

/// There is none.
pub(crate) fn alloc(_layout: Layout) -> Result<NonNull<u8>, BuildError> {
    Err(BuildError::Unsupported { what: "heap memory (feature `std`)" })
}

/// Never called: nothing was allocated.
///
/// # Safety
/// None is needed.
pub(crate) unsafe fn dealloc(_block: NonNull<u8>, _layout: Layout) {}

/// A guess.
pub(crate) fn parallelism() -> usize {
    2
}
