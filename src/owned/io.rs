//! Vectored I/O over a batch.

use core::iter::FusedIterator;
use std::io::{IoSlice, IoSliceMut};

use crate::mode::Mode;
use crate::owned::PageBatch;

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// The pages as buffers of a vectored write, in order. Nothing is allocated: collect them into
    /// an array on the stack, or into a `Vec`.
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    /// # use pagesheaf::{PageBatch, Pool};
    ///
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// let mut slices = [IoSlice::new(&[]); 16];
    /// slices.iter_mut().zip(batch.io_slices()).for_each(|(to, page)| *to = page);
    /// let mut file = Vec::new();
    /// assert_eq!(file.write_vectored(&slices[..batch.len()])?, 3 * pool.page_size());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn io_slices(
        &self,
    ) -> impl DoubleEndedIterator<Item = IoSlice<'_>> + ExactSizeIterator + FusedIterator {
        self.iter().map(IoSlice::new)
    }

    /// The pages as buffers of a vectored read, in order.
    ///
    /// ```
    /// use std::io::{IoSliceMut, Read};
    /// # use pagesheaf::{PageBatch, Pool};
    ///
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// let mut slices: [_; 16] = std::array::from_fn(|_| IoSliceMut::new(&mut []));
    /// slices.iter_mut().zip(batch.io_slices_mut()).for_each(|(to, page)| *to = page);
    /// let mut file = &[7; 5000][..];
    /// assert_eq!(file.read_vectored(&mut slices[..3])?, 5000);
    /// assert_eq!((batch[1][903], batch[0][0]), (7, 7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn io_slices_mut(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = IoSliceMut<'_>> + ExactSizeIterator + FusedIterator {
        self.iter_mut().map(IoSliceMut::new)
    }
}
