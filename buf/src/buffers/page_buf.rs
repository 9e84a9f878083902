//! A page that one owner writes.
//!
//! Invariant: `start <= end <=` the page's length; the bytes between count, and nothing is said of the others.

use core::fmt;
use core::ops::{Deref, DerefMut, Range};

use pagesheaf::{DefaultMode, Mode, Page, Refcounted};

use crate::{NoRoom, SharedBuf};

/// A page with headroom, bytes that count, and room behind them.
///
/// It derefs to the bytes that count. A page comes with whatever was in it before: bytes come to count when
/// they are written, or when [`grow`](Self::grow) and [`grow_front`](Self::grow_front) say so.
pub struct PageBuf<M: Mode = DefaultMode> {
    page: Page<M>,
    start: usize,
    end: usize,
}

impl<M: Mode> PageBuf<M> {
    /// A buffer of no bytes, and no headroom.
    #[must_use]
    pub fn new(page: Page<M>) -> Self {
        Self::with_headroom(page, 0)
    }

    /// A buffer of no bytes, with room for so many before them.
    ///
    /// # Panics
    /// When the page is smaller than that.
    #[must_use]
    pub fn with_headroom(page: Page<M>, headroom: usize) -> Self {
        Self::with_data(page, headroom..headroom)
    }

    /// A buffer of these bytes of the page: what a device has written there.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::PageBuf;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(10).build()?;
    /// let mut page = pool.alloc()?;
    /// page[256..261].copy_from_slice(b"frame");
    /// let buf = PageBuf::with_data(page, 256..261);
    /// assert_eq!((&buf[..], buf.headroom(), buf.room()), (&b"frame"[..], 256, 4096 - 261));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When the range lies beyond the page, or ends before it starts.
    #[must_use]
    pub fn with_data(page: Page<M>, data: Range<usize>) -> Self {
        let (Range { start, end }, bytes) = (data, page.len());
        assert!(start <= end && end <= bytes, "bytes {start}..{end} of a page of {bytes}");
        PageBuf { page, start, end }
    }

    /// Bytes of the page: headroom, those that count, and room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.page.len()
    }

    /// For how many bytes there is room before those that count.
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.start
    }

    /// For how many bytes there is room behind those that count.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity() - self.end
    }

    /// The room behind the bytes that count, to write or to read into. [`grow`](Self::grow) makes them count.
    pub fn room_mut(&mut self) -> &mut [u8] {
        &mut self.page[self.end..]
    }

    /// The next `n` bytes of the room count from now on. Returns them, with whatever is in them.
    ///
    /// # Errors
    /// The room is smaller.
    pub fn grow(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let (old, room) = (self.end, self.room());
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        self.end += n;
        Ok(&mut self.page[old..old + n])
    }

    /// The last `n` bytes of the headroom count from now on. Returns them, with whatever is in them.
    ///
    /// # Errors
    /// The headroom is smaller.
    pub fn grow_front(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let (old, room) = (self.start, self.headroom());
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        self.start -= n;
        Ok(&mut self.page[old - n..old])
    }

    /// Writes bytes behind those that count.
    ///
    /// # Errors
    /// The room is smaller. Nothing is written then.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.grow(bytes.len()).map(|room| room.copy_from_slice(bytes))
    }

    /// Writes bytes before those that count: a header, before what it is of.
    ///
    /// # Errors
    /// The headroom is smaller. Nothing is written then.
    pub fn prepend(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.grow_front(bytes.len()).map(|room| room.copy_from_slice(bytes))
    }

    /// The first `n` bytes count no more; they are headroom.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "{n} bytes of {}", self.len());
        self.start += n;
    }

    /// Only the first `len` bytes count, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.start + len.min(self.len());
    }

    /// No bytes count, and the headroom is so large.
    ///
    /// # Panics
    /// When the page is smaller than that.
    pub fn reset(&mut self, headroom: usize) {
        assert!(headroom <= self.capacity(), "a headroom of {headroom} in {}", self.capacity());
        (self.start, self.end) = (headroom, headroom);
    }

    /// The bytes that count, and the room behind them: what a read of a runtime may fill from its start on.
    #[cfg(any(feature = "compio-buf", feature = "monoio", feature = "tokio-uring"))]
    pub(crate) fn fillable(&mut self) -> &mut [u8] {
        &mut self.page[self.start..]
    }

    /// So many bytes count from the first on: what a runtime has filled.
    ///
    /// # Panics
    /// When the page ends before.
    #[cfg(any(feature = "compio-buf", feature = "monoio", feature = "tokio-uring"))]
    pub(crate) fn set_filled(&mut self, len: usize) {
        let most = self.len() + self.room();
        assert!(len <= most, "{len} bytes filled of {most}");
        self.end = self.start + len;
    }

    /// The page.
    #[must_use]
    pub fn into_page(self) -> Page<M> {
        self.page
    }

    /// The bytes that count, for many to read. The room is not lost: [`SharedBuf::try_unique`] gets it back.
    #[must_use]
    pub fn freeze(self) -> SharedBuf<M>
    where
        M: Refcounted,
    {
        SharedBuf::new(self.page.into_shared(), self.start..self.end)
    }
}

impl<M: Mode> From<Page<M>> for PageBuf<M> {
    fn from(page: Page<M>) -> Self {
        Self::new(page)
    }
}

impl<M: Mode> Deref for PageBuf<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.page[self.start..self.end]
    }
}

impl<M: Mode> DerefMut for PageBuf<M> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.page[self.start..self.end]
    }
}

impl<M: Mode> AsRef<[u8]> for PageBuf<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> AsMut<[u8]> for PageBuf<M> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> fmt::Debug for PageBuf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (page, bytes) = (self.page.id(), self.start..self.end);
        f.debug_struct("PageBuf").field("page", &page).field("bytes", &bytes).finish()
    }
}
