//! Uploads in pages: one bulk call for all pages of an upload, vectored reads into them, one owner for the whole chain.

use std::array;
use std::io::{self, IoSliceMut};
use std::sync::Mutex;

use pagesheaf::{Cache, CacheError, DefaultMode, PageBatch, Pool};
use pagesheaf_buf::{BufChain, SharedChain};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::staging::{Short, Staging, cut_short};

/// Pages of one read: more than a socket mostly has for them.
const SLICES: usize = 64;

/// The pages of one upload, at most.
type Upload = PageBatch<DefaultMode, 1024>;

/// A pool, and the cache of the thread that serves.
pub struct Paged {
    pool: Pool,
    /// Stealable: upkeep gets what lies in it while the service is idle.
    cache: Mutex<Cache<DefaultMode, true>>,
}

impl Paged {
    pub fn new(pool: Pool) -> Result<Self, CacheError> {
        let cache = pool.cache_named("uploads").stealable().build()?;
        Ok(Paged { pool, cache: Mutex::new(cache) })
    }

    /// The pool, without the cache, to close it.
    pub fn into_pool(self) -> Pool {
        self.pool
    }

    fn pages(&self, len: usize) -> usize {
        // An upload of no bytes has a name, which takes memory as well.
        len.div_ceil(self.pool.page_size()).max(1)
    }
}

impl Staging for Paged {
    type Room = BufChain;
    type Body = SharedChain;

    fn most(&self) -> usize {
        self.pool.capacity().min(Upload::empty().capacity()) * self.pool.page_size()
    }

    fn try_admit(&self, len: usize) -> Result<BufChain, Short> {
        let mut batch = Upload::empty();
        let mut cache = self.cache.lock().expect("no panic");
        if let Err(error) = cache.alloc_bulk_exact(&mut batch, self.pages(len)) {
            // Those who wait get at the pool only, and nobody takes from the cache meanwhile.
            cache.drain();
            return Err(Short::Pool(error.reason));
        }
        Ok(batch.into())
    }

    async fn admit(&self, len: usize) -> io::Result<BufChain> {
        let mut batch = Upload::empty();
        let got = self.pool.alloc_bulk_async(&mut batch, self.pages(len)).await;
        got.map_err(io::Error::other)?;
        Ok(batch.into())
    }

    async fn receive(
        &self,
        mut room: BufChain,
        socket: &mut TcpStream,
        mut first: &[u8],
        len: usize,
    ) -> io::Result<SharedChain> {
        let mut left = len - first.len();
        room.read_from(&mut first)?;
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
            self.cache.lock().expect("no panic").free_all(chain.into_pages());
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
