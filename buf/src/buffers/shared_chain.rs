//! Several pages as one payload that many hold.
//!
//! Invariant: the part starts `skip` bytes into the buffer `first`, where there is such a byte, and has `len` bytes;
//! the buffers from there on have as many. Nobody writes them while two hold the chain.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeBounds;

use pagesheaf::{DefaultMode, Mode};

use super::range;
use crate::{BufChain, PageBuf};

/// A payload of several pages, or a part of one, by one count for all of them. A clone, and a cut, copies no byte.
///
/// The pages go back to their pool with the last of them.
pub struct SharedChain<M: Mode = DefaultMode> {
    pub(crate) buffers: Arc<Vec<PageBuf<M>>>,
    first: usize,
    skip: usize,
    len: usize,
}

impl<M: Mode> SharedChain<M> {
    pub(crate) fn new(buffers: Vec<PageBuf<M>>) -> Self {
        let len = buffers.iter().map(|buf| buf.len()).sum();
        let mut chain = SharedChain { buffers: Arc::new(buffers), first: 0, skip: 0, len };
        chain.advance(0);
        chain
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, page by page. None of the parts is empty.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::{BufChain, PageBuf};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(10).build()?;
    /// let mut chain = BufChain::new();
    /// for text in ["one ", "two ", "three"] {
    ///     let mut buf = PageBuf::new(pool.alloc()?);
    ///     buf.append(text.as_bytes())?;
    ///     chain.push(buf);
    /// }
    /// let part = chain.freeze().slice(2..9);
    /// assert!(part.chunks().eq([&b"e "[..], b"two ", b"t"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.parts().map(|(_, part)| part)
    }

    /// The parts that are not empty, each with the number of its buffer.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, &[u8])> + Clone {
        let (mut skip, mut left) = (self.skip, self.len);
        let parts = self.buffers.iter().enumerate().skip(self.first).map(move |(at, buf)| {
            let part = &buf[skip..];
            let part = &part[..left.min(part.len())];
            (skip, left) = (0, left - part.len());
            (at, part)
        });
        parts.filter(|(_, part)| !part.is_empty())
    }

    /// A part of it.
    ///
    /// # Panics
    /// When the range lies beyond its bytes, or ends before it starts.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let range = range::of(range, self.len);
        let mut part = self.clone();
        part.truncate(range.end);
        part.advance(range.start);
        part
    }

    /// Takes off the first `at` bytes, and keeps the rest.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn split_to(&mut self, at: usize) -> Self {
        let first = self.slice(..at);
        self.advance(at);
        first
    }

    /// The first `n` bytes are no longer part of it.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len, "{n} bytes of {}", self.len);
        self.len -= n;
        self.skip += n;
        while let Some(buf) = self.buffers.get(self.first)
            && self.skip >= buf.len()
        {
            self.skip -= buf.len();
            self.first += 1;
        }
    }

    /// Only the first `len` bytes are part of it, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// All buffers again, to write them, whatever part of them this is, if nobody else holds another.
    ///
    /// # Errors
    /// The part, as it was.
    pub fn try_unique(self) -> Result<BufChain<M>, Self> {
        let SharedChain { buffers, first, skip, len } = self;
        match Arc::try_unwrap(buffers) {
            Ok(buffers) => Ok(buffers.into()),
            Err(buffers) => Err(SharedChain { buffers, first, skip, len }),
        }
    }
}

impl<M: Mode> Clone for SharedChain<M> {
    fn clone(&self) -> Self {
        let &SharedChain { ref buffers, first, skip, len } = self;
        SharedChain { buffers: buffers.clone(), first, skip, len }
    }
}

impl<M: Mode> From<BufChain<M>> for SharedChain<M> {
    fn from(chain: BufChain<M>) -> Self {
        chain.freeze()
    }
}

impl<M: Mode> fmt::Debug for SharedChain<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts().map(|(at, part)| (&self.buffers[at], part.len()));
        f.debug_list().entries(parts).finish()
    }
}
