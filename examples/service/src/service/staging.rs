//! Where an upload lies: what the server asks of the pool, and of its rival.

use std::fmt;
use std::io;

use bytes::Buf;
use pagesheaf::{Pool, ShortReason};
use tokio::net::TcpStream;

/// Memory for uploads, with a limit.
pub trait Staging: Send + Sync + 'static {
    /// Room for an upload, as empty as it came.
    type Room: Send;
    /// An upload that is whole. A clone copies no byte; the memory comes free with the last one.
    type Body: Buf + Clone + Send + Sync + 'static;

    /// How long an upload can be.
    fn most(&self) -> usize;

    /// Room for so many bytes, if it is there now.
    fn try_admit(&self, len: usize) -> Result<Self::Room, Short>;

    /// Room for so many bytes, when it is this request's turn. Dropping the future leaves the line.
    fn admit(&self, len: usize) -> impl Future<Output = io::Result<Self::Room>> + Send;

    /// Receives an upload of `len` bytes, of which `first` came with the request.
    fn receive(
        &self,
        room: Self::Room,
        socket: &mut TcpStream,
        first: &[u8],
        len: usize,
    ) -> impl Future<Output = io::Result<Self::Body>> + Send;

    /// Frees an upload, unless others read it: then the last of them does.
    fn free(&self, body: Self::Body);

    /// The pool, if there is one.
    fn pool(&self) -> Option<&Pool>;
}

/// Why a request has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// What the pool says.
    Pool(ShortReason),
    /// The heap's limit is reached.
    Limit,
    /// Others wait already.
    Line,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Short::Pool(ShortReason::Exhausted) => f.write_str("exhausted"),
            Short::Pool(ShortReason::Cached) => f.write_str("cached"),
            Short::Pool(ShortReason::Busy) => f.write_str("busy"),
            Short::Pool(ShortReason::Promised) => f.write_str("promised"),
            Short::Pool(reason) => write!(f, "{reason}"),
            Short::Limit => f.write_str("limit"),
            Short::Line => f.write_str("line"),
        }
    }
}

/// The client has sent less than it said.
pub fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the client left in mid-upload")
}
