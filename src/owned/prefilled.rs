//! Pages that are there beforehand.
//!
//! Invariant: it stands above the core, on what a batch can do: to take a page from it asks nobody.

use core::fmt;
use core::iter::FusedIterator;

use super::{Page, PageBatch};
use crate::mode::{DefaultMode, Mode};

/// Pages that were allocated beforehand, for code that can neither fail nor wait: an iterator of [`Page`]s, made by
/// [`Cache::prefill`](crate::Cache::prefill) or [`Pool::prefill`](crate::Pool::prefill). What is left goes back in one
/// exchange when it is dropped.
///
/// ```
/// # use pagesheaf::{Page, Pool, Prefilled};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// Splits a node of a tree, which must not end in the middle.
/// fn split(reserved: &mut Prefilled) -> [Page; 2] {
///     [(); 2].map(|()| reserved.next().expect("two for each level"))
/// }
///
/// let pool = Pool::builder(100).build()?;
/// let mut cache = pool.cache()?;
/// let mut reserved = cache.prefill(2 * 5)?; // or an error, before anything was changed
/// let levels: Vec<_> = (0..3).map(|_| split(&mut reserved)).collect();
/// assert_eq!(reserved.len(), 4);
/// drop(reserved);
/// assert_eq!(pool.audit().pages.out, 2 * levels.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A batch of any capacity becomes one, and it becomes a batch again, to be freed through a cache:
///
/// ```
/// # use pagesheaf::{PageBatch, Pool, Prefilled};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(1000).build()?;
/// # let mut cache = pool.cache()?;
/// let mut batch = PageBatch::<_, 500>::empty();
/// cache.alloc_bulk_exact(&mut batch, 400)?;
/// let mut reserved = Prefilled::from(batch);
/// let page = reserved.next().expect("400 are there");
/// let mut batch = reserved.into_batch();
/// cache.free_bulk(&mut batch);
/// # drop(page);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "its pages go back as it is dropped"]
pub struct Prefilled<M: Mode = DefaultMode, const N: usize = 256>(PageBatch<M, N>);

impl<M: Mode, const N: usize> Prefilled<M, N> {
    /// The batch of the pages that are left: to add to them, or to free them through a cache, which is nearer than
    /// where a drop leaves them.
    pub fn into_batch(self) -> PageBatch<M, N> {
        self.0
    }
}

impl<M: Mode, const N: usize> From<PageBatch<M, N>> for Prefilled<M, N> {
    /// The pages of a batch, set aside.
    fn from(batch: PageBatch<M, N>) -> Self {
        Prefilled(batch)
    }
}

impl<M: Mode, const N: usize> Iterator for Prefilled<M, N> {
    type Item = Page<M>;

    /// One of the pages, as long as there are any. It touches nothing but this value: it does not ask the pool,
    /// cannot fail and does not wait.
    #[inline]
    fn next(&mut self) -> Option<Page<M>> {
        self.0.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<M: Mode, const N: usize> ExactSizeIterator for Prefilled<M, N> {}
impl<M: Mode, const N: usize> FusedIterator for Prefilled<M, N> {}

impl<M: Mode, const N: usize> fmt::Debug for Prefilled<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prefilled").field(&self.0).finish()
    }
}
