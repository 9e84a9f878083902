//! How many words a search visits, counted, and the promise about it: at most four on each level, however many pages
//! there are and however few of them are free.

extern crate std;

use core::cell::Cell;
use std::vec::Vec;

use super::random;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::page::PageId;
use crate::zone::layout::LEVELS;
use crate::zone::{BITS, Cursor, Habits, Zone, ZoneLayout};

std::thread_local! {
    static VISITS: Cell<[usize; 3 * LEVELS]> = const { Cell::new([0; 3 * LEVELS]) };
}

/// A search looks at a word of this level; those of the second and third summary come behind the others.
pub(in crate::zone) fn note(level: usize) {
    let mut visits = VISITS.get();
    visits[level] += 1;
    VISITS.set(visits);
}

/// Takes one page for a party in this area, and fails if the search visited more than four words of a level of a
/// summary.
fn take_at(zone: &Zone, mut cursor: Cursor) -> Option<PageId> {
    VISITS.set([0; 3 * LEVELS]);
    let mut page = None;
    zone.take(&mut cursor, 1, |id| page = Some(id));
    let visits = VISITS.get();
    assert!(visits.iter().sum::<usize>() > 0, "the search is counted");
    assert!(visits.iter().all(|&words| words <= 4), "from {cursor:?}: {visits:?}");
    page
}

/// As [`take_at`], of one that is at home.
fn take(zone: &Zone, home: u32) -> Option<PageId> {
    take_at(zone, Cursor::new(home))
}

fn with_zone(pages: usize, f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, pages, false).expect("fits into an address space");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, pages, Habits::new(4096, None)));
    });
}

fn all_out(zone: &Zone, pages: usize) {
    assert_eq!(zone.take(&mut Cursor::default(), pages, |_| {}), pages);
}

/// Numbers below `end`, the same in every run.
fn random(end: usize) -> impl Iterator<Item = u32> {
    let mut random = random::Random::new(1);
    core::iter::from_fn(move || Some(random.below(end) as u32))
}

fn few_are_free(pages: usize, free: usize) {
    with_zone(pages, |zone| {
        all_out(zone, pages);
        let mut ids: Vec<_> = random(pages).take(free).map(PageId::new).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(zone.put(&ids, |_| unreachable!("each once")), ids.len());
        let mut areas = random(pages / BITS);
        for home in random(pages / BITS).skip(1).take(10_000) {
            let at = areas.next().expect("there is no end");
            let id = take_at(zone, Cursor { at, ..Cursor::new(home) }).expect("some are free");
            assert_eq!(zone.put(&[id], |_| unreachable!("taken")), 1);
        }
        let taken: Vec<_> = random(pages / BITS).map_while(|cursor| take(zone, cursor)).collect();
        assert_eq!(taken.len(), ids.len());
    });
}

/// Pages of 4 KiB in a GiB.
const GIB: usize = 1 << (30 - 12);
const MIB_64: usize = GIB / 16;
/// Less where mutants are tried: each costs a run.
const GIB_64: usize = if cfg!(pagesheaf_mutants) { 4 * GIB } else { 64 * GIB };

#[test]
fn a_search_in_64_mib_of_which_one_in_a_hundred_is_free_is_short() {
    few_are_free(MIB_64, MIB_64 / 100);
}

#[test]
fn a_search_in_64_gib_of_which_one_in_a_hundred_is_free_is_short() {
    few_are_free(GIB_64, GIB_64 / 100);
}

#[test]
fn a_search_for_the_only_page_is_short() {
    few_are_free(MIB_64, 1);
    few_are_free(GIB_64, 1);
}

/// All areas are whole but one, which comes first from everywhere; and without it.
#[test]
fn a_search_for_the_only_broken_area_is_short() {
    for (pages, area) in [(MIB_64, 11), (GIB_64, 0), (GIB_64, GIB_64 / 512 - 1)] {
        with_zone(pages, |zone| {
            all_out(zone, pages);
            zone.put_range(PageId::new(0), pages, |_| unreachable!("taken"));
            let first = PageId::new((area * 512) as u32);
            assert_eq!(zone.take_range(first, 100, |_| ()), 100);
            let ids: Vec<_> =
                random(pages / BITS).take(412).filter_map(|home| take(zone, home)).collect();
            assert!(ids.iter().all(|id| id.index() as usize / 512 == area), "{area}: {ids:?}");
            for home in random(pages / BITS).take(200) {
                let id = take(zone, home).expect("a page");
                assert_eq!(zone.put(&[id], |_| unreachable!("taken")), 1);
            }
        });
    }
}

#[test]
fn a_search_in_a_full_zone_is_short() {
    with_zone(MIB_64, |zone| {
        let ids: Vec<_> = core::iter::from_fn(|| take(zone, 0)).collect();
        assert!(ids.iter().map(|id| id.index()).eq(0..MIB_64 as u32));
    });
}

/// Both summaries are asked: no used word is left, and the fresh ones are few and far.
#[test]
fn a_search_for_the_only_fresh_word_is_short() {
    for (pages, fresh) in [(MIB_64, 1), (GIB_64, GIB_64 / BITS / 2), (GIB_64, GIB_64 / BITS - 1)] {
        with_zone(pages, |zone| {
            // All before it, and all behind it.
            assert_eq!(zone.take(&mut Cursor::default(), fresh * BITS, |_| {}), fresh * BITS);
            let behind = pages - (fresh + 1) * BITS;
            let mut after = Cursor::new(fresh as u32 + 1);
            assert_eq!(zone.take(&mut after, behind, |_| {}), behind);
            for home in random(pages / BITS).take(64) {
                let id = take(zone, home).expect("a word is left");
                assert_eq!(id.index() as usize / BITS, fresh);
            }
            assert_eq!(take(zone, 0), None);
        });
    }
}

#[test]
fn a_stale_summary_of_the_last_word_ends_the_search() {
    let pages = 128 * BITS;
    with_zone(pages, |zone| {
        all_out(zone, pages);
        let last: Vec<_> = (127 * 64..128 * 64).map(PageId::new).collect();
        assert_eq!(zone.put(&last, |_| unreachable!("taken")), last.len());
        // The search goes on before the summary hears that the last word is empty.
        let mut taken = Vec::new();
        assert_eq!(
            zone.take(&mut Cursor::new(127), last.len() + 1, |id| taken.push(id)),
            last.len()
        );
        assert_eq!(taken, last);
    });
}
