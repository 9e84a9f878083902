//! Upkeep as a whole: what nobody needs goes from slots and depots to the zone, while others work.

use loom_tests::{Owners, every_mode, race};
use pagesheaf::{Mode, PageBatch};

use crate::common::{is_whole, pool, visit};

every_mode! {
    /// Upkeep that empties a quiet shared slot and the depots, against one who allocates through
    /// that slot: each page has one owner, and all are there afterwards. In most modes it takes
    /// too long.
    few, Composite, at least 100;
    fn upkeep_against_alloc_loses_nothing<M: Mode>() {
        let pool = pool::<M>(4, 1, 1, 1);
        let owners = Owners::new(4);
        let mut cache = pool.cache().expect("a slot");
        // A page lies in the shared slot from the first period on, others in the depots from the
        // second on: so they are surplus in the fifth.
        drop(pool.alloc());
        let _ = pool.maintain();
        let mut batch = PageBatch::<M, 3>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 3).allocated, 3);
        cache.free_bulk(&mut batch);
        (0..3).for_each(|_| _ = pool.maintain());
        let other = pool.clone();
        let (done, page) = race(move || other.maintain(), || visit(&owners, || pool.alloc()));
        drop(page);
        assert!(done.moved + done.stolen <= 4, "{done:?}");
        drop(cache);
        is_whole(&pool);
    }
}
