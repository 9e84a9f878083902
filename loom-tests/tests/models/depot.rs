//! The depot over a few magazines, by itself.
//!
//! Tags have two bits here, so no party may change the depot four times while another is in the middle of a call:
//! that would be an ABA that the real tag of 32 bits has no time for.

use std::sync::Arc;

use loom_tests::{Owners, every_mode, race};
use pagesheaf::PageId;
use pagesheaf::models::{Held, Store};

struct Depot {
    store: Store,
    owners: Arc<Owners>,
}

impl Depot {
    fn new(magazines: usize) -> Arc<Self> {
        let owners = Owners::new(magazines + 1);
        Arc::new(Depot { store: Store::new(magazines, 2), owners })
    }

    fn takes<'a>(&self, held: Held<'a>) -> Held<'a> {
        self.owners.takes(PageId::new(held.number()));
        held
    }

    fn pop(&self) -> Option<Held<'_>> {
        self.store.pop_empty().map(|held| self.takes(held))
    }

    fn pop_nonempty(&self) -> Option<Held<'_>> {
        self.store.pop_nonempty().map(|held| self.takes(held))
    }

    fn push(&self, held: Held<'_>) {
        self.owners.gives(PageId::new(held.number()));
        held.push();
    }

    /// Exchanges a magazine, or keeps it if there is none to be had.
    fn exchange<'a>(&'a self, held: Held<'a>) -> Held<'a> {
        let number = PageId::new(held.number());
        self.owners.gives(number);
        match held.exchange() {
            Ok(got) => self.takes(got),
            Err(back) => self.takes(back),
        }
    }

    /// At rest: so many magazines are in the depot, with so many ids.
    fn has(&self, magazines: usize, stocked: usize) {
        let (mut empty, mut full) = (0, 0);
        while self.pop().is_some() {
            empty += 1;
        }
        while self.pop_nonempty().is_some() {
            full += 1;
        }
        assert_eq!((empty + full, full), (magazines, stocked));
    }
}

every_mode! {
    /// Pops and pushes that race hand each magazine to one party at a time, and none goes missing.
    any, Exhaustive, at least 6_000;
    fn push_and_pop_lose_and_double_no_magazine<M: Mode>() {
        let depot = Depot::new(3);
        let visit = |depot: &Depot| depot.pop().map(|held| depot.push(held)).is_some();
        let other = Arc::clone(&depot);
        let (a, b) = race(move || visit(&other), || visit(&depot));
        assert!(a && b, "there are enough for both");
        depot.has(3, 0);
    }
}

every_mode! {
    /// A pop that is interrupted while its magazine leaves, and returns on top of another, does not take the link
    /// that it read before.
    any, Exhaustive, at least 2_000;
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
    /// Exchanges move one magazine each way at once; one that finds nothing leaves everything as it was.
    any, Exhaustive, at least 4_000;
    fn exchanges_move_one_each_way<M: Mode>() {
        let depot = Depot::new(3);
        let mut stocked = depot.pop().expect("an empty one");
        stocked.put(PageId::new(7));
        depot.push(stocked);
        let other = Arc::clone(&depot);
        let (got, ()) = race(
            move || {
                let empty = other.pop().expect("an empty one");
                // Kept: each push more makes the model ten times larger.
                other.exchange(empty).take()
            },
            || {
                if let Some(stocked) = depot.pop_nonempty() {
                    depot.push(stocked);
                }
            },
        );
        // The other party may have had the only one.
        assert!(got.is_none_or(|id| id == PageId::new(7)));
        depot.has(2, usize::from(got.is_none()));
    }
}

/// All ids of a magazine, from the top.
fn unload(held: &mut Held<'_>) -> Vec<u32> {
    std::iter::from_fn(|| held.take()).map(PageId::index).collect()
}

/// Fills an empty magazine with 7 and 8.
fn load(depot: &Depot) {
    let mut held = depot.pop().expect("an empty one");
    held.put(PageId::new(7));
    held.put(PageId::new(8));
    depot.push(held);
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
                if let Some(mut held) = depot.pop_nonempty() {
                    assert_eq!(unload(&mut held), [8, 7]);
                    depot.push(held);
                    load(&depot);
                }
            },
        );
        let mut held = depot.pop_nonempty().expect("a stocked one");
        assert_eq!(unload(&mut held), [8, 7]);
    }
}

every_mode! {
    /// The same by way of an exchange.
    any, Exhaustive, at least 20_000;
    fn exchanged_contents_are_published<M: Mode>() {
        let depot = Depot::new(2);
        let other = Arc::clone(&depot);
        race(
            move || load(&other),
            || {
                let mut held = depot.exchange(depot.pop().expect("an empty one"));
                let ids = unload(&mut held);
                assert!(ids.is_empty() || ids == [8, 7]);
                depot.push(held);
            },
        );
    }
}
