//! Parts of a batch: by position, and by what is in the pages.
//!
//! Invariant: each page is in the batch once, or in what is taken out of it, when a call has ended; also by a panic.

use core::mem::MaybeUninit;
use core::ops::{Bound, RangeBounds};

use super::{IntoIter, PageBatch};
use crate::error::Count;
use crate::mode::Mode;
use crate::page::PageId;

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
    /// If `take` panics, all pages are in the batch: those that it took so far at the end.
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
        let taken = [const { MaybeUninit::uninit() }; N];
        let mut sorting = Sorting { batch: self, taken, kept: 0, at: 0 };
        while let Some(bytes) = sorting.batch.get_mut(sorting.at) {
            let takes = take(bytes);
            sorting.put(takes);
        }
        let kept = sorting.kept;
        drop(sorting);
        self.split_off(kept)
    }

    /// Keeps the pages for which `keep` says so, in order, and frees the others, without a cache. With
    /// one: [`split_off_if`](Self::split_off_if).
    ///
    /// If `keep` panics, all pages are in the batch: those that it has refused so far at the end.
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

/// A batch whose pages are looked at in order: of those before `at`, `kept` stay, and the others are `taken`. When this
/// ends, these stand behind all others.
struct Sorting<'b, M: Mode, const N: usize> {
    batch: &'b mut PageBatch<M, N>,
    taken: [MaybeUninit<PageId>; N],
    kept: usize,
    at: usize,
}

impl<M: Mode, const N: usize> Sorting<'_, M, N> {
    /// The page at `at` is taken, or stays.
    fn put(&mut self, takes: bool) {
        let id = self.batch.ids[self.at];
        if takes {
            self.taken[self.at - self.kept] = id;
        } else {
            self.batch.ids[self.kept] = id;
            self.kept += 1;
        }
        self.at += 1;
    }
}

impl<M: Mode, const N: usize> Drop for Sorting<'_, M, N> {
    fn drop(&mut self) {
        let taken = &self.taken[..self.at - self.kept];
        let ids = &mut self.batch.ids[..self.batch.len];
        ids.copy_within(self.at.., self.kept);
        let end = ids.len() - taken.len();
        ids[end..].copy_from_slice(taken);
    }
}
