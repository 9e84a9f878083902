//! Memory from the global allocator, and what the machine looks like.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::BuildError;
use crate::limits;

/// Zeroed memory. Dropping it gives it back.
pub(crate) struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// Memory of this layout, which has a size.
    pub(crate) fn new(layout: Layout) -> Result<Self, BuildError> {
        assert!(layout.size() > 0);
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) });
        let start = start.ok_or_else(|| {
            // The global allocator gives no number; this is ENOMEM, as Unix counts.
            let (what, bytes, code) = ("heap memory", layout.size(), 12);
            BuildError::NoMemory { what, bytes, limit: limits::new_memory(bytes), code }
        })?;
        Ok(Block { start, layout })
    }

    /// Its first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and nobody uses it any more.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// How many threads run at once.
pub(crate) fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
