//! A page, or a block of pages, that one owner writes.
//!
//! Invariant: `start <= end <=` the length of what it is over, which fits 32 bits; the bytes between count, and nothing
//! is said of the others.

use core::fmt;
use core::ops::{Deref, DerefMut, Range};

use pagesheaf::{Block, DefaultMode, Mode, Page, Refcounted};

use super::backing::Backing;
use crate::{NoRoom, SharedBuf};

/// Headroom, bytes that count, and room behind them, in a page ([`PageBuf`]) or in a block of pages ([`BlockBuf`]).
///
/// It derefs to the bytes that count. Pages come with whatever was in them before: bytes come to count when they are
/// written, or when [`grow`](Self::grow) and [`grow_front`](Self::grow_front) say so.
///
/// It takes three words of 64 bits, so what it is over has less than 4 GiB.
pub struct OwnedBuf<S: Backing> {
    backing: S,
    // Of 32 bits each: what is moved with every page that is got and dropped has three words, and not four.
    start: u32,
    end: u32,
}

/// A buffer over one page.
pub type PageBuf<M = DefaultMode> = OwnedBuf<Page<M>>;

/// A buffer over a block: 2ⁿ neighbouring pages as one slice, for what is longer than a page and must not be cut.
///
/// So one pool has buffers of many sizes, and its size is the limit of all of them:
///
/// ```
/// # use pagesheaf::{Order, Pool};
/// # use pagesheaf_buf::{BlockBuf, PageBuf};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(64).page_size(2048).build()?; // 128 KiB for everything
/// let small = PageBuf::new(pool.alloc()?);
/// let order = Order::for_bytes(60_000, pool.page_size()).expect("at most 2 MiB");
/// let mut large = BlockBuf::new(pool.alloc_block(order)?);
/// large.append(&[7; 60_000])?;
/// assert_eq!((small.capacity(), large.capacity(), large.room()), (2048, 65_536, 5536));
/// assert!(pool.alloc_block(order).is_err(), "the small one has a page of it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A block has no reference count. Many can read it as `Bytes`, with the feature `bytes`, or in an `Arc`.
pub type BlockBuf<M = DefaultMode> = OwnedBuf<Block<M>>;

impl<S: Backing> OwnedBuf<S> {
    /// A buffer of no bytes, and no headroom.
    ///
    /// # Panics
    /// When the page or block has 4 GiB or more.
    #[must_use]
    pub fn new(backing: S) -> Self {
        Self::with_headroom(backing, 0)
    }

    /// A buffer of no bytes, with room for so many before them.
    ///
    /// # Panics
    /// When there are fewer bytes than that, and as [`new`](Self::new).
    #[must_use]
    pub fn with_headroom(backing: S, headroom: usize) -> Self {
        Self::with_data(backing, headroom..headroom)
    }

    /// A buffer of these bytes of a page or block: what a device has written there.
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
    /// When the range lies beyond the bytes of the page or block, or ends before it starts, and as [`new`](Self::new).
    #[must_use]
    pub fn with_data(backing: S, data: Range<usize>) -> Self {
        let (Range { start, end }, bytes) = (data, backing.len());
        assert!(start <= end && end <= bytes, "bytes {start}..{end} of {bytes}");
        assert!(bytes <= u32::MAX as usize, "{bytes} bytes are more than a buffer can have");
        OwnedBuf { backing, start: start as u32, end: end as u32 }
    }

    /// Bytes of the page or block: headroom, those that count, and room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.backing.len()
    }

    /// For how many bytes there is room before those that count.
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.start as usize
    }

    /// For how many bytes there is room behind those that count.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity() - self.end as usize
    }

    /// The room behind the bytes that count, to write or to read into. [`grow`](Self::grow) makes them count.
    pub fn room_mut(&mut self) -> &mut [u8] {
        &mut self.backing[self.end as usize..]
    }

    /// The next `n` bytes of the room count from now on. Returns them, with whatever is in them.
    ///
    /// # Errors
    /// The room is smaller.
    pub fn grow(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let (old, room) = (self.end as usize, self.room());
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        self.end += n as u32;
        Ok(&mut self.backing[old..old + n])
    }

    /// The last `n` bytes of the headroom count from now on. Returns them, with whatever is in them.
    ///
    /// # Errors
    /// The headroom is smaller.
    pub fn grow_front(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let room = self.headroom();
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        self.start -= n as u32;
        Ok(&mut self.backing[room - n..room])
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
        self.start += n as u32;
    }

    /// Only the first `len` bytes count, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.start + len.min(self.len()) as u32;
    }

    /// No bytes count, and the headroom is so large.
    ///
    /// # Panics
    /// When there are fewer bytes than that.
    pub fn reset(&mut self, headroom: usize) {
        assert!(headroom <= self.capacity(), "a headroom of {headroom} in {}", self.capacity());
        (self.start, self.end) = (headroom as u32, headroom as u32);
    }

    /// Which bytes count.
    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The bytes that count, and the room behind them: what a read of a runtime may fill from its start on.
    #[cfg(any(feature = "compio-buf", feature = "monoio", feature = "tokio-uring"))]
    pub(crate) fn fillable(&mut self) -> &mut [u8] {
        &mut self.backing[self.start as usize..]
    }

    /// So many bytes count from the first on: what a runtime has filled.
    ///
    /// # Panics
    /// When there are fewer.
    #[cfg(any(feature = "compio-buf", feature = "monoio", feature = "tokio-uring"))]
    pub(crate) fn set_filled(&mut self, len: usize) {
        let most = self.len() + self.room();
        assert!(len <= most, "{len} bytes filled of {most}");
        self.end = self.start + len as u32;
    }
}

impl<M: Mode> PageBuf<M> {
    /// The page.
    #[must_use]
    pub fn into_page(self) -> Page<M> {
        self.backing
    }

    /// The bytes that count, for many to read. The room is not lost: [`SharedBuf::try_unique`] gets it back.
    #[must_use]
    pub fn freeze(self) -> SharedBuf<M>
    where
        M: Refcounted,
    {
        let range = self.range();
        SharedBuf::new(self.backing.into_shared(), range)
    }
}

impl<M: Mode> BlockBuf<M> {
    /// The block.
    #[must_use]
    pub fn into_block(self) -> Block<M> {
        self.backing
    }
}

/// Panics as [`OwnedBuf::new`] does.
impl<S: Backing> From<S> for OwnedBuf<S> {
    fn from(backing: S) -> Self {
        Self::new(backing)
    }
}

/// Behind the bytes that count. Whoever may have more than there is room for calls [`append`](OwnedBuf::append), which
/// refuses all of it, or `std::io::Write`, which takes what fits.
///
/// ```
/// # use pagesheaf::Pool;
/// # use pagesheaf_buf::PageBuf;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(10).build()?;
/// let mut buf = PageBuf::new(pool.alloc()?);
/// buf.extend(b"key: ");
/// buf.extend((0..3).map(|digit| b'0' + digit));
/// assert_eq!(&buf[..], b"key: 012");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// When there is a byte that has no room. Those before it count. If the iterator panics, how many of its bytes count is
/// not said.
impl<S: Backing> Extend<u8> for OwnedBuf<S> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        let (mut bytes, mut written) = (bytes.into_iter(), 0);
        // So many there are at the least, and of a slice no more. The loop is for compilers: they see that the index is
        // in the room, and make one copy of it.
        let least = bytes.size_hint().0.min(self.room());
        let room = &mut self.room_mut()[..least];
        while written < room.len() {
            let Some(byte) = bytes.next() else { break };
            room[written] = byte;
            written += 1;
        }
        self.end += written as u32;
        for byte in bytes {
            let Some(to) = self.room_mut().first_mut() else {
                panic!("more bytes than there is room for: `append` and `write` do not panic");
            };
            *to = byte;
            self.end += 1;
        }
    }
}

/// Copies of these. Panics as `Extend<u8>` does.
///
/// ```
/// # use pagesheaf::Pool;
/// # use pagesheaf_buf::PageBuf;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(10).build()?;
/// let mut buf = PageBuf::new(pool.alloc()?);
/// buf.extend(b"a-b-c".iter().filter(|byte| **byte != b'-'));
/// assert_eq!(&buf[..], b"abc");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<'a, S: Backing> Extend<&'a u8> for OwnedBuf<S> {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

impl<S: Backing> Deref for OwnedBuf<S> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.backing[self.range()]
    }
}

impl<S: Backing> DerefMut for OwnedBuf<S> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let range = self.range();
        &mut self.backing[range]
    }
}

impl<S: Backing> AsRef<[u8]> for OwnedBuf<S> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<S: Backing> AsMut<[u8]> for OwnedBuf<S> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<S: Backing> fmt::Debug for OwnedBuf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedBuf").field("in", &self.backing).field("bytes", &self.range()).finish()
    }
}
