//! Pages that are held while their memory goes back, and what is known to be zero.

extern crate std;

use std::vec::Vec;

use super::super::*;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::sync::Ordering;

/// Three areas of 512 pages, the last of which has 70 pages less.
const PAGES: usize = 3 * 512 - 70;

fn with_zone(zeroed: bool, f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, zeroed).expect("fits");
    with_block(layout, |mut block| {
        let habits = Habits::new(4096, Some(0)).purging(true);
        f(&Zone::new(&mut block, span, PAGES, habits));
    });
}

/// Takes so many pages, for one at home at this word, and says how many of them are known to be zero.
fn take(zone: &Zone, home: u32, max: usize) -> (Vec<PageId>, usize) {
    let (mut ids, mut zero) = (Vec::new(), 0);
    zone.take_knowing(&mut Cursor::new(home), max, |id, is_zero| {
        ids.push(id);
        zero += usize::from(is_zero);
    });
    (ids, zero)
}

fn put(zone: &Zone, ids: &[PageId]) {
    assert_eq!(zone.put(ids, |_| unreachable!("each once")), ids.len());
}

/// Gives held pages back. Returns their runs, and how many of them may have been written.
fn give_back(mut held: Held<'_>) -> (Vec<(usize, usize)>, usize) {
    let mut runs = Vec::new();
    let worn = held.give_back(|first, pages| {
        runs.push((first, pages));
        first..first + pages
    });
    (runs, worn)
}

#[test]
fn a_page_is_known_to_be_zero_until_it_leaves() {
    with_zone(true, |zone| {
        assert_eq!((zone.known_zero(), zone.areas(), zone.words()), (PAGES, 3, 23));
        let (ids, zero) = take(zone, 0, 100);
        assert_eq!((ids.len(), zero, zone.known_zero()), (100, 100, PAGES - 100));
        put(zone, &ids);
        // A quarantine goes on with the second word, which nobody has had in part.
        assert_eq!((zone.known_zero(), take(zone, 0, 100).1), (PAGES - 100, 28));
        zone.note_written(PageId::new(500));
        assert_eq!(zone.known_zero(), PAGES - 129);
    });
    with_zone(false, |zone| {
        assert_eq!((zone.known_zero(), take(zone, 0, 100).1), (0, 0));
        assert!(
            !zone.knows_zero()
                && zone.hold_area(2, 512).is_none()
                && zone.hold_worn(9, 64).is_none()
        );
    });
}

#[test]
fn the_page_that_is_noted_is_no_longer_known_to_be_zero() {
    with_zone(true, |zone| {
        let written = [0, 63, 64, 500, 1465].map(PageId::new);
        written.iter().for_each(|&id| zone.note_written(id));
        assert_eq!(zone.known_zero(), PAGES - written.len());
        let mut worn = Vec::new();
        let each = |id, zero: bool| worn.extend((!zero).then_some(id));
        assert_eq!(zone.take_knowing(&mut Cursor::new(0), PAGES, each), PAGES);
        assert_eq!(worn, written);
    });
}

#[test]
fn a_whole_area_is_fresh_once_its_memory_is_gone() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 0, 600);
        // Nothing is to be had of an area that is out in part, or was never touched.
        assert!((0..3).all(|area| zone.hold_area(area, 512).is_none()));
        put(zone, &ids);
        assert!(zone.hold_area(2, 512).is_none());
        for (area, run, worn) in [(0, (0, 512), 512), (1, (512, 512), 88)] {
            assert!(zone.hold_area(area, worn - 1).is_none(), "more than is to go");
            let held = zone.hold_area(area, 512).expect("it is whole");
            assert!(zone.hold_area(area, 512).is_none() && !zone.holds(PageId::new(run.0 as u32)));
            assert_eq!(zone.free(), PAGES, "what is held counts as free");
            assert_eq!(give_back(held), (Vec::from([run]), worn));
        }
        assert_eq!((zone.known_zero(), zone.count(), zone.used_free()), (PAGES, PAGES, 0));
        assert_eq!((zone.next::<Used>(0), zone.next::<Fresh>(0)), (None, Some(0)));
        assert_eq!(take(zone, 0, PAGES).1, PAGES);
    });
}

#[test]
fn the_last_area_has_its_pages_and_no_others() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 16, 512 - 70);
        assert!(ids.iter().all(|id| id.index() >= 1024));
        put(zone, &ids);
        let held = zone.hold_area(2, 512).expect("it is whole");
        assert_eq!(give_back(held), (Vec::from([(1024, 442)]), 442));
        assert_eq!((zone.known_zero(), zone.count()), (PAGES, PAGES));
    });
}

#[test]
fn an_area_whose_memory_stays_is_used() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 0, 512);
        put(zone, &ids);
        drop(zone.hold_area(0, 512).expect("it is whole"));
        assert_eq!((zone.next::<Used>(0), zone.next::<Fresh>(0)), (Some(0), Some(8)));
        let mut held = zone.hold_area(0, 512).expect("it is whole");
        assert_eq!(held.give_back(|first, _| first..first), 0);
        drop(held);
        assert_eq!((zone.next::<Used>(0), zone.next::<Fresh>(0)), (Some(0), Some(8)));
        let mut held = zone.hold_area(0, 512).expect("it is whole");
        // The system took none, and then a part.
        assert_eq!(held.give_back(|first, _| first..first), 0);
        assert_eq!(held.give_back(|_, _| 100..200), 100);
        drop(held);
        assert_eq!(zone.known_zero(), PAGES - 412);
    });
}

#[test]
fn single_pages_go_back_in_runs_and_stay_used() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 0, 64);
        let free = [3, 4, 5, 9, 62, 63].map(|at| ids[at]);
        put(zone, &free);
        assert!(zone.hold_worn(0, 0).is_none());
        let held = zone.hold_worn(0, 4).expect("some are free");
        assert_eq!(give_back(held), (Vec::from([(3, 3), (9, 1)]), 4));
        let held = zone.hold_worn(0, 64).expect("two are left");
        assert!(!zone.holds(PageId::new(62)) && zone.holds(PageId::new(3)));
        assert_eq!(give_back(held), (Vec::from([(62, 2)]), 2));
        assert!(zone.hold_worn(0, 64).is_none());
        assert_eq!((zone.next::<Used>(0), zone.count()), (Some(0), PAGES - 58));
        let (again, zero) = take(zone, 0, 6);
        assert_eq!((again, zero), (Vec::from(free), 6));
    });
}

#[test]
fn the_low_water_is_of_takes_alone() {
    with_zone(true, |zone| {
        assert_eq!(zone.low_water(), PAGES);
        let (ids, _) = take(zone, 0, 300);
        put(zone, &ids);
        assert_eq!((zone.low_water(), zone.low_water()), (PAGES - 300, PAGES));
        let (ids, _) = take(zone, 0, 300);
        put(zone, &ids);
        put(zone, &take(zone, 0, 10).0);
        assert_eq!((zone.low_water(), zone.low_water()), (PAGES - 300, PAGES));
        take(zone, 0, 10);
        assert_eq!((zone.low_water(), zone.low_water()), (PAGES - 10, PAGES - 10));
        // Those that are taken by their numbers, too.
        let taken = zone.take_range(PageId::new(0), 100, |_| ());
        assert_eq!((zone.low_water(), zone.low_water()), (PAGES - 10 - taken, PAGES - 10 - taken));
    });
}

#[test]
fn a_page_that_is_freed_while_it_is_held_is_told() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 0, 512);
        put(zone, &ids);
        for whole in [true, false] {
            let held = if whole { zone.hold_area(0, 512) } else { zone.hold_worn(0, 64) };
            let mut held = held.expect("it is whole");
            put(zone, &ids[5..7]);
            let _ = held.give_back(|_, _| 0..0);
            let mut doubled = Vec::new();
            held.put_back(|id| doubled.push(id));
            assert_eq!(doubled, ids[5..7]);
            assert_eq!((zone.free(), zone.count()), (PAGES, PAGES));
        }
    });
}

/// In the child of a fork: what was noted goes back, and nothing else.
#[test]
fn what_was_held_of_an_area_goes_back() {
    with_zone(true, |zone| {
        let (ids, _) = take(zone, 0, PAGES);
        put(zone, &ids);
        let put_back = || {
            let mut back = Vec::new();
            zone.put_back_held(|id| back.push(id.index() as usize));
            back
        };
        assert!(put_back().is_empty());
        for (area, pages) in [(0, 0..512), (1, 512..1024), (2, 1024..PAGES)] {
            core::mem::forget(zone.hold_area(area, 512).expect("it is whole"));
            let holds = |&page: &usize| zone.holds(PageId::new(page as u32));
            assert!(!pages.clone().any(|page| holds(&page)));
            assert_eq!(put_back(), pages.clone().collect::<Vec<_>>());
            assert!(pages.clone().all(|page| holds(&page)) && put_back().is_empty());
        }
        // A note that was corrupted names words past the end.
        zone.counts.held.store(22 * 128 + 5, Ordering::Relaxed);
        assert_eq!(put_back(), (1408..PAGES).collect::<Vec<_>>());
    });
}

/// Nothing is left of the note that it was held, and the summaries tell of it as before.
#[test]
fn what_goes_back_is_told_of_as_it_was() {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, true).expect("fits");
    with_block(layout, |mut block| {
        let habits = Habits::new(4096, None).purging(true);
        let zone = &Zone::new(&mut block, span, PAGES, habits);
        let told = || (zone.next::<Used>(0), zone.next::<Whole>(0));
        let (ids, _) = take(zone, 0, 1024);
        assert_eq!(told(), (None, None));
        put(zone, &ids[512..]);
        assert_eq!(told(), (None, Some(8)));
        drop(zone.hold_area(1, 512).expect("it is whole"));
        zone.put_back_held(|id| panic!("{id} was put back"));
        assert_eq!(told(), (None, Some(8)));
        // All that is free of a word, and then of others nothing.
        put(zone, &ids[3..7]);
        assert_eq!(told(), (Some(0), Some(8)));
        let held = zone.hold_worn(0, 64).expect("some are free");
        assert_eq!(told(), (None, Some(8)), "a search has cleared it");
        drop(held);
        assert_eq!(told(), (Some(0), Some(8)));
        assert_eq!((zone.free(), zone.count()), (PAGES - 508, PAGES - 508));
    });
}

/// With a quarantine, what has just come back comes last.
#[test]
fn pages_of_a_word_are_taken_in_turn() {
    with_zone(true, |zone| {
        let mut cursor = Cursor::new(0);
        let mut take = |max| {
            let mut ids = Vec::new();
            zone.take_knowing(&mut cursor, max, |id, _| ids.push(id.index()));
            ids
        };
        assert_eq!(take(10), (0..10).collect::<Vec<_>>());
        put(zone, &[0, 1, 2, 3, 4].map(PageId::new));
        assert_eq!(take(3), [10, 11, 12]);
    });
}
