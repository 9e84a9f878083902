//! What a pool is told about calls that are to fail: the feature `fault-injection`.
//!
//! Invariant: without a plan a pool does what it does without the feature.

use crate::mode::Mode;
use crate::plan::FaultPlan;
use crate::pool::{Builder, Pool};

impl<M: Mode> Builder<M> {
    /// Makes calls fail by a plan, for tests of what a program does then. Without one, nothing does.
    /// It is in force as soon as the pool is built; [`Pool::inject_faults`] suspends it. Needs the
    /// feature `fault-injection`.
    ///
    /// While it is in force, no allocation takes the fast path.
    ///
    /// ```
    /// # use pagesheaf::{FaultPlan, PageBatch, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let plan = FaultPlan::new(42).interval(3);
    /// let pool = Pool::builder(100).fault_plan(plan).build()?;
    /// let mut cache = pool.cache()?;
    /// let mut batch = PageBatch::new();
    /// let mut reasons = || cache.alloc_bulk(&mut batch, 8).reason;
    /// // The cache itself was the first call.
    /// assert_eq!([reasons(), reasons(), reasons()], [None, Some(ShortReason::Injected), None]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Only bulk calls of one thread:
    ///
    /// ```
    /// # use std::cell::Cell;
    /// # use pagesheaf::{CallKinds, FaultPlan, PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// thread_local! {
    ///     static FAILS: Cell<bool> = const { Cell::new(false) };
    /// }
    /// let plan = FaultPlan::new(0).calls(CallKinds::BULK | CallKinds::EXACT).only_if(|| FAILS.get());
    /// let pool = Pool::builder(100).fault_plan(plan).build()?;
    /// let mut batch = PageBatch::new();
    /// assert_eq!(pool.alloc_bulk(&mut batch, 8).allocated, 8);
    /// FAILS.set(true);
    /// assert!(pool.alloc_bulk_exact(&mut batch, 8).is_err() && pool.alloc().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn fault_plan(mut self, plan: FaultPlan) -> Self {
        self.faults = Some(plan);
        self
    }
}

impl<M: Mode> Pool<M> {
    /// Suspends the pool's [`FaultPlan`] with `false`, and goes on with it with `true`. Calls that are
    /// made meanwhile are not counted. Does nothing in a pool without one. Needs the feature
    /// `fault-injection`.
    ///
    /// ```
    /// # use pagesheaf::{FaultPlan, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1)).build()?;
    /// assert_eq!(pool.alloc().err(), Some(ShortReason::Injected));
    /// pool.inject_faults(false);
    /// assert!(pool.alloc().is_ok());
    /// assert_eq!(pool.injected_faults(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inject_faults(&self, armed: bool) {
        self.core.injector.arm(armed);
    }

    /// How many calls the pool's [`FaultPlan`] made fail. Needs the feature `fault-injection`.
    ///
    /// ```
    /// # use pagesheaf::{FaultPlan, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fault_plan(FaultPlan::new(1).times(2)).build()?;
    /// let failed = (0..10).filter(|_| pool.alloc().is_err()).count();
    /// assert_eq!((failed, pool.injected_faults()), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn injected_faults(&self) -> u64 {
        self.core.injector.injected()
    }
}
