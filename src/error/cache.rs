//! Why there is no cache.

use core::fmt;

use super::{Count, ShortReason};

/// Why there is no cache to be had.
///
/// ```
/// # use pagesheaf::{CacheError, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).max_caches(1).build()?;
/// let cache = pool.cache()?;
/// assert_eq!(pool.cache().expect_err("there is one"), CacheError::NoSlot { slots: 1 });
/// drop(cache);
/// let cache = pool.cache()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheError {
    /// Every slot is owned by a live cache.
    NoSlot {
        /// How many slots the pool was built with.
        slots: usize,
    },
    /// Of a [`StaticPool`](crate::StaticPool) only: the pool is not built.
    NotBuilt,
    /// The pool's `FaultPlan` has it so, in a build with the feature `fault-injection`.
    Injected,
    /// The cache was to hold more pages from the start than one surely can: see
    /// [`CacheBuilder::min`](crate::CacheBuilder::min).
    Minimum {
        /// So many were asked for.
        pages: usize,
        /// So many ids fit into a magazine.
        most: usize,
    },
    /// The pages that the cache was to hold from the start could not be had. It was not made.
    Short {
        /// So many were asked for.
        pages: usize,
        /// So many there were.
        had: usize,
        /// Why not more.
        reason: ShortReason,
    },
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheError::NoSlot { slots: 0 } => {
                f.write_str("the pool was built with max_caches(0): use the pool itself")
            }
            CacheError::NoSlot { slots } => {
                match slots {
                    1 => f.write_str("the only cache slot is in use")?,
                    _ => write!(f, "all {slots} cache slots are in use")?,
                }
                write!(
                    f,
                    ": drop a cache, use the pool itself, or build it with max_caches({}) or more \
                     (if nothing is said: two for each processor, and at least 8)",
                    slots.saturating_add(1)
                )
            }
            CacheError::NotBuilt => f.write_str(super::unbuilt::NOT_BUILT),
            CacheError::Injected => f.write_str(super::INJECTED),
            CacheError::Minimum { pages, most } => write!(
                f,
                "a cache of this pool surely holds {}, and {pages} were to be in it: ask for fewer, or \
                 build the pool with magazine_capacity({pages}), 256 at the most",
                Count(*most as u64, "page")
            ),
            CacheError::Short { pages, had, reason } => {
                write!(f, "{had} of {} for the cache: {reason}", Count(*pages as u64, "page"))
            }
        }
    }
}

impl core::error::Error for CacheError {
    /// Why there were not enough pages.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            CacheError::Short { reason, .. } => Some(reason),
            _ => None,
        }
    }
}
