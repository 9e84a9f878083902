//! The depot over a few magazines, by itself.
//!
//! Tags have two bits here, so no party may change the depot four times while another is in the
//! middle of a call: that would be an ABA that the real tag of 32 bits has no time for.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::PageId;
use pagesheaf::models::{Loaded, Store};

struct Depot {
    store: Store,
    owners: Arc<Owners>,
}

impl Depot {
    fn new(magazines: usize) -> Arc<Self> {
        let owners = Owners::new(magazines + 1);
        Arc::new(Depot { store: Store::new(magazines, 2), owners })
    }

    fn takes<'a>(&self, loaded: Loaded<'a>) -> Loaded<'a> {
        self.owners.takes(PageId::new(loaded.number()));
        loaded
    }

    fn pop(&self) -> Option<Loaded<'_>> {
        self.store.pop_empty().map(|loaded| self.takes(loaded))
    }

    fn pop_nonempty(&self) -> Option<Loaded<'_>> {
        self.store.pop_nonempty().map(|loaded| self.takes(loaded))
    }

    fn push(&self, loaded: Loaded<'_>) {
        self.owners.gives(PageId::new(loaded.number()));
        loaded.push();
    }

    /// Exchanges a magazine, or keeps it if there is none to be had.
    fn exchange<'a>(&'a self, loaded: Loaded<'a>) -> Loaded<'a> {
        let number = PageId::new(loaded.number());
        self.owners.gives(number);
        match loaded.exchange() {
            Ok(got) => self.takes(got),
            Err(back) => self.takes(back),
        }
    }

    /// At rest: so many magazines are in the depot, so many of them not empty, and no stack was cut
    /// off by one who took a stale link for a corrupt one.
    fn has(&self, magazines: usize, nonempty: usize) {
        assert_eq!(self.store.cuts(), 0, "nothing is corrupt");
        let (mut empty, mut full) = (0, 0);
        while self.pop().is_some() {
            empty += 1;
        }
        while self.pop_nonempty().is_some() {
            full += 1;
        }
        assert_eq!((empty + full, full), (magazines, nonempty));
    }
}

every_mode! {
    /// Pops and pushes that race hand each magazine to one party at a time, and none goes missing.
    any, Exhaustive, at least 20_000;
    fn push_and_pop_lose_and_double_no_magazine<M: Mode>() {
        let depot = Depot::new(3);
        let visit = |depot: &Depot| depot.pop().map(|loaded| depot.push(loaded)).is_some();
        let other = Arc::clone(&depot);
        let (a, b) = race(move || visit(&other), || visit(&depot));
        assert!(a && b, "there are enough for both");
        depot.has(3, 0);
    }
}

every_mode! {
    /// A pop that is interrupted while its magazine leaves, and returns on top of another, does not
    /// take the link that it read before.
    any, Exhaustive, at least 20_000;
    fn the_tag_defeats_aba<M: Mode>() {
        let depot = Depot::new(3);
        let other = Arc::clone(&depot);
        let (a, b) = race(
            move || {
                let top = other.pop();
                let below = other.pop();
                if let Some(top) = top {
                    other.push(top);
                }
                usize::from(below.is_some())
            },
            || usize::from(depot.pop().is_some()),
        );
        depot.has(3 - a - b, 0);
    }
}

every_mode! {
    /// Exchanges move one magazine each way at once; one that finds nothing leaves everything as it
    /// was.
    any, Exhaustive, at least 10_000;
    fn exchanges_move_one_each_way<M: Mode>() {
        let depot = Depot::new(3);
        let mut loaded = depot.pop().expect("an empty one");
        loaded.put(PageId::new(7));
        depot.push(loaded);
        let other = Arc::clone(&depot);
        let (got, ()) = race(
            move || {
                let empty = other.pop().expect("an empty one");
                // Kept: each push more makes the model ten times larger.
                other.exchange(empty).take()
            },
            || {
                if let Some(loaded) = depot.pop_nonempty() {
                    depot.push(loaded);
                }
            },
        );
        // The other party may have had the only one.
        assert!(got.is_none_or(|id| id == PageId::new(7)));
        depot.has(2, usize::from(got.is_none()));
    }
}

/// All ids of a magazine, from the top.
fn unload(loaded: &mut Loaded<'_>) -> Vec<u32> {
    std::iter::from_fn(|| loaded.take()).map(PageId::index).collect()
}

/// Fills an empty magazine with 7 and 8.
fn load(depot: &Depot) {
    let mut loaded = depot.pop().expect("an empty one");
    loaded.put(PageId::new(7));
    loaded.put(PageId::new(8));
    depot.push(loaded);
}

every_mode! {
    /// Who pops a magazine sees the ids that were put into it, and so does who fills it next.
    any, Exhaustive, at least 20;
    fn magazine_contents_are_published<M: Mode>() {
        let depot = Depot::new(1);
        let other = Arc::clone(&depot);
        race(
            move || load(&other),
            || {
                if let Some(mut loaded) = depot.pop_nonempty() {
                    assert_eq!(unload(&mut loaded), [8, 7]);
                    depot.push(loaded);
                    load(&depot);
                }
            },
        );
        assert_eq!(depot.store.cuts(), 0, "nothing is corrupt");
        let mut loaded = depot.pop_nonempty().expect("one that is not empty");
        assert_eq!(unload(&mut loaded), [8, 7]);
    }
}

every_mode! {
    /// The same by way of an exchange.
    any, Exhaustive, at least 100_000;
    fn exchanged_contents_are_published<M: Mode>() {
        let depot = Depot::new(2);
        let other = Arc::clone(&depot);
        race(
            move || load(&other),
            || {
                let mut loaded = depot.exchange(depot.pop().expect("an empty one"));
                let ids = unload(&mut loaded);
                assert!(ids.is_empty() || ids == [8, 7]);
                depot.push(loaded);
            },
        );
        assert_eq!(depot.store.cuts(), 0, "nothing is corrupt");
    }
}
