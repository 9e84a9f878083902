//! What can be pooled.

use std::collections::VecDeque;

use crate::pages::Pages;

/// A value that a pool gets ready for whoever comes next.
pub trait Reuse {
    /// Empties the value, and keeps about `trim` bytes of its memory. True if it is worth keeping.
    fn reuse(&mut self, trim: usize) -> bool;

    /// Bytes of its memory.
    fn capacity(&self) -> usize;

    /// Whether its memory is pages, which go home by themselves.
    #[doc(hidden)]
    const PAGED: bool = false;

    /// A value over these pages: with one of them at once, or when it first needs memory.
    #[doc(hidden)]
    fn over(pages: &'static Pages, at_once: bool) -> Self
    where
        Self: Default,
    {
        let _ = (pages, at_once);
        Self::default()
    }
}

macro_rules! reuse {
    ($($kept:ty),*) => {$(
        impl Reuse for $kept {
            fn reuse(&mut self, trim: usize) -> bool {
                self.clear();
                self.shrink_to(trim);
                self.capacity() > 0
            }

            fn capacity(&self) -> usize {
                self.capacity()
            }
        }
    )*};
}

reuse!(Vec<u8>, VecDeque<u8>);
