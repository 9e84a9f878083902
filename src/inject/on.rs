//! Which calls fail by a plan: the feature `fault-injection`.
//!
//! Invariant: what happens to a call follows from the plan, and from the calls that the plan means which came before;
//! from nothing else.

use crate::plan::{CallKinds, FaultPlan, InjectedFault};
use crate::sync::{Atomic, Ordering};

/// Decides which calls fail. All figures are relaxed: no memory depends on them.
pub(crate) struct Injector {
    plan: Option<FaultPlan>,
    /// 0 while the plan is suspended.
    armed: Atomic<u32>,
    /// Pages that the plan's calls have asked for.
    pages: Atomic<u64>,
    /// Calls beyond the plan's space.
    calls: Atomic<u64>,
    /// Calls that failed.
    injected: Atomic<u64>,
}

impl Injector {
    pub(crate) fn new(plan: Option<FaultPlan>) -> Self {
        Injector {
            plan,
            armed: Atomic::new(u32::from(plan.is_some())),
            pages: Atomic::new(0),
            calls: Atomic::new(0),
            injected: Atomic::new(0),
        }
    }

    /// Whether any call may fail.
    #[inline(always)]
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != 0
    }

    /// Suspends the plan, or goes on with it.
    pub(crate) fn arm(&self, armed: bool) {
        self.armed.store(u32::from(armed && self.plan.is_some()), Ordering::Relaxed);
    }

    /// How many calls failed.
    pub(crate) fn injected(&self) -> u64 {
        self.injected.load(Ordering::Relaxed)
    }

    /// What happens to a call of this kind, for so many pages in blocks of this order. One for none does nothing that
    /// could fail.
    #[inline]
    pub(crate) fn decide(&self, kind: CallKinds, order: u8, want: usize) -> Option<InjectedFault> {
        if !self.is_armed() || want == 0 {
            return None;
        }
        self.decide_by(self.plan.as_ref()?, kind, order, want as u64)
    }

    #[cold]
    fn decide_by(
        &self,
        plan: &FaultPlan,
        kind: CallKinds,
        order: u8,
        want: u64,
    ) -> Option<InjectedFault> {
        let (lowest, highest) = plan.orders;
        if !plan.calls.contains(kind)
            || !(lowest..=highest).contains(&order)
            || plan.only_if.is_some_and(|means| !means())
        {
            return None;
        }
        let pages = self.pages.fetch_add(want, Ordering::Relaxed).saturating_add(want);
        if pages < plan.space {
            return None;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if !(call + 1).is_multiple_of(plan.interval)
            || u64::from(random(plan.seed, call)) >= plan.chance
        {
            return None;
        }
        if self.injected.fetch_add(1, Ordering::Relaxed) >= plan.times {
            self.injected.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(plan.effect)
    }
}

/// The number of a call, in no order: splitmix64.
fn random(seed: u64, call: u64) -> u32 {
    let mut x = seed.wrapping_add((call + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// Which of the first 1,000 calls fail, each for `want` pages.
    fn failed(plan: FaultPlan, want: usize) -> Vec<usize> {
        let injector = Injector::new(Some(plan));
        (0..1000).filter(|_| injector.decide(CallKinds::BULK, 0, want).is_some()).collect()
    }

    #[test]
    fn without_a_plan_nothing_fails() {
        let injector = Injector::new(None);
        injector.arm(true);
        assert!(!injector.is_armed());
        assert_eq!(injector.decide(CallKinds::BULK, 0, 1), None);
    }

    #[test]
    fn the_same_seed_fails_the_same_calls() {
        let plan = |seed| FaultPlan::new(seed).probability(0.1);
        assert_eq!(failed(plan(7), 1), failed(plan(7), 1));
        assert_ne!(failed(plan(7), 1), failed(plan(8), 1));
        let many = failed(plan(7), 1).len();
        assert!((70..130).contains(&many), "{many}");
        assert!(failed(FaultPlan::new(7).probability(0.0), 1).is_empty());
    }

    #[test]
    fn space_interval_and_times_are_kept() {
        assert_eq!(failed(FaultPlan::new(0).times(2), 1), [0, 1]);
        assert_eq!(failed(FaultPlan::new(0).interval(400), 1), [399, 799]);
        // The 26th call asks for the hundredth page.
        assert_eq!(failed(FaultPlan::new(0).space(101).times(1), 4), [25]);
        assert_eq!(failed(FaultPlan::new(0).space(100).interval(2).times(1), 4), [25]);
    }

    #[test]
    fn only_what_a_plan_means_is_counted() {
        let plan = FaultPlan::new(0).calls(CallKinds::BLOCKS).orders(2, 3).interval(2);
        let injector = Injector::new(Some(plan));
        let fails = |kind, order| injector.decide(kind, order, 1).is_some();
        assert!(!fails(CallKinds::BLOCKS, 2));
        assert!(!fails(CallKinds::BULK, 2) && !fails(CallKinds::BLOCKS, 1));
        assert!(!fails(CallKinds::BLOCKS, 4), "none of these counted");
        assert!(fails(CallKinds::BLOCKS, 3));
        assert_eq!(injector.injected(), 1);
        injector.arm(false);
        assert!(!fails(CallKinds::BLOCKS, 3) && !fails(CallKinds::BLOCKS, 3));
        injector.arm(true);
        assert!(!fails(CallKinds::BLOCKS, 3) && fails(CallKinds::BLOCKS, 3));
        let never = Injector::new(Some(FaultPlan::new(0).only_if(|| false)));
        assert_eq!(never.decide(CallKinds::BULK, 0, 1), None);
    }
}
