//! Several pages as one payload, with one owner.
//!
//! Invariant: the bytes of the chain are those of its buffers, in order; new ones go into the room of the last.

use alloc::vec::Vec;
use core::fmt;

use pagesheaf::{DefaultMode, Mode, Page, PageBatch};

use crate::{PageBuf, SharedChain};

/// Buffers for a payload that is longer than a page.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pagesheaf::Pool;
/// use pagesheaf_buf::BufChain;
///
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(10).build()?;
/// let mut upload = BufChain::new();
/// upload.append_with(&[7; 10_000], || pool.alloc())?;
/// assert_eq!((upload.len(), upload.buffers().len()), (10_000, 3));
/// let served = upload.freeze();
/// let part = served.slice(4000..5000); // of two pages
/// assert_eq!(part.chunks().map(<[u8]>::len).collect::<Vec<_>>(), [96, 904]);
/// # Ok(())
/// # }
/// ```
pub struct BufChain<M: Mode = DefaultMode> {
    buffers: Vec<PageBuf<M>>,
}

impl<M: Mode> BufChain<M> {
    /// A chain of no buffers.
    #[must_use]
    pub const fn new() -> Self {
        BufChain { buffers: Vec::new() }
    }

    /// How many bytes there are, in all buffers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffers.iter().map(|buf| buf.len()).sum()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffers.iter().all(|buf| buf.is_empty())
    }

    /// The buffers, in order.
    #[must_use]
    pub fn buffers(&self) -> &[PageBuf<M>] {
        &self.buffers
    }

    /// The buffers, to write or cut them.
    pub fn buffers_mut(&mut self) -> &mut [PageBuf<M>] {
        &mut self.buffers
    }

    /// Puts a buffer behind the others. The room of the one before it is not used any more.
    pub fn push(&mut self, buf: PageBuf<M>) {
        self.buffers.push(buf);
    }

    /// For how many bytes there is room in the last buffer.
    #[must_use]
    pub fn room(&self) -> usize {
        self.buffers.last().map_or(0, PageBuf::room)
    }

    /// Writes as many bytes as there is room for in the last buffer. Returns how many.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let Some(last) = self.buffers.last_mut() else { return 0 };
        let n = bytes.len().min(last.room());
        last.append(&bytes[..n]).map_or(0, |()| n)
    }

    /// Writes all bytes, into new pages where the last buffer is full: one for each call of `alloc`.
    ///
    /// # Errors
    /// What `alloc` says that has no page. The bytes before stay: [`len`](Self::len) says how many there are.
    pub fn append_with<E>(
        &mut self,
        mut bytes: &[u8],
        mut alloc: impl FnMut() -> Result<Page<M>, E>,
    ) -> Result<(), E> {
        loop {
            bytes = &bytes[self.append(bytes)..];
            if bytes.is_empty() {
                return Ok(());
            }
            self.push(PageBuf::new(alloc()?));
        }
    }

    /// Takes the buffers out, in order.
    #[must_use]
    pub fn into_buffers(self) -> Vec<PageBuf<M>> {
        self.buffers
    }

    /// Takes the pages out, in order: `cache.free_all(chain.into_pages())` frees them in bulk, where a drop frees one
    /// after the other.
    pub fn into_pages(self) -> impl ExactSizeIterator<Item = Page<M>> {
        self.buffers.into_iter().map(PageBuf::into_page)
    }

    /// The bytes, for many to read, by one count for all pages; in any mode.
    #[must_use]
    pub fn freeze(self) -> SharedChain<M> {
        SharedChain::new(self.buffers)
    }
}

impl<M: Mode, const N: usize> From<PageBatch<M, N>> for BufChain<M> {
    /// A chain of empty buffers, one for each page: to read into. Panics as [`PageBuf::new`] does.
    fn from(pages: PageBatch<M, N>) -> Self {
        pages.into_iter().map(PageBuf::new).collect()
    }
}

impl<M: Mode> Default for BufChain<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> From<Vec<PageBuf<M>>> for BufChain<M> {
    fn from(buffers: Vec<PageBuf<M>>) -> Self {
        BufChain { buffers }
    }
}

impl<M: Mode> FromIterator<PageBuf<M>> for BufChain<M> {
    fn from_iter<I: IntoIterator<Item = PageBuf<M>>>(buffers: I) -> Self {
        BufChain { buffers: buffers.into_iter().collect() }
    }
}

impl<M: Mode> Extend<PageBuf<M>> for BufChain<M> {
    fn extend<I: IntoIterator<Item = PageBuf<M>>>(&mut self, buffers: I) {
        self.buffers.extend(buffers);
    }
}

impl<M: Mode> fmt::Debug for BufChain<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.buffers).finish()
    }
}
