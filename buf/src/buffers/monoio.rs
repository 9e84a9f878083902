//! The traits of the crate `monoio`.

use monoio::buf::{IoBuf, IoBufMut};
use pagesheaf::Mode;

use crate::{Backing, OwnedBuf, SharedBuf};

// SAFETY: the bytes are a page's or a block's, which stay where they are while the buffer is moved, and the buffer's
// alone until it is dropped: see `Backing`.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<S: Backing> IoBuf for OwnedBuf<S> {
    fn read_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.len()
    }
}

// SAFETY: as above; from the first byte that counts to the end of its page or block all bytes are initialised, and
// writable.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<S: Backing> IoBufMut for OwnedBuf<S> {
    fn write_ptr(&mut self) -> *mut u8 {
        self.fillable().as_mut_ptr()
    }

    fn bytes_total(&mut self) -> usize {
        self.len() + self.room()
    }

    unsafe fn set_init(&mut self, pos: usize) {
        self.set_filled(pos);
    }
}

// SAFETY: as of `OwnedBuf`; nobody writes them while they are shared.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<M: Mode> IoBuf for SharedBuf<M> {
    fn read_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.len()
    }
}
