//! What caches did, in numbers.
//!
//! Invariant: a failed all-or-none request is in `failed_exact` and in no other figure, but for the refills
//! that it made.

use core::fmt;

use crate::slot::Counters;

/// What caches did. Sums of many ([`Pool::stats`](crate::Pool::stats)), or the figures of one
/// ([`Pool::per_cache`](crate::Pool::per_cache)).
///
/// ```
/// # use pagesheaf::{Checked, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// drop(pool.alloc()?);
/// let calls = pool.stats().expect("the mode collects them").calls;
/// assert_eq!((calls.allocated, calls.alloc_calls), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Pages allocated.
    pub allocated: u64,
    /// Pages freed.
    pub freed: u64,
    /// Calls that allocated.
    pub alloc_calls: u64,
    /// Calls that freed.
    pub free_calls: u64,
    /// Allocations that came back short, also for want of a whole block
    /// ([`Fragmented`](crate::ShortReason::Fragmented)).
    pub short: u64,
    /// All-or-none allocations that got nothing, and count nowhere else. A call that no state of the
    /// pool could serve is none of them: it asks for more than batch or pool can hold, or brings a
    /// batch of another pool. Nor is one that was made to fail
    /// ([`Injected`](crate::ShortReason::Injected)).
    pub failed_exact: u64,
    /// Refills from the depots.
    pub depot_refills: u64,
    /// Refills from the shared cache where the thread starts: what it freed without a cache.
    pub shared_refills: u64,
    /// Refills from idle caches, when all else was empty: see [`Cache::idle`](crate::Cache::idle).
    pub idle_refills: u64,
    /// Refills from the zone.
    pub zone_refills: u64,
    /// Flushes to the depots.
    pub depot_flushes: u64,
    /// Flushes to the zone.
    pub zone_flushes: u64,
}

impl Calls {
    pub(in crate::pool) fn of(counters: &Counters) -> Self {
        Calls {
            allocated: counters.allocated.get(),
            freed: counters.freed.get(),
            alloc_calls: counters.alloc_calls.get(),
            free_calls: counters.free_calls.get(),
            short: counters.short.get(),
            failed_exact: counters.failed_exact.get(),
            depot_refills: counters.depot_refills.get(),
            shared_refills: counters.shared_refills.get(),
            idle_refills: counters.idle_refills.get(),
            zone_refills: counters.zone_refills.get(),
            depot_flushes: counters.depot_flushes.get(),
            zone_flushes: counters.zone_flushes.get(),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Calls {
            allocated: self.allocated.wrapping_add(other.allocated),
            freed: self.freed.wrapping_add(other.freed),
            alloc_calls: self.alloc_calls + other.alloc_calls,
            free_calls: self.free_calls + other.free_calls,
            short: self.short + other.short,
            failed_exact: self.failed_exact + other.failed_exact,
            depot_refills: self.depot_refills + other.depot_refills,
            shared_refills: self.shared_refills + other.shared_refills,
            idle_refills: self.idle_refills + other.idle_refills,
            zone_refills: self.zone_refills + other.zone_refills,
            depot_flushes: self.depot_flushes + other.depot_flushes,
            zone_flushes: self.zone_flushes + other.zone_flushes,
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "allocated {} in {} calls ({} short, {} all-or-none failed), freed {} in {} calls; \
             refills {} depot, {} shared, {} idle, {} zone; flushes {} depot, {} zone",
            self.allocated,
            self.alloc_calls,
            self.short,
            self.failed_exact,
            self.freed,
            self.free_calls,
            self.depot_refills,
            self.shared_refills,
            self.idle_refills,
            self.zone_refills,
            self.depot_flushes,
            self.zone_flushes,
        )
    }
}
