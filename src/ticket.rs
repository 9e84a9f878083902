//! Fences and tickets: when a page that was given up ahead of time may be used again.
//!
//! Invariant: this is only what a program and a pool tell each other; what waits for a ticket is in `depot::fenced`.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// Something that is done with pages in the order in which they were given to it, and says how far it has come: a
/// device with its completion counter, a socket that sends without copying, readers that may still look. See
/// [`Builder::fences`](crate::Builder::fences).
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use pagesheaf::Fence;
///
/// /// How many buffers a device has sent.
/// struct Sent(AtomicU64);
///
/// impl Fence for Sent {
///     fn passed(&self, ticket: u64) -> bool {
///         // Acquire: what the device did with the buffer comes before its next use.
///         self.0.load(Ordering::Acquire) >= ticket
///     }
/// }
/// ```
pub trait Fence: Sync {
    /// Whether nothing will touch any more what was given up with this ticket, or with a smaller one. Once it says so,
    /// it says so for ever.
    ///
    /// A pool asks while it holds no lock, in any thread that calls it, and not in drops. It should be quick, and it
    /// must not call the pool. If it panics, the call panics, and no page is lost.
    fn passed(&self, ticket: u64) -> bool;
}

/// After what a page comes free: a number that one of the pool's fences will pass. A plain number is a ticket of the
/// first fence.
///
/// ```
/// use pagesheaf::Ticket;
///
/// assert_eq!(Ticket::from(7), Ticket::new(0, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Which of the pool's fences: its place in [`Builder::fences`](crate::Builder::fences).
    pub fence: usize,
    /// What it passes. The tickets of one fence grow: pages are looked at in the order in which they were given up, so
    /// one with a smaller ticket than those before it may wait for theirs.
    pub value: u64,
}

impl Ticket {
    /// A ticket of this fence.
    #[must_use]
    pub const fn new(fence: usize, value: u64) -> Self {
        Ticket { fence, value }
    }
}

impl From<u64> for Ticket {
    fn from(value: u64) -> Self {
        Ticket::new(0, value)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ticket {} of fence {}", self.value, self.fence)
    }
}

/// The fences of a pool.
#[derive(Clone, Copy)]
pub(crate) struct Fences(pub(crate) &'static [&'static dyn Fence]);

// A fence that panics has been asked, and nothing else; what it makes of that is its author's.
impl UnwindSafe for Fences {}
impl RefUnwindSafe for Fences {}

impl Fences {
    /// The fence that a ticket names.
    pub(crate) fn get(self, number: usize) -> Option<&'static dyn Fence> {
        self.0.get(number).copied()
    }
}

impl fmt::Debug for Fences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fences", self.0.len())
    }
}
