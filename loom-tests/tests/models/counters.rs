//! The figures of a pool: exact once everybody is done, whatever went on at once before.

use loom_tests::{every_mode, race};
use pagesheaf::{Mode, Pool};

use crate::common::pool;

/// At rest: so many pages are out and lent, and statistics, where there are any, agree with a count
/// page by page.
#[track_caller]
fn says<M: Mode>(pool: &Pool<M>, out: u64, lent: u64) {
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.out, pages.lent, pages.bad), (out, lent, 0), "{pages}");
    let Some(stats) = pool.stats() else { return };
    assert_eq!((stats.pages, stats.faults), (pages, 0));
}

every_mode! {
    /// Two threads through one shared slot, or past it where it is busy: one takes a page and lends
    /// it, the other takes one and drops it, which an owned cache has taken before.
    all_and_compact, Composite, at least 500;
    fn counters_add_up_when_quiescent<M: Mode>() {
        let pool = pool::<M>(3, 1, 1, 1);
        let mut cache = pool.cache().expect("a slot");
        let dropped = cache.alloc().expect("there are three");
        let other = pool.clone();
        let (kept, lent) = race(
            move || {
                drop(dropped);
                other.alloc().expect("there are three")
            },
            || pool.alloc().expect("there are three").lend(),
        );
        says(&pool, 1, 1);
        // SAFETY: lent above, and reclaimed once.
        let back = unsafe { pool.reclaim(lent) }.expect("it is lent");
        says(&pool, 2, 0);
        drop((kept, back));
        says(&pool, 0, 0);
    }
}

every_mode! {
    /// Two owned caches between which a page goes: each has its own figures, of which only the sum
    /// is the pool's.
    all, Composite, at least 80;
    fn counters_of_two_caches_add_up_when_quiescent<M: Mode>() {
        let pool = pool::<M>(4, 2, 0, 1);
        let (mut first, mut second) = (pool.cache().expect("a slot"), pool.cache().expect("a slot"));
        let page = first.alloc().expect("there are four");
        let kept = race(
            move || first.alloc().expect("there are four"),
            move || {
                second.free(page);
                [(); 2].map(|()| second.alloc().expect("there are four"))
            },
        );
        says(&pool, 3, 0);
        let calls = |calls: &pagesheaf::Calls| (calls.alloc_calls, calls.free_calls);
        assert!(pool.stats().is_none_or(|stats| calls(&stats.calls) == (4, 1)), "{pool}");
        drop(kept);
        says(&pool, 0, 0);
    }
}
