//! The contenders: one program for all, which names another crate in its `use`.

use std::ops::DerefMut;

/// Bytes of a datagram at most, and of the room before it.
pub const DATAGRAM: usize = 1500;
pub const HEADROOM: usize = 16;
/// Bytes of a chunk of a body at most.
pub const BODY: usize = 64 * 1024;
/// Chunks that are copied, up to this size, come from a pool of their own.
const MEDIUM: usize = 4096;

/// How many lists there are, and how many buffers are kept: as a QUIC server of the proxy had them.
const SHARDS: usize = 8;
const DATAGRAMS: usize = 64 * 1024;
const BODIES: usize = 16 * 1024;

/// What is asked of a buffer.
pub trait Consume: DerefMut<Target = [u8]> {
    fn pop_front(&mut self, count: usize);
    fn truncate(&mut self, count: usize);
    fn add_prefix(&mut self, prefix: &[u8]) -> bool;
}

/// Pools of buffers.
pub trait Design {
    const NAME: &'static str;
    type Inner: Consume;
    type Buf: DerefMut<Target = Self::Inner> + Send + 'static;

    /// Room for the largest datagram, with headroom before it.
    fn datagram() -> Self::Buf;
    /// Room for the largest chunk.
    fn body() -> Self::Buf;
    /// A chunk that is copied.
    fn copied(bytes: &[u8]) -> Self::Buf;
    /// Buffers that are out.
    fn out() -> u64;
    /// Gives back to the system what nobody needs, if it can.
    fn maintain();
}

macro_rules! design {
    ($design:ident, $name:literal, $module:ident, $($pool:ident)::+, $out:expr, $maintain:expr) => {
        pub struct $design;

        mod $module {
            use $($pool)::+::{ConsumeBuffer, Pool, Pooled};

            use super::*;

            pub type Pools = Pool<SHARDS, ConsumeBuffer>;

            static DATAGRAM_POOL: Pools =
                Pools::new(DATAGRAMS, DATAGRAM + HEADROOM, "datagrams");
            static BODY_POOL: Pools = Pools::new(BODIES, BODY, "bodies");
            static MEDIUM_POOL: Pools = Pools::new(MEDIUM, MEDIUM, "medium");

            impl Consume for ConsumeBuffer {
                fn pop_front(&mut self, count: usize) {
                    self.pop_front(count);
                }

                fn truncate(&mut self, count: usize) {
                    self.truncate(count);
                }

                fn add_prefix(&mut self, prefix: &[u8]) -> bool {
                    self.add_prefix(prefix)
                }
            }

            impl Design for $design {
                const NAME: &'static str = $name;
                type Inner = ConsumeBuffer;
                type Buf = Pooled<ConsumeBuffer>;

                fn datagram() -> Self::Buf {
                    DATAGRAM_POOL.get_with(|buf| {
                        buf.expand(DATAGRAM + HEADROOM);
                        buf.pop_front(HEADROOM);
                    })
                }

                fn body() -> Self::Buf {
                    BODY_POOL.get_with(|buf| buf.expand(BODY))
                }

                fn copied(bytes: &[u8]) -> Self::Buf {
                    let pool = if bytes.len() <= MEDIUM { &MEDIUM_POOL } else { &BODY_POOL };
                    pool.with_slice(bytes)
                }

                fn out() -> u64 {
                    let of: fn(&Pools, &'static str) -> u64 = $out;
                    of(&DATAGRAM_POOL, "datagrams") + of(&BODY_POOL, "bodies")
                        + of(&MEDIUM_POOL, "medium")
                }

                fn maintain() {
                    let of: fn(&Pools) = $maintain;
                    [&DATAGRAM_POOL, &BODY_POOL, &MEDIUM_POOL].into_iter().for_each(of);
                }
            }
        }
    };
}

design!(
    Pages,
    "pagesheaf",
    pages,
    sharded,
    |pool, _| pool.pages().map_or(0, |pages| pages.audit().pages.out),
    |pool| _ = pool.pages().map(pagesheaf::Pool::maintain)
);
design!(
    Original,
    "buffer-pool",
    original,
    buffer_pool,
    |_, name| buffer_pool::buffer_pool::pool_active_count(name).get(),
    |_| ()
);
// It counts nothing: what it has out is what the others have.
design!(Queues, "queues", hand_written, crate::demo::queues, |_, _| 0, |_| ());
