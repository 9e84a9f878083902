//! Iterators over a batch: over its pages' bytes, and over the pages themselves.
//!
//! Invariant: the ids that are left are those of pages that the batch owns, or owned until the
//! iterator took it over.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::slice;

use super::PageBatch;
use crate::inner::Core;
use crate::mode::{DefaultMode, Mode};
use crate::owned::Page;
use crate::page::PageId;

/// The bytes of a batch's pages, in order: see [`PageBatch::iter`].
///
/// ```
/// # use pagesheaf::{Iter, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// How many bytes are not zero.
/// fn weight(pages: Iter<'_>) -> usize {
///     pages.flatten().filter(|&&byte| byte != 0).count()
/// }
///
/// let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::new();
/// pool.alloc_bulk_zeroed(&mut batch, 2);
/// assert_eq!(weight(batch.iter()), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators do nothing unless they are used"]
pub struct Iter<'a, M: Mode = DefaultMode> {
    /// That of the batch, if there are ids.
    core: Option<&'a Core<M>>,
    ids: slice::Iter<'a, PageId>,
}

/// The bytes of a batch's pages, in order, to write: see [`PageBatch::iter_mut`].
///
/// ```
/// # use pagesheaf::{IterMut, PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// /// Numbers the pages.
/// fn number(pages: IterMut<'_>) {
///     pages.zip(0..).for_each(|(page, number)| page[0] = number);
/// }
///
/// let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::new();
/// pool.alloc_bulk_exact(&mut batch, 3)?;
/// number(batch.iter_mut());
/// assert_eq!(batch[2][0], 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "iterators do nothing unless they are used"]
pub struct IterMut<'a, M: Mode = DefaultMode> {
    core: Option<&'a Core<M>>,
    ids: slice::Iter<'a, PageId>,
    alone: PhantomData<&'a mut [u8]>,
}

impl<'a, M: Mode> Iter<'a, M> {
    pub(super) fn new<const N: usize>(batch: &'a PageBatch<M, N>) -> Self {
        Iter { core: batch.pages_core(), ids: batch.ids().iter() }
    }

    fn bytes(&self, id: PageId) -> Option<&'a [u8]> {
        let core = self.core?;
        // SAFETY: the batch, borrowed for `'a`, owns the page, which lies in the region and is
        // initialised.
        Some(unsafe { slice::from_raw_parts(core.address(id), core.page_size()) })
    }
}

impl<'a, M: Mode> IterMut<'a, M> {
    pub(super) fn new<const N: usize>(batch: &'a mut PageBatch<M, N>) -> Self {
        let batch = &*batch;
        IterMut { core: batch.pages_core(), ids: batch.ids().iter(), alone: PhantomData }
    }

    /// The bytes of the page whose id `take` takes, each of which is there once.
    fn take(
        &mut self,
        take: fn(&mut slice::Iter<'a, PageId>) -> Option<&'a PageId>,
    ) -> Option<&'a mut [u8]> {
        let (id, core) = (*take(&mut self.ids)?, self.core?);
        // SAFETY: the batch, borrowed alone for `'a`, owns the page, which lies in the region and
        // is initialised; its bytes are given out once.
        Some(unsafe { slice::from_raw_parts_mut(core.address(id), core.page_size()) })
    }
}

impl<'a, M: Mode> Iterator for Iter<'a, M> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let id = *self.ids.next()?;
        self.bytes(id)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl<M: Mode> DoubleEndedIterator for Iter<'_, M> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let id = *self.ids.next_back()?;
        self.bytes(id)
    }
}

impl<'a, M: Mode> Iterator for IterMut<'a, M> {
    type Item = &'a mut [u8];

    fn next(&mut self) -> Option<&'a mut [u8]> {
        self.take(Iterator::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl<M: Mode> DoubleEndedIterator for IterMut<'_, M> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.take(DoubleEndedIterator::next_back)
    }
}

impl<M: Mode> Clone for Iter<'_, M> {
    fn clone(&self) -> Self {
        Iter { core: self.core, ids: self.ids.clone() }
    }
}

impl<M: Mode> ExactSizeIterator for Iter<'_, M> {}
impl<M: Mode> FusedIterator for Iter<'_, M> {}
impl<M: Mode> ExactSizeIterator for IterMut<'_, M> {}
impl<M: Mode> FusedIterator for IterMut<'_, M> {}

/// A list of the pages' numbers.
fn numbers(ids: &[PageId], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_list().entries(ids.iter().map(|id| id.index())).finish()
}

impl<M: Mode> fmt::Debug for Iter<'_, M> {
    /// The numbers of the pages that are left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        numbers(self.ids.as_slice(), f)
    }
}

impl<M: Mode> fmt::Debug for IterMut<'_, M> {
    /// The numbers of the pages that are left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        numbers(self.ids.as_slice(), f)
    }
}

impl<'a, M: Mode, const N: usize> IntoIterator for &'a PageBatch<M, N> {
    type Item = &'a [u8];
    type IntoIter = Iter<'a, M>;

    fn into_iter(self) -> Iter<'a, M> {
        self.iter()
    }
}

impl<'a, M: Mode, const N: usize> IntoIterator for &'a mut PageBatch<M, N> {
    type Item = &'a mut [u8];
    type IntoIter = IterMut<'a, M>;

    fn into_iter(self) -> IterMut<'a, M> {
        self.iter_mut()
    }
}

/// The pages of a batch, one by one, in order or from the end. Those not taken are freed together
/// when it is dropped.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::new();
/// pool.alloc_bulk_exact(&mut batch, 4)?;
/// let (first, last) = (batch.ids()[0], batch.ids()[3]);
/// let mut pages = batch.into_iter();
/// assert_eq!(pages.next().map(|page| page.id()), Some(first));
/// assert_eq!(pages.next_back().map(|page| page.id()), Some(last));
/// assert_eq!(pages.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the pages that are not taken are freed"]
pub struct IntoIter<M: Mode = DefaultMode, const N: usize = 256> {
    batch: ManuallyDrop<PageBatch<M, N>>,
    /// How many pages were taken from the front; those taken from the end have left the batch.
    next: usize,
}

impl<M: Mode, const N: usize> IntoIterator for PageBatch<M, N> {
    type Item = Page<M>;
    type IntoIter = IntoIter<M, N>;

    fn into_iter(self) -> IntoIter<M, N> {
        IntoIter { batch: ManuallyDrop::new(self), next: 0 }
    }
}

impl<M: Mode, const N: usize> Iterator for IntoIter<M, N> {
    type Item = Page<M>;

    fn next(&mut self) -> Option<Page<M>> {
        let id = *self.batch.ids().get(self.next)?;
        self.next += 1;
        // SAFETY: the page leaves the batch for good: `next` has passed it.
        Some(unsafe { Page::new(self.batch.core?, id) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.next;
        (left, Some(left))
    }
}

impl<M: Mode, const N: usize> DoubleEndedIterator for IntoIter<M, N> {
    fn next_back(&mut self) -> Option<Page<M>> {
        if self.next == self.batch.len() {
            return None;
        }
        self.batch.pop()
    }
}

impl<M: Mode, const N: usize> ExactSizeIterator for IntoIter<M, N> {}
impl<M: Mode, const N: usize> FusedIterator for IntoIter<M, N> {}

impl<M: Mode, const N: usize> Drop for IntoIter<M, N> {
    fn drop(&mut self) {
        if let Some(core) = self.batch.core.filter(|_| self.next < self.batch.len()) {
            // SAFETY: the pages from `next` on are still the batch's, which is not used again.
            unsafe { Core::drop_pages(core, self.batch.give_up(self.next)) };
        }
    }
}

impl<M: Mode, const N: usize> fmt::Debug for IntoIter<M, N> {
    /// The numbers of the pages that are left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        numbers(&self.batch.ids()[self.next..], f)
    }
}
