//! A search goes on where it is told to, and clears what the summary says in error.

extern crate std;

use super::*;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::page::PageId;
use crate::zone::search::Search;
use crate::zone::{Cursor, Habits, ZoneLayout};

/// Words enough for three levels of summary: 4,480, of which 70 words of the first level tell, of which two of the
/// second, of which one of the third.
const PAGES: usize = 70 * BITS * BITS;

/// Lends a zone of which only the words named have a page, which was used.
fn with_zone(words: &[usize], f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        let zone = Zone::new(&mut block, span, PAGES, Habits::new(4096, None));
        assert_eq!(zone.take(&mut Cursor::default(), PAGES, |_| {}), PAGES);
        for word in words {
            let id = PageId::new((word * BITS) as u32 + 9);
            assert_eq!(zone.put(&[id], |_| unreachable!("taken")), 1);
        }
        f(&zone);
    });
}

fn load(zone: &Zone, level: usize, index: usize) -> u64 {
    zone.level::<Used>(level)[index].load(Ordering::Relaxed)
}

fn store(zone: &Zone, level: usize, index: usize, bits: u64) {
    zone.level::<Used>(level)[index].store(bits, Ordering::Relaxed);
}

#[test]
fn the_next_word_is_never_one_before() {
    with_zone(&[3, 70, 4400], |zone| {
        assert_eq!(zone.levels.top, 3);
        for (from, next) in
            [(0, 3), (3, 3), (4, 70), (5, 70), (64, 70), (70, 70), (71, 4400), (4400, 4400)]
        {
            assert_eq!(zone.next::<Used>(from), Some(next));
        }
        assert_eq!([4401, 4479, 4480, 9999].map(|from| zone.next::<Used>(from)), [None; 4]);
    });
}

#[test]
fn a_summary_that_says_too_much_is_put_right_on_the_way() {
    // The second level says that the first has something in its word 66, and the third that the second has.
    with_zone(&[3], |zone| {
        store(zone, 2, 1, 1 << 2);
        store(zone, 3, 0, 0b11);
        assert_eq!(zone.next::<Used>(4), None);
        assert_eq!((load(zone, 2, 0), load(zone, 2, 1), load(zone, 3, 0)), (1, 0, 1));
    });
    // The first level says that the words 0, 66 and 69 have something.
    with_zone(&[4400], |zone| {
        store(zone, 1, 0, 1);
        store(zone, 1, 1, 0b10_0100);
        store(zone, 2, 0, 0b11);
        store(zone, 3, 0, 0b11);
        assert_eq!(zone.next::<Used>(0), Some(4400));
        assert_eq!((load(zone, 1, 0), load(zone, 1, 1)), (0, 0));
        assert_eq!((load(zone, 2, 0), load(zone, 3, 0)), (0, 0b10));
    });
}

#[test]
fn bits_are_cleared_only_where_the_words_below_are_empty() {
    with_zone(&[64, 66, 4400], |zone| {
        zone.clear::<Used>(1, 1, 0b1111);
        assert_eq!((load(zone, 1, 1), load(zone, 2, 0), load(zone, 3, 0)), (0b101, 0b10, 0b11));
        zone.clear::<Used>(2, 1, 1 << 4);
        assert_eq!((load(zone, 2, 1), load(zone, 3, 0)), (1 << 4, 0b11));
    });
}

/// For a moment, while the thread that emptied a word looks at it again, the summary does not tell of a page that has
/// just come there.
#[test]
fn a_page_that_the_summary_does_not_tell_of_is_found_word_by_word() {
    with_zone(&[4400], |zone| {
        store(zone, 1, 68, 0);
        assert_eq!(zone.next::<Used>(0), None);
        // Not by one who needs more pages than are free.
        assert_eq!(Search::new(zone, Cursor::new(0)).next(2), None);
        let mut search = Search::new(zone, Cursor::new(7));
        assert!(core::iter::from_fn(|| search.next(1)).eq(0..4480));
        let mut taken = None;
        assert_eq!(zone.take(&mut Cursor::new(9), 1, |id| taken = Some(id.index())), 1);
        assert_eq!(taken, Some(4400 * 64 + 9));
        // Nothing is free: the words are not looked at.
        assert_eq!(Search::new(zone, Cursor::new(0)).next(1), None);
    });
}

/// The words from which the summaries lead on, used ones first.
fn told(zone: &Zone) -> [Option<usize>; 2] {
    [zone.next::<Used>(0), zone.next::<Fresh>(0)]
}

#[test]
fn a_fresh_word_that_is_broken_into_is_used_from_then_on() {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        let zone = Zone::new(&mut block, span, PAGES, Habits::new(4096, None));
        assert_eq!(told(&zone), [None, Some(0)]);
        assert_eq!(zone.take(&mut Cursor::default(), 64, |_| {}), 64);
        assert_eq!(told(&zone), [None, Some(1)]);
        assert_eq!(zone.take(&mut Cursor::default(), 1, |_| {}), 1);
        assert_eq!(told(&zone), [Some(1), Some(2)]);
        // What comes back comes to a word that was used.
        assert_eq!(zone.put(&[PageId::new(3)], |_| unreachable!("taken")), 1);
        assert_eq!(told(&zone), [Some(0), Some(2)]);
        // A bit that is wrong makes no page fresh again.
        zone.set::<Fresh>(1, 0, 1);
        zone.clear::<Fresh>(1, 0, 1);
        assert_eq!(told(&zone), [Some(0), Some(2)]);
        let rest = PAGES - 64;
        assert_eq!(zone.take(&mut Cursor::default(), PAGES, |_| {}), rest);
        assert_eq!(told(&zone), [None, None]);
    });
}

#[test]
fn an_area_has_its_own_words_only() {
    with_zone(&[3, 8, 15, 16, 63, 64], |zone| {
        let within = |from, end| zone.next_within(from, end);
        assert_eq!([within(0, 8), within(3, 8), within(4, 8)], [Some(3), Some(3), None]);
        assert_eq!([within(8, 16), within(9, 16), within(16, 16)], [Some(8), Some(15), None]);
        assert_eq!([within(17, 24), within(56, 64), within(64, 72)], [None, Some(63), Some(64)]);
        assert_eq!([within(0, 64), within(17, 64)], [Some(3), Some(63)]);
        // A bit that is wrong is cleared on the way.
        store(zone, 1, 0, load(zone, 1, 0) | 0b11);
        assert_eq!((within(0, 8), load(zone, 1, 0) & 0b11), (Some(3), 0));
    });
}

/// The summary of used words keeps nothing of what another tells of from then on, at no level.
#[test]
fn an_area_that_becomes_whole_is_used_no_longer() {
    for (beside, above) in [(None, 0b100), (Some(90), 0b110)] {
        // Word 130 is told of by another word of the first level.
        let words: std::vec::Vec<_> = (64..72).chain([130]).chain(beside).collect();
        with_zone(&words, |zone| {
            assert_eq!((load(zone, 1, 1) & 0xff, load(zone, 2, 0)), (0xff, 0b110));
            for word in 64..72 {
                let (first, last) = (word * 64, word * 64 + 10);
                let put =
                    |first, count| zone.put_range(PageId::new(first), count, |_| panic!("taken"));
                assert_eq!((put(first, 9), put(last, 54)), (9, 54));
            }
            assert_eq!((load(zone, 1, 1) & 0xff, load(zone, 2, 0)), (0, above));
            assert_eq!((zone.next::<Whole>(0), zone.next::<Whole>(72)), (Some(64), None));
            assert_eq!(zone.next::<Used>(0), beside.or(Some(130)));
        });
    }
}

/// With a quarantine, and each once.
#[test]
fn words_that_are_fresh_are_counted() {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        let zone = Zone::new(&mut block, span, PAGES, Habits::new(4096, Some(0)));
        let fresh = || zone.counts.fresh.load(Ordering::Relaxed);
        assert_eq!(fresh(), 4480);
        assert_eq!(zone.take(&mut Cursor::default(), 3 * 64, |_| {}), 3 * 64);
        assert_eq!(fresh(), 4477);
        // Of these the first is fresh again, and the last still is.
        zone.set::<Fresh>(1, 0, 0b1001);
        assert_eq!(fresh(), 4478);
    });
}
