//! Batches on the heap.

use std::boxed::Box;

use crate::mode::Mode;
use crate::owned::PageBatch;

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// An empty batch with room for `N` pages, made on the heap. `Box::new(PageBatch::empty())`
    /// makes it on the stack and copies it, where the compiler does not optimise: 1 MiB for
    /// 262,144 pages.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// let pool = Pool::builder(1024).build()?;
    /// let mut batch = PageBatch::<_, 262_144>::boxed();
    /// assert_eq!(pool.alloc_bulk(&mut batch, 1000).allocated, 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn boxed() -> Box<Self> {
        let mut place = Box::new_uninit();
        Self::start_in(&mut place);
        // SAFETY: the batch was started in its place.
        unsafe { place.assume_init() }
    }
}
