//! A search goes on where it is told to, and clears what the summary says in error.

extern crate std;

use super::*;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::page::PageId;
use crate::zone::ZoneLayout;

/// Words enough for three levels of summary: 4,480, of which 70 words of the first level tell, of which two of the
/// second, of which one of the third.
const PAGES: usize = 70 * BITS * BITS;

/// Lends a zone of which only the words named have a page.
fn with_zone(words: &[usize], f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES).expect("fits");
    with_block(layout, |mut block| {
        let zone = Zone::new(&mut block, span, PAGES);
        assert_eq!(zone.take(&mut 0, PAGES, |_| {}), PAGES);
        for word in words {
            let id = PageId::new((word * BITS) as u32 + 9);
            assert_eq!(zone.put(&[id], |_| unreachable!("taken")), 1);
        }
        f(&zone);
    });
}

fn load(zone: &Zone, level: usize, index: usize) -> u64 {
    zone.level(level)[index].load(Ordering::Relaxed)
}

fn store(zone: &Zone, level: usize, index: usize, bits: u64) {
    zone.level(level)[index].store(bits, Ordering::Relaxed);
}

#[test]
fn the_next_word_is_never_one_before() {
    with_zone(&[3, 70, 4400], |zone| {
        assert_eq!(zone.top, 3);
        for (from, next) in
            [(0, 3), (3, 3), (4, 70), (5, 70), (64, 70), (70, 70), (71, 4400), (4400, 4400)]
        {
            assert_eq!(zone.next(from), Some(next));
        }
        assert_eq!([4401, 4479, 4480, 9999].map(|from| zone.next(from)), [None; 4]);
    });
}

#[test]
fn a_summary_that_says_too_much_is_put_right_on_the_way() {
    // The second level says that the first has something in its word 66, and the third that the second has.
    with_zone(&[3], |zone| {
        store(zone, 2, 1, 1 << 2);
        store(zone, 3, 0, 0b11);
        assert_eq!(zone.next(4), None);
        assert_eq!((load(zone, 2, 0), load(zone, 2, 1), load(zone, 3, 0)), (1, 0, 1));
    });
    // The first level says that the words 0, 66 and 69 have something.
    with_zone(&[4400], |zone| {
        store(zone, 1, 0, 1);
        store(zone, 1, 1, 0b10_0100);
        store(zone, 2, 0, 0b11);
        store(zone, 3, 0, 0b11);
        assert_eq!(zone.next(0), Some(4400));
        assert_eq!((load(zone, 1, 0), load(zone, 1, 1)), (0, 0));
        assert_eq!((load(zone, 2, 0), load(zone, 3, 0)), (0, 0b10));
    });
}

#[test]
fn bits_are_cleared_only_where_the_words_below_are_empty() {
    with_zone(&[64, 66, 4400], |zone| {
        zone.clear(1, 1, 0b1111);
        assert_eq!((load(zone, 1, 1), load(zone, 2, 0), load(zone, 3, 0)), (0b101, 0b10, 0b11));
        zone.clear(2, 1, 1 << 4);
        assert_eq!((load(zone, 2, 1), load(zone, 3, 0)), (1 << 4, 0b11));
    });
}

/// For a moment, while the thread that emptied a word looks at it again, the summary does not tell of a page that has
/// just come there.
#[test]
fn a_page_that_the_summary_does_not_tell_of_is_found_word_by_word() {
    with_zone(&[4400], |zone| {
        store(zone, 1, 68, 0);
        assert_eq!(zone.next(0), None);
        // Not by one who needs more pages than are free.
        assert_eq!(Search::new(zone, 0).next(2), None);
        let mut search = Search::new(zone, 7);
        assert!(core::iter::from_fn(|| search.next(1)).eq(0..4480));
        let mut taken = None;
        assert_eq!(zone.take(&mut 9, 1, |id| taken = Some(id.index())), 1);
        assert_eq!(taken, Some(4400 * 64 + 9));
        // Nothing is free: the words are not looked at.
        assert_eq!(Search::new(zone, 0).next(1), None);
    });
}
