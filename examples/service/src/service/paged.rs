//! Uploads in pages: one bulk call for all pages of an upload, vectored reads into them, one owner for the whole chain.

use std::array;
use std::io::{self, IoSliceMut};

use pagesheaf::{DefaultMode, PageBatch, Pool};
use pagesheaf_buf::{BufChain, SharedChain};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::staging::{Short, Staging, cut_short};

/// Pages of one read: more than a socket mostly has for them.
const SLICES: usize = 64;

/// The pages of one upload, at most.
const MOST: usize = 1024;

/// Those of most uploads, at most: a batch has its size even where it holds less, and is moved with all of it.
const FEW: usize = 64;

/// A pool, without a cache of the thread's own. A call is for a whole upload, so that one would save little. It and the
/// shared cache, which gets the pages that a reader drops, would each keep touched pages of which the other knows
/// nothing. That took more memory.
pub struct Paged {
    pool: Pool,
}

impl Paged {
    pub fn new(pool: Pool) -> Self {
        Paged { pool }
    }

    /// The pool, to close it.
    pub fn into_pool(self) -> Pool {
        self.pool
    }

    fn pages(&self, len: usize) -> usize {
        // An upload of no bytes has a name, which takes memory as well.
        len.div_ceil(self.pool.page_size()).max(1)
    }

    fn take<const N: usize>(&self, pages: usize) -> Result<BufChain, Short> {
        let mut batch = PageBatch::<DefaultMode, N>::empty();
        let got = self.pool.alloc_bulk_exact(&mut batch, pages);
        got.map(|()| batch.into()).map_err(|error| Short::Pool(error.reason))
    }

    async fn wait_for<const N: usize>(&self, pages: usize) -> io::Result<BufChain> {
        let mut batch = PageBatch::<DefaultMode, N>::empty();
        let got = self.pool.alloc_bulk_async(&mut batch, pages).await;
        got.map(|()| batch.into()).map_err(io::Error::other)
    }
}

impl Staging for Paged {
    type Room = BufChain;
    type Body = SharedChain;

    fn most(&self) -> usize {
        self.pool.capacity().min(MOST) * self.pool.page_size()
    }

    fn try_admit(&self, len: usize) -> Result<BufChain, Short> {
        let pages = self.pages(len);
        if pages <= FEW { self.take::<FEW>(pages) } else { self.take::<MOST>(pages) }
    }

    async fn admit(&self, len: usize) -> io::Result<BufChain> {
        let pages = self.pages(len);
        if pages <= FEW {
            self.wait_for::<FEW>(pages).await
        } else {
            Box::pin(self.wait_for::<MOST>(pages)).await
        }
    }

    async fn receive(
        &self,
        mut room: BufChain,
        socket: &mut TcpStream,
        mut first: &[u8],
        len: usize,
    ) -> io::Result<SharedChain> {
        let came = first.len();
        let mut left = len - came;
        room.read_at_most(&mut first, came)?;
        while left > 0 {
            socket.readable().await?;
            match fill(&mut room, socket, left) {
                Ok(0) => return Err(cut_short()),
                Ok(n) => left -= n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(room.freeze())
    }

    fn free(&self, body: SharedChain) {
        if let Ok(chain) = body.try_unique() {
            self.pool.free_all(chain.into_pages());
        }
    }

    fn pool(&self) -> Option<&Pool> {
        Some(&self.pool)
    }
}

/// Reads once, at most `left` bytes, into the room of the pages from the first that has any.
fn fill(room: &mut BufChain, socket: &TcpStream, left: usize) -> io::Result<usize> {
    let n = {
        let mut slices = array::from_fn::<_, SLICES, _>(|_| IoSliceMut::new(&mut []));
        let (mut used, mut asked) = (0, 0);
        let rooms = room.buffers_mut().iter_mut().filter(|buf| buf.room() > 0);
        for (slice, buf) in slices.iter_mut().zip(rooms) {
            let here = buf.room().min(left - asked);
            if here == 0 {
                break;
            }
            *slice = IoSliceMut::new(&mut buf.room_mut()[..here]);
            (used, asked) = (used + 1, asked + here);
        }
        read_now(socket, &mut slices[..used], asked)?
    };
    let mut filled = n;
    for buf in room.buffers_mut().iter_mut().filter(|buf| buf.room() > 0) {
        let here = filled.min(buf.room());
        buf.grow(here).map_err(io::Error::other)?;
        filled -= here;
        if filled == 0 {
            break;
        }
    }
    Ok(n)
}

/// A vectored read of what has come. A short one has emptied the socket: to say so saves the read that would find that
/// out, as tokio does for plain reads.
fn read_now(socket: &TcpStream, to: &mut [IoSliceMut<'_>], asked: usize) -> io::Result<usize> {
    let mut short = None;
    let read = socket.try_io(Interest::READABLE, || {
        let n = rustix::io::readv(socket, to)?;
        if 0 < n && n < asked {
            short = Some(n);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(n)
    });
    short.map_or(read, Ok)
}
