//! A part of a page that many hold.
//!
//! Invariant: `start <= end <=` the page's length. Nobody writes the page while two hold it.

use core::fmt;
use core::ops::{Deref, Range, RangeBounds};

use pagesheaf::{DefaultMode, Mode, Refcounted, SharedPage};

use super::range;
use crate::{NotPrepended, PageBuf};

/// A part of a page, by a reference to it. A clone, and a cut, is one more reference: no byte is copied.
///
/// The page goes back to its pool with the last of them.
pub struct SharedBuf<M: Mode = DefaultMode> {
    page: SharedPage<M>,
    start: usize,
    end: usize,
}

impl<M: Mode> SharedBuf<M> {
    pub(crate) fn new(page: SharedPage<M>, Range { start, end }: Range<usize>) -> Self {
        SharedBuf { page, start, end }
    }

    /// The first `n` bytes are no longer part of it.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "{n} bytes of {}", self.len());
        self.start += n;
    }

    /// Only the first `len` bytes are part of it, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.start + len.min(self.len());
    }

    /// The buffer again, to write it, if nobody else holds a part of the page. Headroom and room are what lies around
    /// this part.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::PageBuf;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(10).build()?;
    /// let mut buf = PageBuf::new(pool.alloc()?);
    /// buf.append(b"one two")?;
    /// let (one, two) = buf.freeze().split_at(3);
    /// let two = two.try_unique().expect_err("`one` is there, too");
    /// drop(one);
    /// let mut two = two.try_unique().expect("the only part");
    /// two.append(b" three")?;
    /// assert_eq!((&two[..], two.headroom()), (&b" two three"[..], 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The part, as it was.
    pub fn try_unique(self) -> Result<PageBuf<M>, Self> {
        let SharedBuf { page, start, end } = self;
        match page.try_into_unique() {
            Ok(page) => Ok(PageBuf::with_data(page, start..end)),
            Err(page) => Err(SharedBuf { page, start, end }),
        }
    }
}

impl<M: Mode> SharedBuf<M> {
    /// A part of it.
    ///
    /// # Panics
    /// When the range lies beyond its bytes, or ends before it starts.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let Range { start, end } = range::of(range, self.len());
        SharedBuf::new(self.page.clone(), self.start + start..self.start + end)
    }

    /// Two parts: the first `at` bytes, and the rest.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn split_at(mut self, at: usize) -> (Self, Self) {
        let first = self.split_to(at);
        (first, self)
    }

    /// Takes off the first `at` bytes, and keeps the rest.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn split_to(&mut self, at: usize) -> Self {
        let first = self.slice(..at);
        self.start += at;
        first
    }

    /// Keeps the first `at` bytes, and takes off the rest.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let rest = self.slice(at..);
        self.end = self.start + at;
        rest
    }
}

impl<M: Refcounted> SharedBuf<M> {
    /// Writes bytes before these, into the page's headroom, if nobody else holds a part of the page.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::PageBuf;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(10).build()?;
    /// let mut buf = PageBuf::with_headroom(pool.alloc()?, 16);
    /// buf.append(b"payload")?;
    /// let packet = buf.freeze().prepend(b"header ").expect("one holds it, and there is room");
    /// assert_eq!(&packet[..], b"header payload");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why nothing was written, with the buffer as it was.
    pub fn prepend(self, bytes: &[u8]) -> Result<Self, NotPrepended<M>> {
        let mut buf = self.try_unique().map_err(NotPrepended::Shared)?;
        match buf.prepend(bytes) {
            Ok(()) => Ok(buf.freeze()),
            Err(error) => Err(NotPrepended::NoRoom(buf.freeze(), error)),
        }
    }
}

impl<M: Mode> Clone for SharedBuf<M> {
    fn clone(&self) -> Self {
        self.slice(..)
    }
}

impl<M: Refcounted> From<PageBuf<M>> for SharedBuf<M> {
    fn from(buf: PageBuf<M>) -> Self {
        buf.freeze()
    }
}

impl<M: Mode> Deref for SharedBuf<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.page[self.start..self.end]
    }
}

impl<M: Mode> AsRef<[u8]> for SharedBuf<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> fmt::Debug for SharedBuf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (page, bytes) = (self.page.id(), self.start..self.end);
        f.debug_struct("SharedBuf").field("page", &page).field("bytes", &bytes).finish()
    }
}
