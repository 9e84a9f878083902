//! The rival: uploads in `Bytes` from the heap, behind a limit of as many bytes as the pool has.

use std::io;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use pagesheaf::Pool;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::staging::{Short, Staging, cut_short};

/// The heap, with a count of the bytes that may be out.
pub struct Heap {
    left: Arc<Semaphore>,
    most: usize,
}

impl Heap {
    /// With a limit of so many bytes, and so many for one upload.
    pub fn new(bytes: usize, most: usize) -> Self {
        Heap { left: Arc::new(Semaphore::new(bytes)), most }
    }

    /// Bytes that may still be taken.
    pub fn left(&self) -> usize {
        self.left.available_permits()
    }
}

/// Bytes that count, until the last who reads them has gone.
struct Counted {
    bytes: BytesMut,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Staging for Heap {
    type Room = OwnedSemaphorePermit;
    type Body = Bytes;

    fn most(&self) -> usize {
        self.most
    }

    fn try_admit(&self, len: usize) -> Result<OwnedSemaphorePermit, Short> {
        let permits = len.max(1) as u32;
        self.left.clone().try_acquire_many_owned(permits).map_err(|_| Short::Limit)
    }

    async fn admit(&self, len: usize) -> io::Result<OwnedSemaphorePermit> {
        let permits = len.max(1) as u32;
        self.left.clone().acquire_many_owned(permits).await.map_err(io::Error::other)
    }

    async fn receive(
        &self,
        permit: OwnedSemaphorePermit,
        socket: &mut TcpStream,
        first: &[u8],
        len: usize,
    ) -> io::Result<Bytes> {
        // Room that is not zeroed first, and reads that fill it in place.
        let mut bytes = BytesMut::with_capacity(len);
        bytes.extend_from_slice(first);
        while bytes.len() < len {
            let left = len - bytes.len();
            if socket.read_buf(&mut (&mut bytes).limit(left)).await? == 0 {
                return Err(cut_short());
            }
        }
        Ok(Bytes::from_owner(Counted { bytes, _permit: permit }))
    }

    fn free(&self, body: Bytes) {
        drop(body);
    }

    fn pool(&self) -> Option<&Pool> {
        None
    }
}
