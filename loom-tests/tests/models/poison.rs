//! Poison: whoever takes a page that another has freed finds its mark, and verifies what the mark
//! is for.
//!
//! loom does not see the bytes of pages. It tries all orders in which marks and pages are
//! published, and the owner's bytes show a page that is poisoned after it was handed out.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::{Mode, Page, PageBatch, Pool};

use crate::common::{is_whole, pool};

/// Owns a page, if there was one, and writes it.
fn write<M: Mode>(owners: &Owners, page: Option<Page<M>>) -> Option<Page<M>> {
    let mut page = page?;
    owners.takes(page.id());
    page.fill(7);
    Some(page)
}

/// At rest: so many pages were handed out and then perhaps a last one, each of them verified; what
/// the last one's owner wrote is there.
#[track_caller]
fn was_verified<M: Mode>(pool: &Pool<M>, others: u64, last: Option<Page<M>>) {
    let stats = pool.stats().expect("this mode counts");
    assert_eq!(stats.poison_checks, others + u64::from(last.is_some()), "{stats}");
    assert!(last.iter().all(|page| page.iter().all(|&byte| byte == 7)), "poisoned when it was out");
    drop(last);
    pool.drain();
    is_whole(pool);
}

every_mode! {
    /// The page goes through the zone, into which it is freed without a slot.
    poisoning, Composite, at least 40;
    fn a_poison_mark_comes_through_the_zone<M: Mode>() {
        let pool = pool::<M>(1, 1, 0, 1);
        let owners = Owners::new(1);
        let mut cache = pool.cache().expect("a slot");
        let page = cache.alloc().expect("a page");
        owners.takes(page.id());
        let other = (pool.clone(), Arc::clone(&owners));
        let ((), page) = race(
            move || {
                other.1.gives(page.id());
                other.0.free(page);
            },
            || write(&owners, cache.alloc().ok()),
        );
        drop(cache);
        was_verified(&pool, 1, page);
    }
}

every_mode! {
    /// The page goes through the depot, in a magazine that a long free has filled.
    poisoning, Composite, at least 80;
    fn a_poison_mark_comes_through_the_depot<M: Mode>() {
        let pool = pool::<M>(3, 2, 0, 1);
        let owners = Owners::new(3);
        let (mut first, mut second) = (pool.cache().expect("a slot"), pool.cache().expect("a slot"));
        let mut batch = PageBatch::<M, 3>::empty();
        assert_eq!(first.alloc_bulk(&mut batch, 3).allocated, 3);
        batch.ids().iter().for_each(|&id| owners.takes(id));
        let others = Arc::clone(&owners);
        let (first, page) = race(
            move || {
                batch.ids().iter().for_each(|&id| others.gives(id));
                first.free_bulk(&mut batch);
                first
            },
            || write(&owners, second.alloc().ok()),
        );
        drop((first, second));
        was_verified(&pool, 3, page);
    }
}
