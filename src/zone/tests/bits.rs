//! Which pages a zone gives and takes, bit by bit, and that it counts them.

extern crate std;

use std::vec::Vec;

use super::super::*;
use crate::metadata::{MetadataLayout, tests::with_block};

/// Three words of pages: two that are full, and one of 22 pages.
const PAGES: usize = 150;

fn with_zone(f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, PAGES, Habits::new(4096, None)));
    });
}

fn ids(ids: impl IntoIterator<Item = u32>) -> Vec<PageId> {
    ids.into_iter().map(PageId::new).collect()
}

/// Takes for one at home there, and says which, and where the cursor is left.
fn take(zone: &Zone, home: u32, max: usize) -> (Vec<u32>, u32) {
    let (mut cursor, mut taken) = (Cursor::new(home), Vec::new());
    assert_eq!(zone.take(&mut cursor, max, |id| taken.push(id.index())), taken.len());
    assert_eq!(cursor.home, home);
    (taken, cursor.at)
}

/// Puts pages, and says how many were new, and which were not.
fn put(zone: &Zone, pages: &[PageId]) -> (usize, Vec<PageId>) {
    let mut doubled = Vec::new();
    (zone.put(pages, |id| doubled.push(id)), doubled)
}

/// Whether the zone has so many pages, by each way to count them.
#[track_caller]
fn has(zone: &Zone, pages: usize) {
    assert_eq!((zone.free(), zone.count()), (pages, pages));
    assert_eq!((0..PAGES as u32).filter(|&index| zone.holds(PageId::new(index))).count(), pages);
}

#[test]
fn a_new_zone_has_all_pages_and_no_others() {
    with_zone(|zone| {
        has(zone, PAGES);
        assert_eq!(take(zone, 0, usize::MAX), ((0..150).collect(), 2));
        has(zone, 0);
        assert_eq!(take(zone, 0, 1), (Vec::new(), 0));
    });
    let full = super::super::layout::full;
    assert_eq!((full(0, 150), full(2, 150), full(1, 128)), (u64::MAX, (1 << 22) - 1, u64::MAX));
    assert_eq!((full(0, 1), full(0, 63), full(0, 64)), (1, u64::MAX >> 1, u64::MAX));
}

#[test]
fn the_lowest_bits_are_as_many_as_are_asked_for() {
    for (word, n, lowest) in [
        (0b1011_0100, 2, 0b1_0100),
        (0b1011_0100, 4, 0b1011_0100),
        (0b11, 0, 0),
        (1 << 63, 9, 1 << 63),
    ] {
        assert_eq!(super::super::lowest(word, n), lowest);
    }
    assert!(pages(2, 1 << 63 | 0b101).map(|id| id.index()).eq([128, 130, 191]));
}

#[test]
fn pages_are_taken_from_the_cursor_on_and_then_round() {
    with_zone(|zone| {
        assert_eq!(take(zone, 1, 70), ((64..134).collect(), 2));
        has(zone, 80);
        assert_eq!(take(zone, 2, 20), ((134..150).chain(0..4).collect(), 0));
        assert_eq!(take(zone, 1, 0), (Vec::new(), 1));
        assert_eq!(take(zone, 1, 100), ((4..64).collect(), 0));
        has(zone, 0);
    });
}

#[test]
fn pages_that_are_put_are_held_and_those_put_twice_are_named() {
    with_zone(|zone| {
        assert_eq!(take(zone, 0, PAGES).0.len(), PAGES);
        assert_eq!(put(zone, &ids([3, 63, 64, 149])), (4, Vec::new()));
        has(zone, 4);
        assert!([3, 63, 64, 149].into_iter().all(|index| zone.holds(PageId::new(index))));
        // Twice in a call, and twice at all.
        assert_eq!(put(zone, &ids([5, 5, 70, 70, 71])), (3, ids([5, 70])));
        assert_eq!(put(zone, &ids([2, 3, 64, 65])), (2, ids([3, 64])));
        has(zone, 9);
        assert_eq!(take(zone, 0, PAGES).0, [2, 3, 5, 63, 64, 65, 70, 71, 149]);
        has(zone, 0);
    });
}
