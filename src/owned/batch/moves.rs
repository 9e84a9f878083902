//! Pages into a batch, out of it, and from one batch to another.
//!
//! Invariant: a page is in one batch at a time, and what is refused stays where it was.

use core::fmt;

use super::{PageBatch, no_page};
use crate::error::{BatchError, debug_by_display};
use crate::inner::Core;
use crate::mode::{DefaultMode, Mode, ModeFlags};
use crate::owned::Page;

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// Appends a page.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// batch.push(pool.alloc()?)?;
    /// assert_eq!(batch.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The page, when the batch is full or holds pages of another pool.
    pub fn push(&mut self, page: Page<M>) -> Result<(), PushError<M>> {
        if self.len == N {
            return Err(PushError { page, reason: BatchError::Full });
        }
        if !self.may_join(page.core()) {
            return Err(PushError { page, reason: BatchError::OtherPool });
        }
        let core = page.core();
        self.vacant()[0].write(page.into_raw());
        // SAFETY: the id was just written, and the page is now the batch's.
        unsafe { self.grow(core, 1) };
        Ok(())
    }

    /// Appends pages until one is refused, or there are no more.
    ///
    /// # Errors
    /// The page that was refused, as [`push`](Self::push) does. Those before it are in the batch;
    /// those after it are still in the iterator, if that was passed by reference.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// let mut few = PageBatch::<_, 2>::empty();
    /// let mut pages = batch.into_iter();
    /// let refused = few.try_extend(&mut pages).expect_err("two fit");
    /// assert_eq!((few.len(), refused.reason), (2, pagesheaf::BatchError::Full));
    /// drop(refused.page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_extend(
        &mut self,
        pages: impl IntoIterator<Item = Page<M>>,
    ) -> Result<(), PushError<M>> {
        pages.into_iter().try_for_each(|page| self.push(page))
    }

    /// Takes the last page.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// let last = batch.ids()[1];
    /// assert_eq!(batch.pop().map(|page| page.id()), Some(last));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pop(&mut self) -> Option<Page<M>> {
        let last = self.len.checked_sub(1)?;
        let id = self.cut(last)[0];
        // SAFETY: the page leaves the batch, which had a core for it.
        Some(unsafe { Page::new(self.core?, id) })
    }

    /// Takes a page, and puts the last one in its place.
    ///
    /// # Panics
    /// When the batch has no page at `index`.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// let ids = batch.ids().to_vec();
    /// assert_eq!(batch.swap_remove(0).id(), ids[0]);
    /// assert_eq!(batch.ids(), [ids[2], ids[1]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn swap_remove(&mut self, index: usize) -> Page<M> {
        if index >= self.len {
            no_page(index, self.len);
        }
        self.ids[..self.len].swap(index, self.len - 1);
        self.pop().unwrap_or_else(|| no_page(index, 0))
    }

    /// Moves all pages of another batch to the end of this one.
    ///
    /// # Errors
    /// When this batch has too little room, or pages of another pool; neither changes then.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 5)?;
    /// let mut tail = batch.split_off(2);
    /// batch.append(&mut tail)?;
    /// assert_eq!((batch.len(), tail.len()), (5, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append<const K: usize>(
        &mut self,
        other: &mut PageBatch<M, K>,
    ) -> Result<(), BatchError> {
        let Some(core) = other.core.filter(|_| other.len > 0) else {
            return Ok(());
        };
        if other.len > self.remaining_capacity() {
            return Err(BatchError::Full);
        }
        if !self.may_join(core) {
            return Err(BatchError::OtherPool);
        }
        let moved = other.cut(0);
        for (to, &id) in self.vacant().iter_mut().zip(moved) {
            to.write(id);
        }
        let n = moved.len();
        // SAFETY: the ids were just written, and the pages left the other batch.
        unsafe { self.grow(core, n) };
        Ok(())
    }

    /// Frees all pages, without a cache.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 5)?;
    /// batch.clear();
    /// assert!(batch.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&mut self) {
        if let Some(core) = self.core.filter(|_| self.len > 0) {
            // SAFETY: the pages leave the batch, which had this core for them.
            unsafe { Core::drop_pages(core, self.give_up(0)) };
        }
    }
}

impl<M: Mode, const N: usize> Drop for PageBatch<M, N> {
    #[inline]
    fn drop(&mut self) {
        if self.len > 0 {
            self.clear();
        }
    }
}

/// A page that a batch refused, and why.
///
/// ```
/// # use pagesheaf::{BatchError, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::<_, 1>::empty();
/// batch.push(pool.alloc()?)?;
/// let refused = batch.push(pool.alloc()?).expect_err("the batch is full");
/// assert_eq!(refused.reason, BatchError::Full);
/// let page = refused.page;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub struct PushError<M: Mode = DefaultMode> {
    /// The page.
    pub page: Page<M>,
    /// Why it was refused.
    pub reason: BatchError,
}

impl<M: Mode> fmt::Display for PushError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = ModeFlags::of::<M>();
        write!(f, "{} was refused: {} [{mode}]", self.page.id(), self.reason)
    }
}

debug_by_display!(PushError<M>);

impl<M: Mode> core::error::Error for PushError<M> {
    /// Why it was refused.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.reason)
    }
}
