//! Why bytes do not fit.

use core::fmt;

use pagesheaf::Mode;

use crate::SharedBuf;

/// So many bytes do not fit where they were to go. Nothing was written.
///
/// ```
/// # use pagesheaf::Pool;
/// # use pagesheaf_buf::PageBuf;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pool = Pool::builder(10).build()?;
/// let mut buf = PageBuf::new(pool.alloc()?);
/// let error = buf.prepend(b"header").expect_err("no headroom");
/// assert_eq!(error.to_string(), "6 bytes do not fit: there is room for 0: write fewer, or leave more room");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRoom {
    /// How many bytes were to fit.
    pub wanted: usize,
    /// For how many there is room.
    pub room: usize,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoRoom { wanted, room } = self;
        write!(f, "{wanted} bytes do not fit: there is room for {room}: ")?;
        f.write_str("write fewer, or leave more room")
    }
}

impl core::error::Error for NoRoom {}

/// Why nothing was written before the bytes of a [`SharedBuf`], which is here again.
pub enum NotPrepended<M: Mode> {
    /// Others hold parts of the page: a copy can be made, or the header sent as a buffer of its own.
    Shared(SharedBuf<M>),
    /// The headroom is too small: see [`PageBuf::with_headroom`](crate::PageBuf::with_headroom).
    NoRoom(SharedBuf<M>, NoRoom),
}

impl<M: Mode> NotPrepended<M> {
    /// The buffer, as it was.
    pub fn into_buf(self) -> SharedBuf<M> {
        match self {
            NotPrepended::Shared(buf) | NotPrepended::NoRoom(buf, _) => buf,
        }
    }
}

impl<M: Mode> fmt::Display for NotPrepended<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotPrepended::Shared(_) => f.write_str(
                "others hold parts of the page: make a copy, or send the header as a buffer of its own",
            ),
            NotPrepended::NoRoom(_, error) => error.fmt(f),
        }
    }
}

impl<M: Mode> fmt::Debug for NotPrepended<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotPrepended({self})")
    }
}

impl<M: Mode> core::error::Error for NotPrepended<M> {}
