//! Pages that are offline where something has gone wrong, or somebody stands still.

use crate::error::RangeError;
use crate::inner::tests::build;
use crate::mode::{Bare, Checked, Compact, Hardened, Mode};
use crate::page::{Mark, PageId};
use crate::pool::Pool;
use crate::region::PageRange;
use crate::sync::{Atomic, Ordering};

/// A pool of 100 pages, of which those from 20 to 79 are offline.
fn pool<M: Mode>() -> Pool<M> {
    let pool = build::<M>(|builder| builder.max_caches(2).shared_caches(2).initially(100));
    assert_eq!(pool.offline(20..80).map(|went| went.count()), Ok(60));
    pool
}

fn offline_pages_stay_so_in_a_child<M: Mode>() {
    let pool = pool::<M>();
    let core = &*pool.core;
    // One goes offline, and is out of the zone already; two come back, and are not there yet.
    assert_eq!(core.zone.take_range(PageId::new(5), 1, |_| ()), 1);
    assert_eq!(core.offline.remove(PageId::new(30), 2), Ok(()));
    // SAFETY: no other thread has the pool, and there is no cache.
    unsafe { pool.after_fork(&mut []) };
    let audit = pool.audit();
    let pages = audit.pages;
    assert_eq!((pages.free, pages.offline, pages.lost, pages.out), (39, 58, 3, 0), "{audit}");
    assert!(pages.adds_up() && audit.misplaced.unwrap_or(0) == 0, "{audit}");
    assert_eq!(audit.corrupt.unwrap_or(0), 0, "{audit}");
    // SAFETY: the pages are addresses only, and offline.
    assert_eq!(unsafe { pool.online(20..30) }, Ok(()));
    assert_eq!(pool.audit().pages.free, 49);
    core::mem::forget(pool);
}

#[test]
fn a_child_has_the_pages_offline_that_its_parent_had() {
    offline_pages_stay_so_in_a_child::<Bare>();
    offline_pages_stay_so_in_a_child::<Checked>();
    offline_pages_stay_so_in_a_child::<Compact>();
    offline_pages_stay_so_in_a_child::<Hardened>();
}

/// A page that a cache has for itself, and whose bit was flipped, gets no second home.
fn a_bit_that_lies_brings_no_cached_page_online<M: Mode>() {
    let pool = pool::<M>();
    let mut cache = pool.cache().expect("a slot");
    let id = cache.alloc_raw().expect("40 are free");
    // SAFETY: it was just allocated, and is an address only.
    unsafe { cache.free_raw(id) }.expect("it is out");
    pool.core.offline.insert(id);
    let at = id.index();
    // SAFETY: the page is an address only.
    assert_eq!(unsafe { pool.online(at..at + 1) }, Err(RangeError::Corrupt { page: id }));
    core::mem::forget((pool, cache));
}

#[test]
fn a_bit_that_lies_brings_no_page_online() {
    a_bit_that_lies_brings_no_cached_page_online::<Checked>();
    a_bit_that_lies_brings_no_cached_page_online::<Compact>();
    a_bit_that_lies_brings_no_cached_page_online::<Hardened>();
}

fn an_audit_finds<M: Mode>(corrupt: impl FnOnce(&Pool<M>, PageId)) {
    let pool = pool::<M>();
    let found = || (pool.audit().misplaced, pool.audit().corrupt);
    assert_eq!(found(), (Some(0), Some(0)));
    corrupt(&pool, PageId::new(40));
    assert_eq!(found(), (Some(0), Some(1)));
    // Somebody may have it: it does not come online, and none of its range does.
    // SAFETY: the pages are addresses only, and offline.
    let online = |pages| unsafe { pool.online(pages) };
    assert_eq!(online(20..80), Err(RangeError::Corrupt { page: PageId::new(40) }));
    assert_eq!((online(20..40), online(41..80)), (Ok(()), Ok(())));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pool.is_offline(PageId::new(40)), "{pages}");
    assert_eq!(found(), (Some(0), Some(1)));
    core::mem::forget(pool);
}

#[test]
fn a_corrupt_word_of_a_page_that_is_offline_is_found() {
    an_audit_finds::<Checked>(|pool, id| pool.core.word(id).rest(3));
    an_audit_finds::<Hardened>(|pool, id| pool.core.word(id).rest(3));
    an_audit_finds::<Compact>(|pool, id| pool.core.set_mark(id, Mark::Out));
}

/// As they go and come, and of no others, also where they are more than are told of together.
#[test]
fn hooks_are_told_of_pages_that_come_and_go() {
    static TOLD: Atomic<u64> = Atomic::new(0);
    // A call, and its pages.
    fn told(range: &PageRange) {
        TOLD.fetch_add((1 << 32) | range.pages as u64, Ordering::Relaxed);
    }
    let pool = build::<Checked>(|builder| {
        builder.max_caches(1).shared_caches(0).initially(100).on_init(told).on_retire(told)
    });
    let calls = || {
        let told = TOLD.swap(0, Ordering::Relaxed);
        (told >> 32, told as u32)
    };
    assert_eq!(calls(), (1, 100));
    assert_eq!(pool.offline(10..80).map(|went| went.count()), Ok(70));
    assert_eq!((calls(), pool.audit().pages.offline), ((2, 70), 70));
    pool.core.tell_init(PageId::new(3), 0);
    assert_eq!(calls(), (0, 0));
    // SAFETY: the pages are addresses only, and offline.
    assert_eq!(unsafe { pool.online(10..80) }, Ok(()));
    assert_eq!((calls(), pool.audit().pages.offline), ((1, 70), 0));
    core::mem::forget(pool);
}
