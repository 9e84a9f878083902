//! What a user asks for who wants calls to fail: which calls, when, and how.
//!
//! Invariant: a plan is data. Nothing fails before a pool has one.

use core::fmt;
use core::ops::BitOr;

/// Kinds of calls that allocate: a set, joined with `|`; see [`FaultPlan::calls`].
///
/// ```
/// # #[cfg(feature = "fault-injection")] {
/// # use pagesheaf::CallKinds;
/// let kinds = CallKinds::BULK | CallKinds::EXACT;
/// assert!(kinds.contains(CallKinds::EXACT) && !kinds.contains(CallKinds::ALL));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallKinds(u8);

impl CallKinds {
    /// For one page: `alloc`, `alloc_zeroed`, `alloc_raw`.
    pub const SINGLE: Self = CallKinds(1);
    /// For many pages: `alloc_bulk`, `alloc_bulk_zeroed`, `fill_vacant`, `alloc_bulk_raw`, `lend_new`. A call
    /// for an array of more than 32 pages counts as several.
    pub const BULK: Self = CallKinds(2);
    /// `alloc_bulk_exact`, and `prefill`.
    pub const EXACT: Self = CallKinds(4);
    /// For blocks: `alloc_block`, `alloc_blocks_bulk`, and the same without owners.
    pub const BLOCKS: Self = CallKinds(8);
    /// For a page or a block by its number: `alloc_at`, `alloc_block_at`, and the same without
    /// owners.
    pub const AT: Self = CallKinds(16);
    /// `Pool::cache` and `Pool::cache_stealable`.
    pub const CACHES: Self = CallKinds(32);
    /// `free_bulk_after`.
    pub const FENCED: Self = CallKinds(64);
    /// `alloc_bulk_timeout`, `alloc_bulk_exact_timeout`, `alloc_bulk_async` and
    /// `alloc_bulk_async_with`: as they begin.
    pub const WAIT: Self = CallKinds(128);
    /// All of them.
    pub const ALL: Self = CallKinds(255);

    /// Whether all of these kinds are in the set.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::CallKinds;
    /// assert!(CallKinds::ALL.contains(CallKinds::AT | CallKinds::BLOCKS));
    /// # }
    /// ```
    #[must_use]
    pub const fn contains(self, kinds: Self) -> bool {
        self.0 & kinds.0 == kinds.0
    }
}

impl BitOr for CallKinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        CallKinds(self.0 | other.0)
    }
}

impl fmt::Debug for CallKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["SINGLE", "BULK", "EXACT", "BLOCKS", "AT", "CACHES", "FENCED", "WAIT"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        f.debug_set().entries(set.map(|(_, name)| name)).finish()
    }
}

/// What happens to a call: see [`FaultPlan::effect`].
///
/// ```
/// # #[cfg(feature = "fault-injection")] {
/// # use pagesheaf::{FaultPlan, InjectedFault, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let plan = FaultPlan::new(1).effect(InjectedFault::BadPage).times(1);
/// let pool = Pool::builder(100).fault_plan(plan).build()?;
/// assert!(pool.alloc().is_ok(), "another page came in its place");
/// assert_eq!((pool.bad_pages().count(), pool.is_tainted()), (1, true));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InjectedFault {
    /// It gets nothing, and says [`ShortReason::Injected`](crate::ShortReason::Injected), or what
    /// its own error has of that name.
    Fail,
    /// A bulk call gets half of what it asked for, rounded down, or less where there is less. Other
    /// calls fail.
    Short,
    /// A page that the call got is found to be bad, and withheld as one with a corrupt word is; the
    /// call gets another in its place, if there is one. It is for pages only: calls for blocks, all
    /// or none, and by number fail. The pool is tainted, and loses the page for good.
    BadPage,
}

/// Which calls fail, so that a program's own tests reach what it does about it.
///
/// A plan says of each call that allocates whether it goes as always. All conditions must hold: the
/// call is of the [kinds](Self::calls) and [orders](Self::orders) of the plan, the
/// [caller](Self::only_if) is one that it means, and so many [pages](Self::space) have been asked
/// for by such calls; of those that are left it takes each [n-th](Self::interval), with a
/// [probability](Self::probability), and not more than [so many](Self::times) in all. These are the
/// words of the Linux kernel's fault injection.
///
/// The same calls in the same order fail in the same way, for the same seed. Between several
/// threads it is the order in which they make their calls that counts.
///
/// ```
/// # #[cfg(feature = "fault-injection")] {
/// # use pagesheaf::{CallKinds, FaultPlan, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let plan = FaultPlan::new(42).calls(CallKinds::SINGLE).probability(0.25).times(10);
/// let pool = Pool::builder(100).fault_plan(plan).build()?;
/// let failed = (0..1000).filter(|_| pool.alloc().is_err()).count();
/// assert_eq!(failed, 10);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct FaultPlan {
    pub(crate) seed: u64,
    pub(crate) calls: CallKinds,
    pub(crate) orders: (u8, u8),
    pub(crate) only_if: Option<fn() -> bool>,
    pub(crate) space: u64,
    pub(crate) interval: u64,
    /// Of 2³².
    pub(crate) chance: u64,
    pub(crate) times: u64,
    pub(crate) effect: InjectedFault,
}

/// What is certain, as a chance.
const CERTAIN: u64 = 1 << 32;

impl FaultPlan {
    /// A plan by which every call fails, until it is told more. The seed decides which calls fail
    /// where that is a matter of [probability](Self::probability).
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1)).build()?;
    /// assert!(pool.alloc().is_err() && pool.cache().is_err());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn new(seed: u64) -> Self {
        FaultPlan {
            seed,
            calls: CallKinds::ALL,
            orders: (0, u8::MAX),
            only_if: None,
            space: 0,
            interval: 1,
            chance: CERTAIN,
            times: u64::MAX,
            effect: InjectedFault::Fail,
        }
    }

    /// What happens to a call; [`InjectedFault::Fail`] if nothing is said.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, InjectedFault, PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let plan = FaultPlan::new(1).effect(InjectedFault::Short);
    /// let pool = Pool::builder(100).fault_plan(plan).build()?;
    /// assert_eq!(pool.alloc_bulk(&mut PageBatch::new(), 8).allocated, 4);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn effect(mut self, effect: InjectedFault) -> Self {
        self.effect = effect;
        self
    }

    /// Only calls of these kinds; all if nothing is said.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{CallKinds, FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let plan = FaultPlan::new(1).calls(CallKinds::BULK | CallKinds::CACHES);
    /// let pool = Pool::builder(100).fault_plan(plan).build()?;
    /// assert!(pool.alloc().is_ok() && pool.cache().is_err());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn calls(mut self, kinds: CallKinds) -> Self {
        self.calls = kinds;
        self
    }

    /// Only calls for blocks of these orders, from the lowest to the highest. A call for pages is one
    /// of order 0.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).orders(2, u8::MAX)).build()?;
    /// assert!(pool.alloc().is_ok() && pool.alloc_block(Order::try_from(2)?).is_err());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn orders(mut self, lowest: u8, highest: u8) -> Self {
        self.orders = (lowest, highest);
        self
    }

    /// Only calls for which this is true: say, of one thread, or while a test says so. It is asked in
    /// the call, so it must not panic, nor call the pool.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let plan = FaultPlan::new(1).only_if(|| std::thread::current().name() == Some("victim"));
    /// let pool = Pool::builder(100).fault_plan(plan).build()?;
    /// assert!(pool.alloc().is_ok(), "this thread has another name");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn only_if(mut self, means: fn() -> bool) -> Self {
        self.only_if = Some(means);
        self
    }

    /// Not before so many pages have been asked for, the call's own among them. A cache counts as
    /// one.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).space(64)).build()?;
    /// let mut batch = PageBatch::new();
    /// assert_eq!(pool.alloc_bulk(&mut batch, 63).allocated, 63);
    /// assert!(pool.alloc().is_err());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn space(mut self, pages: u64) -> Self {
        self.space = pages;
        self
    }

    /// Each n-th call only.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).interval(2)).build()?;
    /// assert!(pool.alloc().is_ok() && pool.alloc().is_err() && pool.alloc().is_ok());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If `n` is 0: then no call would be meant.
    pub const fn interval(mut self, n: u64) -> Self {
        assert!(n > 0, "an interval of 0 means no call: leave the pool without a plan");
        self.interval = n;
        self
    }

    /// With this probability, from 0 to 1.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).probability(0.5)).build()?;
    /// let failed = (0..1000).filter(|_| pool.alloc().is_err()).count();
    /// assert!((300..700).contains(&failed));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If it is no probability.
    pub const fn probability(mut self, probability: f64) -> Self {
        assert!(0.0 <= probability && probability <= 1.0, "a probability is 0 to 1");
        self.chance = (probability * CERTAIN as f64) as u64;
        self
    }

    /// At most so many times in all.
    ///
    /// ```
    /// # #[cfg(feature = "fault-injection")] {
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).times(1)).build()?;
    /// assert!(pool.alloc().is_err() && pool.alloc().is_ok());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn times(mut self, most: u64) -> Self {
        self.times = most;
        self
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn kinds_are_named() {
        assert_eq!(format!("{:?}", CallKinds::AT | CallKinds::SINGLE), r#"{"SINGLE", "AT"}"#);
        assert!(CallKinds::ALL.contains(CallKinds::CACHES | CallKinds::BLOCKS));
        assert!(!CallKinds::AT.contains(CallKinds::ALL));
    }

    #[test]
    #[should_panic(expected = "a probability is 0 to 1")]
    fn what_is_no_probability_is_refused() {
        let _ = FaultPlan::new(0).probability(1.5);
    }

    #[test]
    #[should_panic(expected = "leave the pool without a plan")]
    fn an_interval_of_none_is_refused() {
        let _ = FaultPlan::new(0).interval(0);
    }
}
