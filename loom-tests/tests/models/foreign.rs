//! A page is freed legally while its word still names a location that another thread is filling:
//! the look at that location must not take the page for one that is free.

use std::mem::MaybeUninit;
use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::models::{Store, Word};
use pagesheaf::{Cache, Mode, PageBatch, PageId};

use crate::common::{is_whole, pool};

every_mode! {
    /// The magazine's owner pushes others where the page was, and pops them again.
    any, Exhaustive, at least 70;
    fn a_foreign_free_against_push_and_pop_raises_no_false_alarm<M: Mode>() {
        let page = PageId::new(1);
        let store = Arc::new(Store::new(1, 2));
        let mut loaded = store.pop_empty().expect("an empty one");
        loaded.put(PageId::new(0));
        let word = Word::new();
        word.rest(loaded.put(page));
        assert_eq!(loaded.take(), Some(page));
        let looker = Arc::clone(&store);
        let (freed, ()) = race(
            move || word.try_free::<M>(0, |location| looker.holds(location, page)),
            || {
                loaded.put(PageId::new(2));
                loaded.take();
                loaded.put(PageId::new(3));
            },
        );
        freed.expect("the page is out");
    }
}

every_mode! {
    /// The magazine goes through the depot, and somebody else fills it.
    any, Exhaustive, at least 20;
    fn a_foreign_free_against_a_magazine_that_moves_raises_no_false_alarm<M: Mode>() {
        let page = PageId::new(1);
        let store = Arc::new(Store::new(1, 1));
        let word = Word::new();
        let mut loaded = store.pop_empty().expect("an empty one");
        word.rest(loaded.put(page));
        loaded.push();
        let other = Arc::clone(&store);
        let (freed, ()) = race(
            move || {
                let mut loaded = other.pop_nonempty().expect("nobody else wants it");
                assert_eq!(loaded.take(), Some(page));
                loaded.push();
                word.try_free::<M>(0, |location| other.holds(location, page))
            },
            || {
                if let Some(mut loaded) = store.pop_empty() {
                    loaded.put(PageId::new(2));
                    loaded.push();
                }
            },
        );
        freed.expect("the page is out");
    }
}

every_mode! {
    /// Through the calls: a page of this cache's magazine is freed by the pool while the cache
    /// refills its entry.
    all_and_compact, Composite, at least 20;
    fn a_foreign_free_against_a_cache_raises_no_false_alarm<M: Mode>() {
        let pool = pool::<M>(4, 1, 1, 2);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = PageBatch::<M, 4>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 4).allocated, 4);
        // The page that lay on top, and lies there still as far as its entry says: two frees fill
        // that.
        let page = batch.pop().expect("four pages");
        let other = pool.clone();
        let ((), mut cache) = race(
            move || other.free(page),
            move || {
                cache.free_bulk(&mut batch);
                drop(cache.alloc());
                cache
            },
        );
        assert!(!pool.is_tainted(), "{pool}");
        drop(cache.alloc());
        drop(cache);
        pool.drain();
        is_whole(&pool);
    }
}

every_mode! {
    /// Pages that left a magazine together come back together, through the pool, while the cache
    /// that they left fills their entries: the one look at the magazine that serves for both, and
    /// the steps of a long run (which this is here), must not take them for free.
    checking_and_compact, Composite, at least 30;
    fn a_foreign_run_against_a_cache_raises_no_false_alarm<M: Mode>() {
        let pool = pool::<M>(4, 1, 1, 2);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = PageBatch::<M, 4>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 4).allocated, 4);
        let mut run = batch.split_off(2);
        let other = pool.clone();
        let ((), mut cache) = race(
            move || other.free_bulk(&mut run),
            move || {
                cache.free_bulk(&mut batch);
                drop(cache.alloc());
                cache
            },
        );
        assert!(!pool.is_tainted(), "{pool}");
        cache.drain();
        drop(cache);
        pool.drain();
        is_whole(&pool);
    }
}

/// Allocates four pages through a cache: two steps of a long run.
fn four<M: Mode>(cache: &mut Cache<M>) -> [PageId; 4] {
    let mut out = [MaybeUninit::uninit(); 4];
    let ids = cache.alloc_bulk_raw(&mut out).0;
    ids.try_into().expect("four pages")
}

/// Gives up pages through a cache, which may have come from another.
fn give<M: Mode>(cache: &mut Cache<M>, owners: &Owners, ids: &[PageId]) {
    ids.iter().for_each(|&id| owners.gives(id));
    // SAFETY: the oracle has just said that the pages are out, and the caller's.
    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
}

every_mode! {
    /// A long run of pages from a magazine that its owner fills and empties meanwhile, but for the
    /// last page: that has the word of its new entry already, in which another page lay since. The
    /// run stops there, and counts what it has put.
    running, Composite, at least 8;
    fn a_long_run_that_stops_puts_each_page_once<M: Mode>() {
        let pool = pool::<M>(12, 2, 0, 4);
        let owners = Owners::new(12);
        let mut first = pool.cache().expect("a slot");
        let mut second = pool.cache().expect("a slot");
        let [run, back, over] = [(); 3].map(|()| four(&mut first));
        let takes = |ids: [PageId; 4]| ids.iter().for_each(|&id| owners.takes(id));
        [run, back, over].into_iter().for_each(takes);
        for ids in [back, over] {
            give(&mut second, &owners, &ids);
            takes(four(&mut second));
        }
        let given = [run[0], run[1], run[2], back[3]];
        let others = Arc::clone(&owners);
        let (first, got) = race(
            move || {
                give(&mut first, &others, &over[..1]);
                first.alloc().map(|page| others.takes(page.into_raw())).expect("a page");
                first
            },
            || {
                give(&mut second, &owners, &given);
                four(&mut second)
            },
        );
        drop((first, second));
        takes(got);
        assert!(!pool.is_tainted(), "{pool}");
        assert_eq!((owners.out(), pool.audit().pages.out), (12, 12));
    }
}
