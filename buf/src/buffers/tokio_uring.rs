//! The traits of the crate `tokio-uring`.

use pagesheaf::Mode;
use tokio_uring::buf::{IoBuf, IoBufMut};

use crate::{Backing, OwnedBuf, SharedBuf};

// SAFETY: the bytes are a page's or a block's, which stay where they are while the buffer is moved, and the buffer's
// alone until it is dropped: see `Backing`.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<S: Backing> IoBuf for OwnedBuf<S> {
    fn stable_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.len()
    }

    fn bytes_total(&self) -> usize {
        self.len() + self.room()
    }
}

// SAFETY: as above; from the first byte that counts to the end of its page or block all bytes are initialised, and
// writable.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<S: Backing> IoBufMut for OwnedBuf<S> {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.fillable().as_mut_ptr()
    }

    unsafe fn set_init(&mut self, pos: usize) {
        // What counts already goes on to count.
        if pos > self.len() {
            self.set_filled(pos);
        }
    }
}

// SAFETY: as of `OwnedBuf`; nobody writes them while they are shared.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<M: Mode> IoBuf for SharedBuf<M> {
    fn stable_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.len()
    }

    fn bytes_total(&self) -> usize {
        self.len()
    }
}
