//! What the server asks of a pool. The pool and its rival both are one.
//!
//! A buffer is free, received (the program's) or the kernel's: then it is known by its id only.

use super::super::Outcome;
use super::provided::Provided;

/// Bytes of a buffer: a datagram, its header and its sender.
pub const BYTES: usize = 2048;

/// The most datagrams that are received together.
pub const BURST: usize = 256;

/// Where the server gets its buffers from.
pub trait Supply {
    /// How many buffers there are.
    fn capacity(&self) -> usize;

    /// Lends the kernel up to `n` free buffers, in a ring: as many as there are. Returns how many.
    fn fill(&mut self, n: usize, ring: &mut Provided) -> Outcome<usize>;

    /// Takes up to [`BURST`] buffers that have a datagram. None was received before, or all are
    /// sent.
    ///
    /// # Safety
    /// The kernel has given them up, and wrote bytes.
    unsafe fn receive(&mut self, ids: &[u16]) -> Outcome<()>;

    /// What was received, in the same order.
    fn received(&self) -> impl Iterator<Item = (u16, &[u8])>;

    /// Lends the kernel all that was received, to be sent from.
    fn send(&mut self, send: impl FnMut(u16));

    /// Frees buffers that were sent.
    ///
    /// # Safety
    /// The kernel is done with them.
    unsafe fn complete(&mut self, ids: &[u16]) -> Outcome<()>;

    /// Frees whatever the kernel had, and what was received. Returns how many the kernel had, if
    /// that can be told.
    ///
    /// # Safety
    /// The kernel has no request left, and the ring that was filled is gone.
    unsafe fn ring_gone(&mut self) -> Option<usize>;

    /// Calls what sleeps.
    fn idle<R>(&mut self, sleep: impl FnOnce() -> R) -> R {
        sleep()
    }
}
