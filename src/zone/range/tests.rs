//! Exact pages leave and come back, and no others.

extern crate std;

use std::vec::Vec;

use super::super::{Fresh, Habits, Used, Whole, Zone, ZoneLayout};
use super::words_of;
use crate::metadata::MetadataLayout;
use crate::metadata::tests::with_block;
use crate::page::PageId;

/// Three words of pages: two that are full, and one of 22 pages.
const PAGES: usize = 150;

fn with_zone(f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| f(&Zone::new(&mut block, span, PAGES, Habits::new(4096, None))));
}

/// Takes pages, and says which.
fn take(zone: &Zone, first: u32, count: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    let n = zone.take_range(PageId::new(first), count, |id| taken.push(id.index()));
    assert_eq!(n, taken.len());
    taken
}

/// The pages that the zone has, by its bits.
#[track_caller]
fn held(zone: &Zone) -> Vec<u32> {
    let held: Vec<_> = (0..PAGES as u32).filter(|&id| zone.holds(PageId::new(id))).collect();
    assert_eq!((zone.free(), zone.count()), (held.len(), held.len()));
    held
}

#[test]
fn a_range_is_cut_into_words() {
    let words = |first, count| words_of(PageId::new(first), count).collect::<Vec<_>>();
    assert_eq!(words(0, 64), [(0, u64::MAX)]);
    assert_eq!(words(3, 2), [(0, 0b11 << 3)]);
    assert_eq!(words(63, 2), [(0, 1 << 63), (1, 1)]);
    assert_eq!(words(64, 130), [(1, u64::MAX), (2, u64::MAX), (3, 3)]);
    assert!(words(64, 0).is_empty() && words(70, 0).iter().all(|&(_, mask)| mask == 0));
}

#[test]
fn a_range_gives_what_is_there_and_takes_it_back() {
    with_zone(|zone| {
        let take_one = || zone.take_range(PageId::new(70), 1, |_| ());
        assert_eq!((take_one(), take_one()), (1, 0));
        let expected: Vec<_> = (60..70).chain(71..140).collect();
        assert_eq!(take(zone, 60, 80), expected);
        assert_eq!(held(zone), (0..60).chain(140..150).collect::<Vec<_>>());
        assert!(take(zone, 60, 80).is_empty() && take(zone, 5, 0).is_empty());
        let mut doubled = Vec::new();
        let put = zone.put_range(PageId::new(130), 15, |id| doubled.push(id.index()));
        assert_eq!((put, doubled), (10, (140..145).collect::<Vec<_>>()));
        assert_eq!(zone.put_range(PageId::new(60), 70, |_| panic!("none was there")), 70);
        assert_eq!(held(zone), (0..150).collect::<Vec<_>>());
    });
}

/// The first word that a summary tells of: of used pages, and of fresh ones.
fn told(zone: &Zone) -> [Option<usize>; 2] {
    [zone.next::<Used>(0), zone.next::<Fresh>(0)]
}

#[test]
fn both_summaries_know_which_words_a_range_has_emptied() {
    with_zone(|zone| {
        assert_eq!(told(zone), [None, Some(0)]);
        assert_eq!(take(zone, 0, 128).len(), 128);
        assert_eq!(told(zone), [None, Some(2)]);
        assert_eq!(take(zone, 128, 21).len(), 21);
        // The word was broken into: it has a page, which is now among the used ones.
        assert_eq!(told(zone), [Some(2), None]);
        assert_eq!(take(zone, 128, 22), [149]);
        assert_eq!(told(zone), [None, None]);
        zone.put_range(PageId::new(100), 1, |_| ());
        assert_eq!((told(zone), take(zone, 0, PAGES)), ([Some(1), None], [100].into()));
        assert_eq!(told(zone), [None, None]);
    });
}

/// A word that was empty, and has all its pages at once.
#[test]
fn a_word_that_is_filled_at_once_is_told_of() {
    with_zone(|zone| {
        assert_eq!(take(zone, 0, PAGES).len(), PAGES);
        let told = || zone.next::<Used>(0).or(zone.next::<Whole>(0));
        assert_eq!(told(), None);
        assert_eq!(zone.put_range(PageId::new(64), 64, |_| panic!("none was there")), 64);
        assert_eq!(told(), Some(1));
        assert_eq!((take(zone, 64, 64).len(), told()), (64, None));
        assert_eq!(zone.put_range(PageId::new(128), 22, |_| panic!("none was there")), 22);
        assert_eq!(told(), Some(2));
    });
}
