//! Why a caller who waited did not get what it wanted.

use core::fmt;

use super::{Count, ShortReason};

/// A wait for pages that ended without all of them.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool, WaitReason};
/// # async fn example(pool: &Pool) {
/// let (mut batch, most) = (PageBatch::<_, 100>::empty(), pool.capacity());
/// let error = pool.alloc_bulk_async(&mut batch, most + 1).await.expect_err("too many");
/// assert_eq!((error.had, error.reason), (0, WaitReason::TooMany { most }));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitError {
    /// How many pages were asked for.
    pub want: usize,
    /// How many had come. Of `alloc_bulk_timeout` they are in the batch; of calls that take all or
    /// none they are free again.
    pub had: usize,
    /// Why it ended.
    pub reason: WaitReason,
}

/// Why a wait ended: see [`WaitError`].
///
/// ```
/// # use pagesheaf::{WaitError, WaitReason};
/// /// Whether it may help to wait longer.
/// fn is_worth_waiting(error: &WaitError) -> bool {
///     matches!(error.reason, WaitReason::TimedOut)
/// }
/// # let _ = is_worth_waiting;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The time was up.
    TimedOut,
    /// There will never be so many: the pool has fewer pages, or too many of them are withheld, or stay
    /// for others ([`Builder::low`](crate::Builder::low)). A request that is refused so has not waited.
    TooMany {
        /// How many pages could be had if nobody else had any.
        most: usize,
    },
    /// The call cannot do it, however long it waits: the batch has too little room
    /// ([`ShortReason::BatchFull`]) or holds pages of another pool, or the pool has addresses only, or
    /// is a static's that is not built. Or a `FaultPlan` has it so ([`ShortReason::Injected`]).
    Refused(ShortReason),
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitReason::TimedOut => f.write_str(
                "the time was up: free some, wait longer, or build a larger pool (who waits while \
                 it has pages may wait for itself)",
            ),
            WaitReason::TooMany { most } => {
                let pages = Count(*most as u64, "page");
                write!(f, "the caller can have {pages} of the pool at the most: ask for fewer")
            }
            WaitReason::Refused(reason) => write!(f, "{reason}"),
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: {}", self.had, Count(self.want as u64, "page"), self.reason)
    }
}

impl core::error::Error for WaitReason {}

impl core::error::Error for WaitError {
    /// Why it ended.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.reason)
    }
}
