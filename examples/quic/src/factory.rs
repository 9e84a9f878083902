//! What quiche sends, and keeps until it is acknowledged: parts of pages.
//!
//! Invariant: a part holds a reference to its page, and nothing writes a page that has one.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use pagesheaf::StaticPool;
use pagesheaf_buf::{PageBuf, SharedBuf};
use quiche::{BufFactory, BufSplit};

/// The pages of all connections: the trait's functions have no `self`.
pub static POOL: StaticPool = StaticPool::new();

/// How many buffers came from the heap: of bytes that are longer than a page, or when no page was free.
pub static FROM_HEAP: AtomicU64 = AtomicU64::new(0);

/// Makes buffers of what is sent as a slice.
#[derive(Clone, Debug, Default)]
pub struct Pages;

/// Bytes that are sent once or more often. A clone is a reference.
#[derive(Clone, Debug)]
pub enum SentBuf {
    /// A part of a page.
    Page(SharedBuf),
    /// The trait has no error: what found no page is on the heap.
    Heap(Bytes),
}

impl BufFactory for Pages {
    type Buf = SentBuf;
    type DgramBuf = SentBuf;

    fn buf_from_slice(bytes: &[u8]) -> SentBuf {
        // Room for the header of a frame, which quiche may write in front.
        const HEADROOM: usize = 16;
        let page = POOL.alloc().ok().filter(|page| page.len() >= HEADROOM + bytes.len());
        let buf = page.map(|page| PageBuf::with_headroom(page, HEADROOM));
        let Some(mut buf) = buf else { return SentBuf::from(bytes.to_vec()) };
        buf.append(bytes).expect("it is long enough");
        SentBuf::Page(buf.freeze())
    }

    fn dgram_buf_from_slice(bytes: &[u8]) -> SentBuf {
        Self::buf_from_slice(bytes)
    }
}

impl BufSplit for SentBuf {
    fn split_at(&mut self, at: usize) -> Self {
        match self {
            SentBuf::Page(part) => SentBuf::Page(part.split_off(at)),
            SentBuf::Heap(bytes) => SentBuf::Heap(bytes.split_off(at)),
        }
    }

    fn try_add_prefix(&mut self, prefix: &[u8]) -> bool {
        match std::mem::replace(self, SentBuf::Heap(Bytes::new())) {
            SentBuf::Page(part) => {
                // In front of the first part of a page that nobody else holds.
                let (part, done) = match part.prepend(prefix) {
                    Ok(part) => (part, true),
                    Err(refused) => (refused.into_buf(), false),
                };
                *self = SentBuf::Page(part);
                done
            }
            heap => {
                *self = heap;
                false
            }
        }
    }
}

impl AsRef<[u8]> for SentBuf {
    fn as_ref(&self) -> &[u8] {
        match self {
            SentBuf::Page(part) => part,
            SentBuf::Heap(bytes) => bytes,
        }
    }
}

/// What quiche has received as a datagram, and hands out.
impl From<Vec<u8>> for SentBuf {
    fn from(bytes: Vec<u8>) -> Self {
        FROM_HEAP.fetch_add(1, Ordering::Relaxed);
        SentBuf::Heap(bytes.into())
    }
}
