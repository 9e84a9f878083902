//! Several depots: magazines and pages that go from one to another.
//!
//! As in `depot`, no party changes one depot's word four times while another is in the middle of a
//! call.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race, race3};
use pagesheaf::models::{Loaded, Store};
use pagesheaf::{Cache, Mode, PageBatch, PageId, Pool, Region, ShortReason};

use crate::common::is_whole;

/// Two depots of two magazines each.
struct Depots {
    store: Store,
    owners: Arc<Owners>,
}

impl Depots {
    fn new() -> Arc<Self> {
        Arc::new(Depots { store: Store::with_depots(2, 4, 2), owners: Owners::new(5) })
    }

    fn takes<'a>(&self, loaded: Loaded<'a>) -> Loaded<'a> {
        self.owners.takes(PageId::new(loaded.number()));
        loaded
    }

    /// An empty magazine of this depot, which has one.
    fn pop(&self, depot: u32) -> Loaded<'_> {
        self.takes(self.store.pop_empty_at(depot).expect("it has an empty one"))
    }

    fn push(&self, loaded: Loaded<'_>, depot: u32) {
        self.owners.gives(PageId::new(loaded.number()));
        loaded.push_at(depot);
    }

    /// Exchanges a magazine at home or elsewhere. Whether there was one to be had.
    fn exchange<'a>(&'a self, loaded: Loaded<'a>, home: u32) -> (Loaded<'a>, bool) {
        let number = PageId::new(loaded.number());
        self.owners.gives(number);
        match loaded.exchange_at(home) {
            Ok(got) => (self.takes(got), true),
            Err(back) => (self.takes(back), false),
        }
    }

    /// A magazine that holds this page, from an empty one of this depot.
    fn fill(&self, depot: u32, page: u32) -> Loaded<'_> {
        let mut loaded = self.pop(depot);
        loaded.put(PageId::new(page));
        loaded
    }

    /// Empties all depots: the pages that were there.
    fn drain(&self) -> Vec<PageId> {
        let mut pages = Vec::new();
        self.store.drain(|loaded| {
            let number = PageId::new(loaded.number());
            self.owners.takes(number);
            pages.extend(std::iter::from_fn(|| loaded.take()));
            self.owners.gives(number);
        });
        pages
    }

    /// At rest: takes the pages that are left in one depot, and leaves its magazines.
    fn left(&self, depot: u32) -> Vec<PageId> {
        let mut pages = Vec::new();
        while let Some(loaded) = self.store.pop_nonempty_at(depot) {
            let mut loaded = self.takes(loaded);
            pages.extend(std::iter::from_fn(|| loaded.take()));
            self.push(loaded, depot);
        }
        pages
    }

    /// At rest: all magazines are there, so many of them not empty, and no stack was cut off.
    fn has_all(&self, nonempty: usize) {
        assert_eq!(self.store.cuts(), 0, "nothing is corrupt");
        let (mut empty, mut full) = (0, 0);
        for depot in [0, 1] {
            while let Some(loaded) = self.store.pop_empty_at(depot) {
                self.takes(loaded);
                empty += 1;
            }
            while let Some(loaded) = self.store.pop_nonempty_at(depot) {
                self.takes(loaded);
                full += 1;
            }
        }
        assert_eq!((empty + full, full), (4, nonempty));
    }
}

every_mode! {
    /// One gives a stocked magazine for an empty one, the other an empty one for a stocked one, and
    /// each finds what it wants only in the other's depot: all magazines are there afterwards, and
    /// nobody has one that another has.
    any, Exhaustive, at least 100;
    fn exchanges_between_two_depots_lose_no_magazine<M: Mode>() {
        let depots = Depots::new();
        // The first depot has empty magazines only, the second a stocked one only.
        let stocked = depots.fill(1, 7);
        depots.push(depots.fill(1, 8), 1);
        let other = Arc::clone(&depots);
        let (found, ()) = race(
            move || {
                let (mut got, found) = other.exchange(other.pop(0), 0);
                assert_eq!(got.take().is_some(), found);
                other.push(got, 0);
                found
            },
            || {
                let (got, found) = depots.exchange(stocked, 1);
                assert!(found, "the first depot has had two, and one was taken");
                depots.push(got, 1);
            },
        );
        assert!(found, "there was a stocked one all along");
        depots.has_all(1);
    }
}

every_mode! {
    /// A thief exchanges at a depot while its owner pushes there, and another exchanges there as
    /// well: none is lost under the one that is given.
    any, Composite, at least 100;
    fn a_steal_against_a_push_loses_no_magazine<M: Mode>() {
        let depots = Depots::new();
        depots.push(depots.fill(1, 8), 1);
        let (thief, owner) = (Arc::clone(&depots), Arc::clone(&depots));
        let (found, (), ()) = race3(
            move || {
                let empty = thief.pop(0);
                let (mut got, found) = thief.exchange(empty, 0);
                got.take();
                thief.push(got, 0);
                usize::from(found)
            },
            move || owner.push(owner.fill(1, 7), 1),
            || depots.push(depots.pop(0), 0),
        );
        depots.has_all(2 - found);
    }
}

every_mode! {
    /// A drain, a push, and one that finds what it wants in another's depot only: whatever lay in a
    /// depot before is gone from there, each page is had once, and all magazines are there.
    any, Composite, at least 15_000;
    fn a_drain_and_a_steal_lose_no_magazine<M: Mode>() {
        let depots = Depots::new();
        // The first depot has an empty magazine only, the second two stocked ones.
        let pushed = depots.fill(0, 7);
        let [first, second] = [8, 9].map(|page| depots.fill(1, page));
        depots.push(first, 1);
        depots.push(second, 1);
        let (thief, other) = (Arc::clone(&depots), Arc::clone(&depots));
        let (stolen, drained, ()) = race3(
            move || {
                let (mut got, _) = thief.exchange(thief.pop(0), 0);
                let stolen = got.take();
                thief.push(got, 0);
                stolen
            },
            move || other.drain(),
            || depots.push(pushed, 1),
        );
        let left = [0, 1].map(|depot| depots.left(depot)).concat();
        // It may have come when the drain was through.
        assert!(left.iter().all(|page| page.index() == 7), "{left:?} were left");
        let mut all = [drained, Vec::from_iter(stolen), left].concat();
        all.sort();
        assert_eq!(all, [7, 8, 9].map(PageId::new));
        depots.has_all(0);
    }
}

every_mode! {
    /// A fault has made the word of one depot name a magazine that lies on the other's stack. Both are
    /// asked at once: one gets it, and the stack whose word cannot be so is cut off.
    any, Exhaustive, at least 5;
    fn a_top_that_leads_to_another_depot_doubles_no_magazine<M: Mode>() {
        let depots = Depots::new();
        let theirs = depots.pop(1);
        let number = theirs.number();
        depots.push(theirs, 1);
        depots.store.misdirect(0, number);
        let other = Arc::clone(&depots);
        let take = |depots: &Depots, depot| {
            depots.store.pop_empty_at(depot).map(|loaded| depots.takes(loaded).number())
        };
        let (astray, got) = race(move || take(&other, 0), || take(&depots, 1));
        assert_eq!((astray, got), (None, Some(number)));
        assert_eq!(depots.store.cuts(), 1);
    }
}

/// A pool of two depots and three caches, one page a magazine.
fn pool<M: Mode>(pages: usize) -> Pool<M> {
    Pool::builder(pages)
        .mode::<M>()
        .page_size(64)
        .region(Region::heap())
        .max_caches(3)
        .shared_caches(0)
        .magazine_capacity(1)
        .depots(2)
        .build()
        .expect("a small pool")
}

every_mode! {
    /// A drain against two caches that flush at once, each to a depot of its own: everything is in the
    /// zone after another.
    all, Composite, at least 8_000;
    fn a_drain_empties_every_depot<M: Mode>() {
        let pool = pool::<M>(6);
        let caches = [(); 2].map(|()| pool.cache().expect("a slot"));
        let [first, second] = caches.map(|mut cache| {
            let mut batch = PageBatch::<M, 3>::empty();
            assert_eq!(cache.alloc_bulk(&mut batch, 3).allocated, 3);
            (cache, batch)
        });
        let flush = |(mut cache, mut batch): (Cache<M>, PageBatch<M, 3>)| {
            cache.free_bulk(&mut batch);
            cache
        };
        let other = pool.clone();
        let caches = race3(move || flush(first), move || flush(second), || other.drain());
        drop(caches);
        pool.drain();
        assert_eq!(pool.audit().pages.free, 6, "{pool}");
        is_whole(&pool);
    }
}

every_mode! {
    /// Two caches refill from one depot, which is the home of one of them only: each page has one
    /// owner, and both get what they need.
    all, Composite, at least 10;
    fn a_cache_refills_from_another_depot<M: Mode>() {
        let pool = pool::<M>(5);
        let owners = Owners::new(5);
        let [mut first, mut second] = [(); 2].map(|()| pool.cache().expect("a slot"));
        let mut batch = PageBatch::<M, 5>::empty();
        assert_eq!(first.alloc_bulk(&mut batch, 5).allocated, 5);
        // One or two stay in the cache, the others go to its depot.
        first.free_bulk(&mut batch);
        let others = Arc::clone(&owners);
        let ((first, batch, got), page) = race(
            move || {
                let mut batch = PageBatch::<M, 3>::empty();
                let bulk = first.alloc_bulk(&mut batch, 3);
                batch.ids().iter().for_each(|&id| others.takes(id));
                (first, batch, bulk.allocated)
            },
            || {
                let page = second.alloc()?;
                owners.takes(page.id());
                owners.gives(page.id());
                second.free(page);
                Ok::<_, ShortReason>(())
            },
        );
        assert_eq!((got, page), (3, Ok(())), "there are enough for both");
        drop((first, second, batch));
        is_whole(&pool);
    }
}
