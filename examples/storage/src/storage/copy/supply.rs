//! What the copy asks of a pool. The pool and its rival both are one.
//!
//! A buffer is either the program's, in a batch, or the kernel's: then it is known by its key only.

use std::time::Duration;

use super::super::Outcome;

/// Bytes of a buffer.
pub const BLOCK: usize = 16 << 10;

/// The most requests that the kernel has of one ring, and the most buffers of a batch.
pub const DEPTH: usize = 64;

/// How long to wait for a buffer before giving up: somebody has lost one.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A buffer that the kernel has: what a request says of it.
#[derive(Clone, Copy)]
pub struct Lent {
    /// Finds it again; part of the request's `user_data`.
    pub key: u32,
    pub address: *mut u8,
    /// The registered buffer that it lies in, if any is registered.
    pub index: u16,
}

/// Buffers with an owner, on their way from one thread to another.
pub trait Batch: Send {
    /// The bytes of each.
    fn blocks(&self) -> impl Iterator<Item = &[u8]>;
}

/// Where a thread gets its buffers from.
pub trait Supply: Send {
    /// Up to [`DEPTH`] buffers.
    type Batch: Batch;

    /// Lends the kernel up to `n` new buffers: as many as there are.
    fn lend_new(&mut self, n: usize, lent: &mut Vec<Lent>);

    /// The same, and waits for the buffers. At least one comes, or an error.
    fn wait_and_lend(&mut self, n: usize, lent: &mut Vec<Lent>) -> Outcome<()>;

    /// Lends up to `n` buffers of a batch, from its start. The others stay in it.
    fn lend(&mut self, batch: &mut Self::Batch, n: usize, lent: &mut Vec<Lent>);

    /// Takes up to [`DEPTH`] buffers back, in the order of the keys.
    ///
    /// # Safety
    /// The kernel is done with them.
    unsafe fn reclaim(&mut self, keys: &[u32]) -> Outcome<Self::Batch>;

    /// Frees buffers that the kernel is done with.
    ///
    /// # Safety
    /// The kernel is done with them.
    unsafe fn free_lent(&mut self, keys: &[u32]) -> Outcome<()>;

    /// Calls what sleeps.
    fn idle<R>(&mut self, sleep: impl FnOnce() -> R) -> R {
        sleep()
    }
}
