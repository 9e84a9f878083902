//! Memory for contenders that deal in page numbers only.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use crate::contender::{Setup, TOUCHED};

/// The bytes of a page.
pub const PAGE: usize = 4096;

/// Pages in a row. A page is written to by whoever has its number.
pub struct Memory {
    base: NonNull<u8>,
    layout: Layout,
    colour: u32,
}

// SAFETY: it is bytes, and the pages of different numbers are different bytes.
unsafe impl Send for Memory {}
// SAFETY: as above; `touch` leaves it to the caller that a page is written by one thread at a time.
unsafe impl Sync for Memory {}

impl Memory {
    /// Populated pages where they are to be touched, and else the least that there can be.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self::populated(if setup.touched { setup.pages } else { 1 }, setup.colour)
    }

    /// So many populated pages.
    #[must_use]
    pub fn populated(pages: usize, colour: usize) -> Self {
        let layout = Layout::from_size_align(pages * PAGE, PAGE).expect("so many bytes");
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        for page in 0..pages {
            // SAFETY: inside the allocation; nobody else has it yet.
            unsafe { base.add(page * PAGE).write_volatile(1) };
        }
        Memory { base, layout, colour: colour as u32 }
    }

    /// All the bytes of a page.
    ///
    /// # Safety
    /// The page is a populated one, and the caller alone has its number.
    #[inline(always)]
    pub unsafe fn page(&mut self, id: u32) -> &mut [u8; PAGE] {
        // SAFETY: the page is inside the allocation, initialised, and the caller's.
        unsafe { self.base.add(id as usize * PAGE).cast().as_mut() }
    }

    /// Writes the first bytes of a page, past its colour.
    ///
    /// # Safety
    /// The page is one of the setup, which is a touched one, and the caller alone has its number.
    #[inline(always)]
    pub unsafe fn touch(&self, id: u32) {
        let headroom = (id % self.colour) as usize * TOUCHED;
        // SAFETY: the page is inside the allocation, and the caller's.
        unsafe { self.base.add(id as usize * PAGE + headroom).write_bytes(id as u8, TOUCHED) };
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}
