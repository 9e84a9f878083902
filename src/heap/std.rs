//! Memory from the global allocator, and what the machine looks like.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::BuildError;

/// Zeroed memory.
pub(crate) fn alloc(layout: Layout) -> Result<NonNull<u8>, BuildError> {
    debug_assert!(layout.size() > 0);
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc_zeroed(layout) };
    NonNull::new(block).ok_or(BuildError::System { what: "heap memory", code: 12 })
}

/// Gives memory back.
///
/// # Safety
/// `block` came from [`alloc`] with this layout.
pub(crate) unsafe fn dealloc(block: NonNull<u8>, layout: Layout) {
    // SAFETY: passed on to the caller.
    unsafe { std::alloc::dealloc(block.as_ptr(), layout) };
}

/// How many threads run at once.
pub(crate) fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
