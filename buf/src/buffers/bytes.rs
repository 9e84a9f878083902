//! The traits and the type of the crate `bytes`.

use bytes::buf::UninitSlice;
use bytes::{Buf, BufMut, Bytes};
use pagesheaf::Mode;

use crate::{Backing, OwnedBuf, SharedBuf, SharedChain};

/// What is read counts no more.
impl<S: Backing> Buf for OwnedBuf<S> {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self
    }

    fn advance(&mut self, n: usize) {
        OwnedBuf::advance(self, n);
    }
}

// SAFETY: `remaining_mut` is the length of what `chunk_mut` returns, which is memory of the page or block, and stays
// where it is; `advance_mut` goes as far as that, and panics beyond it.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<S: Backing> BufMut for OwnedBuf<S> {
    fn remaining_mut(&self) -> usize {
        self.room()
    }

    unsafe fn advance_mut(&mut self, n: usize) {
        if let Err(error) = self.grow(n) {
            panic!("{error}");
        }
    }

    /// All of it is initialised.
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        UninitSlice::new(self.room_mut())
    }
}

/// What is read is no longer part of it.
impl<M: Mode> Buf for SharedBuf<M> {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self
    }

    fn advance(&mut self, n: usize) {
        SharedBuf::advance(self, n);
    }
}

/// What is read is no longer part of it.
impl<M: Mode> Buf for SharedChain<M> {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.chunks().next().unwrap_or_default()
    }

    fn advance(&mut self, n: usize) {
        SharedChain::advance(self, n);
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, to: &mut [std::io::IoSlice<'a>]) -> usize {
        let filled = to.iter_mut().zip(self.io_slices()).map(|(to, part)| *to = part);
        filled.count()
    }
}

/// Without a copy. `Bytes` keeps the page out until its last clone goes.
///
/// The conversion boxes once, because `Bytes` keeps an owner behind a pointer. Nothing leads back from it:
/// `Bytes::try_into_mut` fails for memory of another owner. To write the page again, keep a [`SharedBuf`] of
/// it, and ask that when the `Bytes` have gone: [`SharedBuf::try_unique`].
///
/// ```
/// # use bytes::Bytes;
/// # use pagesheaf::Pool;
/// # use pagesheaf_buf::PageBuf;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(10).build()?;
/// let mut buf = PageBuf::new(pool.alloc()?);
/// buf.append(b"frozen")?;
/// let kept = buf.freeze();
/// let bytes = Bytes::from(kept.clone());
/// assert_eq!(bytes.as_ptr(), kept.as_ptr());
/// let kept = kept.try_unique().expect_err("the bytes are there");
/// drop(bytes);
/// assert!(kept.try_unique().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<M: Mode> From<SharedBuf<M>> for Bytes {
    fn from(buf: SharedBuf<M>) -> Self {
        Bytes::from_owner(buf)
    }
}

/// Without a copy, and in any mode: see `From<SharedBuf>`. The page is not written again before it is free.
impl<S: Backing> From<OwnedBuf<S>> for Bytes {
    fn from(buf: OwnedBuf<S>) -> Self {
        Bytes::from_owner(buf)
    }
}

impl<M: Mode> SharedChain<M> {
    /// The bytes as one `Bytes` for each page, without a copy. Each boxes once.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::BufChain;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(10).build()?;
    /// let mut chain = BufChain::new();
    /// chain.append_with(&[7; 5000], || pool.alloc())?;
    /// let parts: Vec<_> = chain.freeze().to_bytes().collect();
    /// assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [4096, 904]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_bytes(&self) -> impl Iterator<Item = Bytes> {
        let mut rest = self.clone();
        let lens = self.chunks().map(<[u8]>::len);
        lens.map(move |len| Bytes::from_owner(Part(rest.split_to(len))))
    }
}

/// The part of a chain that lies in one page.
struct Part<M: Mode>(SharedChain<M>);

impl<M: Mode> AsRef<[u8]> for Part<M> {
    fn as_ref(&self) -> &[u8] {
        self.0.chunks().next().unwrap_or_default()
    }
}
