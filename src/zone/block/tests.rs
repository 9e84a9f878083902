//! Which blocks a zone gives and takes, and that it counts their pages.

extern crate std;

use std::vec::Vec;

use super::super::{Habits, Zone, ZoneLayout};
use super::*;
use crate::metadata::{MetadataLayout, tests::with_block};

/// Twenty words of pages, the last of them with 22: one block of 1,024, and two words.
const PAGES: usize = 19 * 64 + 22;

fn with_zone(pages: usize, f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, pages, false).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, pages, Habits::new(4096, None)));
    });
}

fn order(order: u8) -> Order {
    Order::new(order).expect("legal")
}

fn ids(ids: impl IntoIterator<Item = u32>) -> Vec<PageId> {
    ids.into_iter().map(PageId::new).collect()
}

/// Takes up to so many blocks, from a cursor on, which is left where it was.
fn take_from(zone: &Zone, cursor: u32, order: Order, max: usize) -> Vec<u32> {
    let mut cursor = Cursor::new(cursor);
    let mut blocks = Vec::new();
    let each = |first: PageId| blocks.push(first.index());
    let taken = zone.take_blocks(&mut cursor, (order, max), each, |_| unreachable!("alone"));
    assert_eq!(taken, blocks.len());
    assert!(blocks.last().is_none_or(|&last| last / 64 == cursor.at));
    blocks
}

fn take(zone: &Zone, order: Order, max: usize) -> Vec<u32> {
    take_from(zone, 0, order, max)
}

/// Takes a block at its place.
fn take_at(zone: &Zone, first: u32, order: Order) -> bool {
    zone.take_block_at(PageId::new(first), order, |_| unreachable!("alone"))
}

/// Puts a block, and says how many pages were new, and which were not.
fn put(zone: &Zone, first: u32, order: Order) -> (usize, Vec<PageId>) {
    let mut doubled = Vec::new();
    (zone.put_range(PageId::new(first), order.pages(), |id| doubled.push(id)), doubled)
}

/// Takes single pages.
fn take_pages(zone: &Zone, max: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    assert_eq!(zone.take(&mut Cursor::default(), max, |id| taken.push(id.index())), taken.len());
    taken
}

#[track_caller]
fn has(zone: &Zone, pages: usize) {
    assert_eq!((zone.free(), zone.count()), (pages, pages));
}

/// A page of the third word, or one of the first, has gone since the look.
#[test]
fn words_that_are_no_block_any_more_go_back() {
    for gone in [3 * 64 + 5, 64] {
        with_zone(PAGES, |zone| {
            assert!(take_at(zone, gone, order(0)));
            let free = zone.free();
            let mut emptied = Emptied::breaking(zone);
            assert!(!zone.claim_whole(1, 4, &mut emptied, |_| unreachable!("alone")));
            drop(emptied);
            assert_eq!((zone.free(), zone.count()), (free, free));
            assert!((64..5 * 64).all(|id| zone.holds(PageId::new(id)) == (id != gone)));
            assert_eq!(put(zone, gone, order(0)), (1, ids([])));
            assert_eq!(take(zone, order(10), 9), [0], "the block is found again");
        });
    }
}

#[test]
fn blocks_are_aligned_runs_of_free_pages() {
    with_zone(150, |zone| {
        assert_eq!(take(zone, order(0), 1), [0]);
        assert_eq!(take(zone, order(3), 1), [8]);
        assert_eq!(take(zone, order(6), 1), [64]);
        has(zone, 150 - 73);
        // The word that was broken into comes before the fresh one.
        assert_eq!(take_from(zone, 1, order(4), 4), [16, 32, 48, 128]);
        // Of the last word, six pages are left, from page 144 on.
        assert_eq!(take_from(zone, 2, order(2), 1), [144]);
        assert_eq!(take_from(zone, 2, order(2), 1), [4]);
        assert_eq!(take(zone, order(6), 1), []);
        has(zone, 150 - 145);
        assert_eq!(take(zone, order(1), 1), [2]);
    });
}

#[test]
fn blocks_come_in_bulk_as_many_as_there_are() {
    with_zone(150, |zone| {
        assert!(take_at(zone, 7, order(0)));
        assert_eq!(take(zone, order(2), 3), [0, 8, 12]);
        has(zone, 150 - 13);
        let rest = (16..64).step_by(8).chain((64..128).step_by(8)).chain([128, 136]);
        assert_eq!(take(zone, order(3), 100), rest.collect::<Vec<_>>());
        assert_eq!(take(zone, order(3), 100), []);
        assert_eq!(take(zone, order(1), 0), []);
        assert_eq!(take(zone, order(1), 9), [4, 144, 146, 148]);
        has(zone, 1);
    });
    for (word, order_of, n, runs) in [
        (0b0110_1110, 1, 1, 0b1100),
        (0b0110_1111, 1, 3, 0b1111),
        (0b0111_1110, 2, 9, 0),
        (u64::MAX, 5, 1, u64::MAX >> 32),
        (u64::MAX, 5, 2, u64::MAX),
        (u64::MAX, 6, 2, u64::MAX),
    ] {
        assert_eq!(aligned_runs(word, order(order_of), n), runs, "{word:b}");
    }
}

#[test]
fn large_blocks_are_whole_words_side_by_side() {
    with_zone(PAGES, |zone| {
        assert_eq!(take(zone, Order::MAX, 9), [0]);
        has(zone, PAGES - 1024);
        assert_eq!(take(zone, Order::MAX, 1), []);
        // Three words are left that are whole, from 16 on.
        assert_eq!(take(zone, order(8), 1), []);
        assert_eq!(take(zone, order(7), 9), [1024]);
        assert_eq!(take(zone, order(6), 9), [1152]);
        has(zone, 22);
        assert_eq!(put(zone, 0, Order::MAX), (1024, ids([])));
        has(zone, 1024 + 22);
        // One page is in the way of each block that has it.
        assert!(take_at(zone, 5 * 64 + 63, order(0)));
        assert_eq!(take(zone, order(9), 9), [512]);
        assert_eq!(take(zone, order(8), 9), [0]);
        assert_eq!(take_from(zone, 7, order(7), 9), [384]);
        assert_eq!(take(zone, order(7), 9), []);
        has(zone, 127 + 22);
    });
}

#[test]
fn a_large_block_is_found_from_any_word_on() {
    with_zone(PAGES, |zone| {
        for cursor in 0..20 {
            assert_eq!(take_from(zone, cursor, Order::MAX, 2), [0]);
            assert_eq!(put(zone, 0, Order::MAX), (1024, ids([])));
        }
        has(zone, PAGES);
    });
}

#[test]
fn a_block_at_its_place_is_all_or_nothing() {
    with_zone(PAGES, |zone| {
        assert!(take_at(zone, 12, order(2)) && !take_at(zone, 12, order(1)));
        assert!(!take_at(zone, 8, order(3)) && take_at(zone, 8, order(2)));
        assert!(!take_at(zone, 0, order(7)) && take_at(zone, 128, order(7)));
        assert!(!take_at(zone, 0, Order::MAX) && take_at(zone, 512, order(9)));
        has(zone, PAGES - 8 - 128 - 512);
        // The last word has no 64 pages.
        assert!(take_at(zone, 1024, order(7)) && !take_at(zone, 1152, order(7)));
        assert!(take_at(zone, 1152 + 64 + 16, order(2)));
        has(zone, PAGES - 8 - 128 - 512 - 128 - 4);
    });
}

#[test]
fn blocks_that_are_put_are_whole_and_pages_put_twice_are_named() {
    with_zone(150, |zone| {
        assert_eq!(take_pages(zone, 150).len(), 150);
        assert_eq!(put(zone, 68, order(2)), (4, ids([])));
        assert_eq!(put(zone, 64, order(3)), (4, ids(68..72)));
        has(zone, 8);
        assert_eq!(put(zone, 128, order(4)), (16, ids([])));
        assert_eq!(take_pages(zone, 150), (64..72).chain(128..144).collect::<Vec<_>>());
        assert_eq!(put(zone, 128, order(0)), (1, ids([])));
        assert_eq!(take_pages(zone, 150), [128]);
        assert_eq!(put(zone, 70, order(0)), (1, ids([])));
        assert_eq!(put(zone, 0, order(7)), (127, ids([70])));
        has(zone, 128);
    });
}

/// What `proofs/zone.smt2` is about.
#[test]
fn facts_for_proofs() {
    use crate::page::facts::{long, numbers, sample};
    use std::format;

    const FILE: &str = "zone";
    for order in (0..=6).filter_map(Order::new) {
        let o = long(order.get().into());
        sample(FILE, &format!("(run {o})"), &long(run(order)));
        sample(FILE, &format!("(starts {o})"), &long(starts(order)));
        for number in numbers().into_iter().flat_map(|number| [number, !number]) {
            let found = aligned_runs(number, order, usize::MAX);
            sample(FILE, &format!("(all-runs {} {o})", long(number)), &long(found));
        }
    }
}
