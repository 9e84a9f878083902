//! Pages go offline and come back while others allocate and free: each has one owner, and is lost to
//! nobody.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::models::OfflineSet;
use pagesheaf::{Mode, PageId, Pool};

use crate::common::{builder, is_whole, visit};

/// The only page of these pools.
const PAGE: PageId = PageId::new(0);

/// A pool of one page, which calls on the pool take from the zone.
fn pool<M: Mode>() -> Pool<M> {
    builder(1, 1, 0, 1).initially(1).build().expect("a small pool")
}

/// Brings the page back.
fn comes_back<M: Mode>(pool: &Pool<M>) {
    // SAFETY: the region is the pool's own, and whoever had the page has let go of it.
    assert_eq!(unsafe { pool.online(0..1) }, Ok(()));
}

every_mode! {
    /// A page goes offline while somebody allocates and frees it: whoever takes it offline has it to
    /// himself, and sees what its owner did.
    all_and_compact, Composite, at least 60;
    fn offline_against_an_owner_takes_the_page_once<M: Mode>() {
        let pool = pool::<M>();
        let owners = Owners::new(1);
        let other = (pool.clone(), Arc::clone(&owners));
        let (went, ()) = race(
            move || {
                let went = other.0.offline(0..1).expect("it is online").count();
                if went > 0 {
                    other.1.takes(PAGE);
                    other.1.gives(PAGE);
                }
                went
            },
            || {
                if let Some(page) = visit(&owners, || pool.alloc()) {
                    pool.free(page);
                }
            },
        );
        assert_eq!(pool.is_offline(PAGE), went > 0);
        assert_eq!(pool.audit().pages.offline, went as u64);
        if went > 0 {
            comes_back(&pool);
        }
        is_whole(&pool);
    }
}

every_mode! {
    /// A page comes online while somebody looks for one: who gets it can free it, also past the
    /// slots.
    all_and_compact, Composite, at least 15;
    fn a_page_that_comes_online_can_be_freed<M: Mode>() {
        let pool = pool::<M>();
        let owners = Owners::new(1);
        assert_eq!(pool.offline(0..1).map(|went| went.count()), Ok(1));
        let other = pool.clone();
        race(
            move || comes_back(&other),
            || {
                if let Some(page) = visit(&owners, || pool.alloc()) {
                    pool.free(page);
                }
            },
        );
        is_whole(&pool);
    }
}

every_mode! {
    /// A cache that has the page gives it up, and it goes offline, or it does not.
    all_and_compact, Composite, at least 300;
    fn offline_against_a_cache_loses_nothing<M: Mode>() {
        let pool = pool::<M>();
        let owners = Owners::new(1);
        let mut cache = pool.cache().expect("a slot");
        let other = pool.clone();
        let (went, ()) = race(
            move || other.offline(0..1).expect("it is online").count(),
            || {
                if let Some(page) = visit(&owners, || cache.alloc()) {
                    cache.free(page);
                }
            },
        );
        drop(cache);
        if went > 0 {
            comes_back(&pool);
        }
        is_whole(&pool);
    }
}

every_mode! {
    /// Of two that bring one page back one does, and sees what was done before it went.
    any, Exhaustive, at least 40;
    fn a_page_comes_back_once<M: Mode>() {
        let offline = Arc::new(OfflineSet::new(2));
        let owners = Owners::new(2);
        let [one, two] = [0, 1].map(PageId::new);
        offline.insert(two);
        let other = (Arc::clone(&offline), Arc::clone(&owners));
        let (first, second) = race(
            move || {
                other.1.takes(one);
                other.1.gives(one);
                other.0.insert(one);
                other.0.remove(one, 2)
            },
            || {
                let removed = offline.remove(one, 2);
                if removed {
                    owners.takes(one);
                }
                removed
            },
        );
        assert!(first != second, "one of them");
        assert_eq!(offline.len(), 0);
    }
}
