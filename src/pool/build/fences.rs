//! After what pages come free that are given up with a ticket.

use super::Builder;
use crate::mode::Mode;
use crate::ticket::{Fence, Fences};

impl<M: Mode> Builder<M> {
    /// The fences of the pool, at most 31: what is done with pages after their owners are, such as a device that still
    /// sends from them. [`Pool::free_bulk_after`](crate::Pool::free_bulk_after) gives pages up with a [`Ticket`] of one
    /// of these; they come free when it has [passed](Fence::passed).
    ///
    /// The pool asks a fence when more is given up, when an allocation finds no other page, when somebody waits for
    /// pages, in [`Pool::maintain`](crate::Pool::maintain), [`Pool::reap_fences`](crate::Pool::reap_fences) and
    /// [`Pool::close`](crate::Pool::close). It never asks in drops; and with
    /// [`defer_wakes`](Self::defer_wakes), for pools that signal handlers use, no allocation asks, nor does who waits.
    /// Raw allocations of pages never do.
    /// Nobody tells a task that waits that a fence has gone on: call `reap_fences` then.
    ///
    /// [`Ticket`]: crate::Ticket
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use pagesheaf::{Fence, PageBatch, Pool, ShortReason};
    ///
    /// struct Sent(AtomicU64);
    ///
    /// impl Fence for Sent {
    ///     fn passed(&self, ticket: u64) -> bool {
    ///         self.0.load(Ordering::Acquire) >= ticket
    ///     }
    /// }
    ///
    /// static SENT: Sent = Sent(AtomicU64::new(0));
    /// static FENCES: [&dyn Fence; 1] = [&SENT];
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(64).fences(&FENCES).build()?;
    /// let (mut batch, mut more) = (PageBatch::new(), PageBatch::new());
    /// pool.alloc_bulk_exact(&mut batch, 64)?;
    /// // A device sends them, and counts to 1 when it has.
    /// pool.free_bulk_after(&mut batch, 1)?;
    /// assert_eq!(pool.alloc_bulk(&mut more, 64).reason, Some(ShortReason::Fenced));
    /// SENT.0.store(1, Ordering::Release);
    /// assert_eq!(pool.alloc_bulk(&mut more, 64).allocated, 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn fences(mut self, fences: &'static [&'static dyn Fence]) -> Self {
        self.fences = Fences(fences);
        self
    }
}
