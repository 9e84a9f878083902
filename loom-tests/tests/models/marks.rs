//! Marks: what stays in the zone for others, however many take at once.

use std::sync::Arc;

use loom_tests::{every_mode, race};
use pagesheaf::models::FreePages;
use pagesheaf::{Mode, Page, PageBatch, Pool};

use crate::common::{builder, is_whole};

every_mode! {
    /// Two calls that may not go below a mark take at once, and each would take all above it: the
    /// mark holds, and nothing is left above it that both were refused.
    any, Composite, at least 300;
    fn takes_at_once_do_not_pass_a_mark<M: Mode>() {
        const LOW: usize = 1;
        let zone = Arc::new(FreePages::marked(4, LOW));
        let other = Arc::clone(&zone);
        let take = |zone: &FreePages| {
            let taken = zone.take_above_low(2).len();
            // The count never says less than there is.
            assert!(zone.free() >= LOW, "below the mark");
            taken
        };
        let (first, second) = race(move || take(&other), || take(&zone));
        assert_eq!(zone.free(), 4 - first - second);
        assert!(first + second <= 3 && first.max(second) == 2);
        // Who claimed too much has given it back.
        assert_eq!(zone.take_above_low(2).len(), 3 - first - second);
    }
}

every_mode! {
    /// One call takes and then puts back what another takes again: who sees a claim end sees its
    /// pages gone from the count.
    any, Composite, at least 1_000;
    fn a_claim_ends_when_its_pages_are_gone<M: Mode>() {
        const LOW: usize = 1;
        let zone = Arc::new(FreePages::marked(3, LOW));
        let other = Arc::clone(&zone);
        let (first, second) = race(
            move || other.take_above_low(1).len() + other.take_above_low(1).len(),
            || zone.take_above_low(1).len() + zone.take_above_low(1).len(),
        );
        assert_eq!((first + second, zone.free()), (2, LOW));
    }
}

/// A pool of two pages, of which one stays for critical calls; the other is out.
fn with_reserve<M: Mode>() -> (Pool<M>, Page<M>) {
    let pool = builder::<M>(2, 1, 0, 2).critical_reserve(1).build().expect("a small pool");
    let page = pool.alloc().expect("one is above the reserve");
    (pool, page)
}

every_mode! {
    /// A cache finds that the reserve is whole again, while a critical call breaks it: what the
    /// cache has freed is in the zone after its next call.
    all, Composite, at least 2_000;
    fn a_broken_reserve_gets_what_a_cache_frees<M: Mode>() {
        let (pool, page) = with_reserve::<M>();
        let mut cache = pool.cache().expect("a slot");
        // Broken, and whole again: the cache is marked still.
        drop(pool.critical().alloc().expect("the reserve"));
        let its = pool.clone();
        let (mut cache, taken) = race(
            move || {
                // The end of a raw call takes a crossing up without knowing how it was told.
                cache.free(page);
                assert_eq!(cache.alloc_bulk_raw(&mut []).1, None);
                cache
            },
            move || its.critical().alloc().expect("the reserve"),
        );
        assert_eq!(cache.alloc_bulk(&mut PageBatch::<M, 1>::empty(), 0).allocated, 0);
        let again = pool.critical().alloc().expect("what the cache has freed");
        drop((again, taken, cache));
        is_whole(&pool);
    }
}
