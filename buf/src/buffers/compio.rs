//! The traits of the crate `compio-buf`.

use core::mem::MaybeUninit;
use core::{ptr, slice};

use compio_buf::{IoBuf, IoBufMut, SetLen};
use pagesheaf::Mode;

use crate::{Backing, OwnedBuf, SharedBuf};

/// The bytes that count.
impl<S: Backing> IoBuf for OwnedBuf<S> {
    fn as_init(&self) -> &[u8] {
        self
    }
}

/// The bytes that count, and the room behind them: a read starts with the first byte that counts, and the headroom
/// stays.
///
/// `as_uninit` is a safe call by which a caller may write bytes that are not initialised, in any buffer of that
/// crate's, and read them later. The runtime does not. Do not call it yourself: nothing would see it.
impl<S: Backing> IoBufMut for OwnedBuf<S> {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes = self.fillable();
        // SAFETY: bytes that are initialised may be seen as such that need not be. That they stay so is what the trait
        // leaves to its callers.
        #[allow(unsafe_code, reason = "the trait's own type")]
        unsafe {
            slice::from_raw_parts_mut(ptr::from_mut(bytes).cast(), bytes.len())
        }
    }
}

#[allow(unsafe_code, reason = "the trait's call is unsafe")]
impl<S: Backing> SetLen for OwnedBuf<S> {
    unsafe fn set_len(&mut self, len: usize) {
        self.set_filled(len);
    }
}

/// What is written out.
impl<M: Mode> IoBuf for SharedBuf<M> {
    fn as_init(&self) -> &[u8] {
        self
    }
}
