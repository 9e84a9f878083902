//! The zone, by itself. A word has 64 pages, as in a real build: what matters is how many words and
//! summary levels there are, and a zone that is nearly empty costs no more to explore than a small
//! one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom_tests::{Owners, every_mode, race, race3};
use pagesheaf::models::FreePages;
use pagesheaf::{Order, PageId};

struct Zone {
    free: FreePages,
    owners: Arc<Owners>,
}

impl Zone {
    /// A zone with room for `pages`, of which these are in it.
    fn new(pages: usize, ids: &[u32]) -> Arc<Self> {
        let zone = Zone { free: FreePages::new(pages), owners: Owners::new(pages) };
        ids.iter().for_each(|&id| assert_eq!(zone.free.put(&[PageId::new(id)]), 0));
        Arc::new(zone)
    }

    /// A zone with all of its pages, of which the first `taken` are taken at once; no summary tells
    /// of their words. The others are fresh.
    fn fresh(pages: usize, taken: usize) -> Arc<Self> {
        let zone = Zone { free: FreePages::fresh(pages), owners: Owners::new(pages) };
        assert_eq!(zone.take(0, taken).len(), taken);
        Arc::new(zone)
    }

    fn take(&self, cursor: u32, max: usize) -> Vec<PageId> {
        let taken = self.free.take(cursor, max);
        taken.iter().for_each(|&id| self.owners.takes(id));
        taken
    }

    fn put(&self, ids: &[PageId]) {
        ids.iter().for_each(|&id| self.owners.gives(id));
        assert_eq!(self.free.put(ids), 0, "nobody doubled a page");
    }

    /// At rest: all pages that nobody has can be found, the summary leads to them, and the count
    /// agrees.
    fn has(&self, pages: usize) {
        assert_eq!(self.free.free(), pages);
        let told = self.free.told();
        let taken = self.take(0, usize::MAX);
        assert_eq!(taken.len(), pages);
        assert!(
            taken.iter().all(|id| told.contains(&(id.index() / 64))),
            "hidden from the summary"
        );
        assert_eq!(self.free.free(), 0);
    }
}

every_mode! {
    /// Refills and returns in one word hand each page to one party at a time, and none goes
    /// missing.
    any, Exhaustive, at least 3_000;
    fn take_and_return_lose_and_double_nothing<M: Mode>() {
        let zone = Zone::new(4, &[0, 1, 2]);
        let other = Arc::clone(&zone);
        let (a, b) = race(
            move || {
                let taken = other.take(0, 2);
                other.put(&taken);
                taken.len()
            },
            || {
                let taken = zone.take(0, 2);
                zone.put(&taken[1..]);
                1
            },
        );
        assert!(a >= 1);
        zone.has(3 - b);
    }
}

every_mode! {
    /// A word is emptied while a page returns to it: afterwards the summary leads to that page.
    any, Exhaustive, at least 600;
    fn summary_bits_lose_no_page<M: Mode>() {
        let zone = Zone::new(128, &[64]);
        zone.owners.takes(PageId::new(65));
        let other = Arc::clone(&zone);
        let (taken, ()) = race(
            move || other.take(1, 2).len(),
            || zone.put(&[PageId::new(65)]),
        );
        zone.has(2 - taken);
    }
}

every_mode! {
    /// The same through two levels of summary, of which a word is emptied too.
    any, Long, at least 5_000;
    fn two_levels_of_summary_bits_lose_no_page<M: Mode>() {
        let first = 64 * 64;
        let zone = Zone::new(first as usize + 2, &[first]);
        zone.owners.takes(PageId::new(first + 1));
        let other = Arc::clone(&zone);
        let (taken, ()) = race(
            move || other.take(64, 2).len(),
            || zone.put(&[PageId::new(first + 1)]),
        );
        zone.has(2 - taken);
    }
}

every_mode! {
    /// The same with a search that meets the stale bit and helps to clear it.
    any, Composite, at least 1_500;
    fn a_search_that_clears_a_stale_bit_loses_no_page<M: Mode>() {
        let zone = Zone::new(128, &[64]);
        zone.owners.takes(PageId::new(65));
        let (first, second) = (Arc::clone(&zone), Arc::clone(&zone));
        let (a, b, ()) = race3(
            move || first.take(1, 1).len(),
            move || second.take(0, 1).len(),
            || zone.put(&[PageId::new(65)]),
        );
        zone.has(2 - a - b);
    }
}

every_mode! {
    /// Of two frees of one page that race, one is told.
    any, Exhaustive, at least 6;
    fn a_page_that_returns_twice_is_seen_once<M: Mode>() {
        let zone = Zone::new(4, &[]);
        let other = Arc::clone(&zone);
        let id = [PageId::new(2)];
        let (a, b) = race(move || other.free.put(&id), || zone.free.put(&id));
        assert_eq!(a + b, 1);
        zone.has(1);
    }
}

every_mode! {
    /// Blocks and single pages out of one word do not overlap.
    any, Exhaustive, at least 700;
    fn a_block_and_pages_do_not_overlap<M: Mode>() {
        let order = Order::new(1).expect("a small order");
        let zone = Zone::new(4, &[0, 1, 2]);
        let other = Arc::clone(&zone);
        let (block, pages) = race(
            move || {
                let first = other.free.take_block(order)?;
                let ids = [first, PageId::new(first.index() + 1)];
                ids.iter().for_each(|&id| other.owners.takes(id));
                ids.iter().for_each(|&id| other.owners.gives(id));
                assert_eq!(other.free.put_block(first, order), 0);
                Some(())
            },
            || zone.take(0, 1).len(),
        );
        assert_eq!(pages, 1);
        assert!(block.is_some() || zone.owners.out() == 1);
        zone.has(2);
    }
}

every_mode! {
    /// Who puts a page in can take one at once, though another empties the page's word and for a
    /// moment no summary tells of it.
    any, Long, at least 5_000;
    fn a_returned_page_can_be_taken_at_once<M: Mode>() {
        let zone = Zone::new(128, &[64]);
        zone.owners.takes(PageId::new(65));
        let other = Arc::clone(&zone);
        let (a, b) = race(
            move || other.take(1, 1).len(),
            || {
                zone.put(&[PageId::new(65)]);
                zone.take(0, 1).len()
            },
        );
        assert_eq!((a, b), (1, 1), "nobody has the page");
        zone.has(0);
    }
}

every_mode! {
    /// Two break into a fresh word, and one of them gives its page back: afterwards a summary leads
    /// to what is left.
    any, Composite, at least 300;
    fn a_fresh_word_that_two_break_into_loses_no_page<M: Mode>() {
        let zone = Zone::fresh(64 + 2, 64);
        let other = Arc::clone(&zone);
        let (a, ()) = race(
            move || other.take(1, 1).len(),
            || {
                let taken = zone.take(1, 1);
                zone.put(&taken);
            },
        );
        zone.has(2 - a);
    }
}

/// A zone of 66 pages, one area, of which all but the page 65 are here; that one is out.
fn area() -> Arc<Zone> {
    let zone = Zone::fresh(64 + 2, 64 + 2);
    let ids: Vec<_> = (0..65).map(PageId::new).collect();
    zone.put(&ids);
    zone
}

every_mode! {
    /// The last page comes to an area while another takes of it, and empties the word: afterwards a
    /// summary leads to what is left.
    any, Composite, at least 1_000;
    fn an_area_that_becomes_whole_loses_no_page<M: Mode>() {
        let zone = area();
        let other = Arc::clone(&zone);
        let (taken, ()) = race(
            move || other.take(1, 2).len(),
            || zone.put(&[PageId::new(65)]),
        );
        zone.has(66 - taken);
    }
}

every_mode! {
    /// The same while a page leaves and comes back, and a third empties its word.
    any, Composite, at least 100_000;
    fn an_area_that_becomes_whole_as_it_is_taken_loses_no_page<M: Mode>() {
        let zone = Zone::fresh(64 + 2, 64 + 2);
        let ids: Vec<_> = (1..66).map(PageId::new).collect();
        zone.put(&ids);
        let (first, second) = (Arc::clone(&zone), Arc::clone(&zone));
        let (a, (), ()) = race3(
            move || first.take(1, 1).len(),
            move || {
                let taken = second.take(1, 1);
                second.put(&taken);
            },
            || zone.put(&[PageId::new(0)]),
        );
        zone.has(66 - a);
    }
}

/// A zone whose pages are zero, and which of them were written since. loom does not know of that: it
/// adds nothing to explore.
struct Zeros {
    zone: Zone,
    written: Vec<AtomicBool>,
}

impl Zeros {
    /// A word whose pages nobody looks at, and two pages.
    const PAGES: usize = 64 + 2;

    fn new() -> Arc<Self> {
        let zone = Zone { free: FreePages::zeroed(Self::PAGES), owners: Owners::new(Self::PAGES) };
        let written = (0..Self::PAGES).map(|_| AtomicBool::new(false)).collect();
        Arc::new(Zeros { zone, written })
    }

    /// Takes up to so many pages of the second word, writes them, and puts them back.
    fn write(&self, max: usize) {
        let taken = self.zone.free.take_knowing(1, max);
        for &(id, zero) in &taken {
            self.zone.owners.takes(id);
            let before = self.written[id.index() as usize].swap(true, Ordering::SeqCst);
            assert!(!zero || !before, "{id} is not zero");
        }
        taken.iter().for_each(|&(id, _)| self.zone.put(&[id]));
    }

    /// A page that somebody holds loses its memory.
    fn clear(&self, id: PageId) {
        if id.index() >= 64 {
            self.zone.owners.takes(id);
            self.written[id.index() as usize].store(false, Ordering::SeqCst);
            self.zone.owners.gives(id);
        }
    }
}

every_mode! {
    /// Memory goes back of pages that nobody else has, and what is said to be zero then is; no page is
    /// lost on the way.
    any, Composite, at least 1_000;
    fn a_purge_against_a_take_has_its_pages_alone<M: Mode>() {
        let zeros = Zeros::new();
        zeros.write(1);
        let other = Arc::clone(&zeros);
        race(move || other.zone.free.purge(|id| other.clear(id)), || zeros.write(1));
        zeros.write(1);
        zeros.zone.has(Zeros::PAGES);
    }
}

every_mode! {
    /// The same where one page goes back, and its neighbour is at work.
    any, Composite, at least 100;
    fn a_purge_of_pages_beside_a_take_leaves_its_page_alone<M: Mode>() {
        let zeros = Zeros::new();
        zeros.write(2);
        let other = Arc::clone(&zeros);
        race(move || other.zone.free.purge_worn(1, 1, |id| other.clear(id)), || zeros.write(1));
        zeros.write(2);
        zeros.zone.has(Zeros::PAGES);
    }
}

every_mode! {
    /// Exact pages are taken out of a word while others take and return pages there.
    any, Exhaustive, at least 200;
    fn an_exact_page_is_taken_by_one<M: Mode>() {
        let zone = Zone::new(4, &[0, 1, 2]);
        let other = Arc::clone(&zone);
        let (exact, pages) = race(
            move || {
                let taken = other.free.take_range(PageId::new(0), 2);
                taken.iter().for_each(|&id| other.owners.takes(id));
                taken.len()
            },
            || {
                let taken = zone.take(0, 2);
                zone.put(&taken[1..]);
                1
            },
        );
        zone.has(3 - exact - pages);
    }
}
