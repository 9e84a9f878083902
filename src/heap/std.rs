//! Memory from the global allocator, and what the machine looks like.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::BuildError;
use crate::limits;

/// Zeroed memory. Dropping it gives it back.
pub(crate) struct Block {
    start: NonNull<u8>,
    given: *mut u8,
    layout: Layout,
}

/// What a usual allocator aligns everything to. If more is asked for, the standard library has zeroed memory written,
/// where the allocator would map it as it is.
const USUAL_ALIGN: usize = 2 * size_of::<usize>();

impl Block {
    /// Memory of this layout, which has a size.
    pub(crate) fn new(layout: Layout) -> Result<Self, BuildError> {
        assert!(layout.size() > 0);
        let refused = || {
            // The global allocator gives no number; this is ENOMEM, as Unix counts.
            let (what, bytes, code) = ("heap memory", layout.size(), 12);
            BuildError::NoMemory { what, bytes, limit: limits::new_memory(bytes), code }
        };
        // Aligned here: the allocation has so many bytes to spare.
        let spare = layout.align().saturating_sub(USUAL_ALIGN);
        let align = layout.align() - spare;
        let whole = layout.size().checked_add(spare).ok_or(BuildError::Overflow)?;
        let whole = Layout::from_size_align(whole, align).map_err(|_| BuildError::Overflow)?;
        // SAFETY: the layout has a size.
        let given = unsafe { std::alloc::alloc_zeroed(whole) };
        if given.is_null() {
            return Err(refused());
        }
        let offset = given.addr().next_multiple_of(layout.align()) - given.addr();
        let start = NonNull::new(given.wrapping_add(offset)).ok_or_else(refused)?;
        Ok(Block { start, given, layout: whole })
    }

    /// Its first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and nobody uses it any more.
        unsafe { std::alloc::dealloc(self.given, self.layout) };
    }
}

/// How many threads run at once.
pub(crate) fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
