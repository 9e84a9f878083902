//! Why pages cannot be given up with a ticket.

use core::fmt;

use super::{BatchError, debug_by_display};
use crate::ticket::Ticket;

debug_by_display!(FenceError);

/// Why `free_bulk_after` gave up nothing: the batch is as it was.
///
/// ```
/// # use pagesheaf::{FenceError, PageBatch, Pool, Ticket};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let mut batch = PageBatch::new();
/// pool.alloc_bulk_exact(&mut batch, 8)?;
/// let error = pool.free_bulk_after(&mut batch, 7).expect_err("the pool was built without fences");
/// assert_eq!((error, batch.len()), (FenceError::NoFence { ticket: Ticket::from(7), fences: 0 }, 8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FenceError {
    /// The pool has no such fence.
    NoFence {
        /// The ticket.
        ticket: Ticket,
        /// How many fences the pool has.
        fences: usize,
    },
    /// Too few magazines are left: they are in caches, hold pages that wait for a ticket, or another call has them in
    /// hand. Wait for a ticket to pass, or build the pool with a larger
    /// [`magazine_capacity`](crate::Builder::magazine_capacity), so that each holds more.
    NoMagazine,
    /// The batch holds pages of another pool.
    OtherPool,
    /// The pool's `FaultPlan` has it so, in a build with the feature `fault-injection`.
    Injected,
}

impl fmt::Display for FenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FenceError::NoFence { ticket, fences: 0 } => {
                write!(f, "no fence for {ticket}: the pool has none: name it in Builder::fences")
            }
            FenceError::NoFence { ticket, fences } => {
                write!(f, "no fence for {ticket}: the pool has {fences}: use one of these, ")?;
                f.write_str("or name more in Builder::fences")
            }
            FenceError::NoMagazine => f.write_str(
                "too few magazines are left, because they wait for tickets: try again when one has passed",
            ),
            FenceError::OtherPool => f.write_str(BatchError::OtherPool.says()),
            FenceError::Injected => f.write_str(super::INJECTED),
        }
    }
}

impl core::error::Error for FenceError {}
