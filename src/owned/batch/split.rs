//! Parts of a batch: by position, and by what is in the pages.
//!
//! Invariant: each page is in the batch or in what is taken out of it, whenever the user's code runs.

use core::ops::{Bound, RangeBounds};

use super::{IntoIter, PageBatch};
use crate::error::Count;
use crate::mode::Mode;

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// Takes the pages from `at` on into a batch of their own.
    ///
    /// # Panics
    /// When `at` is more than the length.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 5)?;
    /// let tail = batch.split_off(2);
    /// assert_eq!((batch.len(), tail.len()), (2, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the pages are freed with the batch that is returned"]
    #[track_caller]
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len, "split at {at} of {}", Count(self.len as u64, "page"));
        let mut other = Self::empty();
        other.core = self.core;
        let tail = self.cut(at);
        for (to, &id) in other.ids.iter_mut().zip(tail) {
            to.write(id);
        }
        other.len = tail.len();
        other
    }

    /// Takes the pages before `at` into a batch of their own; the others move to the front.
    ///
    /// # Panics
    /// When `at` is more than the length.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 5)?;
    /// let front = batch.split_to(2);
    /// assert_eq!((front.len(), batch.len()), (2, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the pages are freed with the batch that is returned"]
    #[track_caller]
    pub fn split_to(&mut self, at: usize) -> Self {
        let rest = self.split_off(at);
        core::mem::replace(self, rest)
    }

    /// Takes the pages of a range out, as an iterator of owners; those behind it move up. They leave
    /// the batch at once. Dropping the iterator frees what is left in it.
    ///
    /// # Panics
    /// When the range starts after its end, or ends past the length.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 5)?;
    /// let [first, .., last] = batch.ids() else { unreachable!() };
    /// let ends = [*first, *last];
    /// assert_eq!(batch.drain(1..4).map(drop).count(), 3);
    /// assert_eq!(batch.ids(), ends);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> IntoIter<M, N> {
        let start = match range.start_bound() {
            Bound::Included(&at) => at,
            Bound::Excluded(&at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&at) => at.saturating_add(1),
            Bound::Excluded(&at) => at,
            Bound::Unbounded => self.len,
        };
        let len = self.len;
        assert!(start <= end && end <= len, "{start}..{end} of {}", Count(len as u64, "page"));
        let mut behind = self.split_off(end);
        let taken = self.split_off(start);
        self.append(&mut behind).expect("they were in this batch");
        taken.into_iter()
    }

    /// Takes the pages for which `take` says so into a batch of their own, in order; the others keep
    /// theirs. So a cache can free what is not wanted, in one call.
    ///
    /// If `take` panics, the pages that it took so far are freed, and the others are in the batch.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut cache = pool.cache()?;
    /// let mut burst = PageBatch::new();
    /// cache.alloc_bulk_exact(&mut burst, 64)?;
    /// burst.iter_mut().step_by(4).for_each(|packet| packet[0] = 0x45); // IPv4
    /// # burst.iter_mut().skip(1).step_by(4).for_each(|packet| packet[0] = 0);
    /// # burst.iter_mut().skip(2).step_by(4).for_each(|packet| packet[0] = 0);
    /// # burst.iter_mut().skip(3).step_by(4).for_each(|packet| packet[0] = 0);
    /// let mut unknown = burst.split_off_if(|packet| packet[0] != 0x45);
    /// assert_eq!((burst.len(), unknown.len()), (16, 48));
    /// cache.free_bulk(&mut unknown);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the pages are freed with the batch that is returned"]
    pub fn split_off_if(&mut self, mut take: impl FnMut(&mut [u8]) -> bool) -> Self {
        let mut taken = Self::empty();
        let mut sorting = Sorting { batch: self, kept: 0, at: 0 };
        while let Some(bytes) = sorting.batch.get_mut(sorting.at) {
            let takes = take(bytes);
            sorting.put(takes.then_some(&mut taken));
        }
        drop(sorting);
        taken
    }

    /// Keeps the pages for which `keep` says so, in order, and frees the others, without a cache. With
    /// one: [`split_off_if`](Self::split_off_if).
    ///
    /// If `keep` panics, the pages that it has refused so far are freed, and the others are in the
    /// batch.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// batch.iter_mut().zip(0..).for_each(|(page, at)| page.fill(at));
    /// batch.retain(|page| page[0] != 1);
    /// assert_eq!(batch.iter().map(|page| page[0]).collect::<Vec<_>>(), [0, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&mut [u8]) -> bool) {
        drop(self.split_off_if(|page| !keep(page)));
    }
}

/// A batch whose pages are looked at in order: `kept` of those before `at` stay. When this ends, the others move up to
/// them.
struct Sorting<'b, M: Mode, const N: usize> {
    batch: &'b mut PageBatch<M, N>,
    kept: usize,
    at: usize,
}

impl<M: Mode, const N: usize> Sorting<'_, M, N> {
    /// The page at `at` goes into another batch, or stays.
    fn put(&mut self, into: Option<&mut PageBatch<M, N>>) {
        let id = self.batch.ids[self.at];
        self.at += 1;
        match (into, self.batch.core) {
            (Some(other), Some(core)) => {
                other.vacant()[0] = id;
                // SAFETY: the id was just written, its page is this core's and leaves the batch, in which `at` has
                // passed it; the other batch has as much room as this.
                unsafe { other.grow(core, 1) };
            }
            _ => {
                self.batch.ids[self.kept] = id;
                self.kept += 1;
            }
        }
    }
}

impl<M: Mode, const N: usize> Drop for Sorting<'_, M, N> {
    fn drop(&mut self) {
        let len = self.batch.len;
        self.batch.ids.copy_within(self.at..len, self.kept);
        self.batch.len = len - (self.at - self.kept);
    }
}
