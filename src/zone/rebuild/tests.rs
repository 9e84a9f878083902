//! Whatever the summaries and the counts say, they are right after a rebuild.

extern crate std;

use std::vec::Vec;

use super::super::*;
use super::*;
use crate::metadata::MetadataLayout;
use crate::metadata::tests::with_block;

/// Pages of three levels of summary: 65 words of 64 words of pages, and one more page.
const PAGES: usize = 65 * BITS * BITS + 1;

fn with_zone(f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, PAGES, Habits::new(4096, Some(0))));
    });
}

impl Zone {
    /// As after calls that were stopped before they came to a summary and the count.
    pub(crate) fn spoil_summary(&self) {
        self.used.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        self.whole.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        self.fresh.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        self.counts.free.fetch_add(7, Ordering::Relaxed);
    }
}

fn summary<S: Summary>(zone: &Zone) -> Vec<u64> {
    S::table(zone).iter().map(|word| word.load(Ordering::Relaxed)).collect()
}

/// The words that both summaries tell of, first those that were used.
fn told_of(zone: &Zone) -> [Vec<usize>; 2] {
    fn all<S: Summary>(zone: &Zone) -> Vec<usize> {
        core::iter::successors(zone.next::<S>(0), |at| zone.next::<S>(at + 1)).collect()
    }
    [all::<Used>(zone), all::<Fresh>(zone)]
}

#[test]
fn a_rebuilt_zone_has_the_summaries_of_its_bits() {
    with_zone(|zone| {
        assert_eq!(zone.levels.top, 3);
        let first = summary::<Fresh>(zone);
        zone.rebuild();
        assert_eq!((summary::<Fresh>(zone), told_of(zone)[0].len()), (first, 0));
        // One word is empty, one broken into, and of one the bit of a fresh word is wrong.
        assert_eq!(zone.take(&mut Cursor::default(), 70, |_| ()), 70);
        zone.set::<Fresh>(1, 0, 1);
        let all = 65 * BITS + 1;
        for wrong in [0, u64::MAX, 0x5a5a] {
            assert_eq!(zone.level::<Used>(1)[0].load(Ordering::Relaxed), 0b10);
            for above in [zone.level::<Used>(2), zone.level::<Used>(3), zone.level::<Fresh>(2)] {
                above.iter().for_each(|word| word.store(wrong, Ordering::Relaxed));
            }
            zone.counts.free.store(wrong, Ordering::Relaxed);
            zone.counts.fresh.store(wrong, Ordering::Relaxed);
            zone.rebuild();
            let [used, fresh] = told_of(zone);
            assert_eq!((used, fresh), (Vec::from([1]), (2..all).collect()));
            // The last word has one page, and counts as 64.
            assert_eq!((zone.free(), zone.used_free()), (PAGES - 70, 0));
        }
    });
}

#[test]
fn words_that_no_summary_tells_of_are_used_after_a_rebuild() {
    with_zone(|zone| {
        zone.spoil_summary();
        assert_eq!(told_of(zone), [Vec::new(), Vec::new()]);
        zone.rebuild();
        assert_eq!(told_of(zone), [(0..65 * BITS + 1).collect(), Vec::new()]);
        assert_eq!(zone.free(), PAGES);
    });
}

#[test]
fn a_rebuilt_zone_finds_its_only_page() {
    with_zone(|zone| {
        for only in [0, 63, 64, 4095, 4096, 64 * 4096 + 77, PAGES - 1] {
            zone.words.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
            zone.words[only / BITS].store(!(1 << (only % BITS)), Ordering::Relaxed);
            zone.rebuild();
            let told = |zone: &Zone| told_of(zone).concat();
            assert_eq!((zone.free(), told(zone)), (1, Vec::from([only / BITS])));
            let mut found = None;
            let take = |found: &mut Option<usize>| {
                zone.take(&mut Cursor::default(), 8, |id| *found = Some(id.index() as usize))
            };
            assert_eq!(take(&mut found), 1);
            assert_eq!((found, zone.free(), told(zone)), (Some(only), 0, Vec::new()));
        }
    });
}

/// Areas that are whole are told from others, where that matters.
#[test]
fn a_rebuilt_zone_tells_whole_areas_from_others() {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        let zone = &Zone::new(&mut block, span, PAGES, Habits::new(4096, None));
        assert_eq!(zone.take(&mut Cursor::default(), 3 * 512, |_| ()), 3 * 512);
        let put = |first, count| zone.put_range(PageId::new(first), count, |_| panic!("taken"));
        assert_eq!((put(512, 512), put(600 + 512, 1)), (512, 1));
        let firsts = || {
            let all =
                core::iter::successors(zone.next::<Whole>(0), |at| zone.next::<Whole>(at + 1));
            (all.collect::<Vec<_>>(), told_of(zone)[0].clone(), zone.next::<Fresh>(0))
        };
        let expected = ((8..16).collect(), Vec::from([17]), Some(24));
        assert_eq!(firsts(), expected);
        for wrong in [0, u64::MAX, 0x5a5a] {
            zone.used
                .iter()
                .chain(zone.whole.iter())
                .for_each(|it| it.store(wrong, Ordering::Relaxed));
            zone.rebuild();
            assert_eq!(firsts(), expected);
            assert_eq!(zone.level::<Whole>(1)[0].load(Ordering::Relaxed), 0xff00);
            assert_eq!(zone.level::<Used>(1)[0].load(Ordering::Relaxed), 1 << 17);
        }
    });
}
