//! Whatever the summary and the count say, they are right after a rebuild.

extern crate std;

use std::vec::Vec;

use super::super::*;
use super::*;
use crate::metadata::tests::with_block;

/// Pages of three levels of summary: 65 words of 64 words of pages, and one more page.
const PAGES: usize = 65 * BITS * BITS + 1;

fn with_zone(f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, PAGES));
    });
}

impl Zone {
    /// As after calls that were stopped before they came to the summary and the count.
    pub(crate) fn spoil_summary(&self) {
        self.words[self.starts[1]..].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        self.free.fetch_add(7, Ordering::Relaxed);
    }
}

fn summary(zone: &Zone) -> Vec<u64> {
    let words = &zone.words[zone.starts[1]..];
    words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
}

#[test]
fn a_rebuilt_zone_has_the_summary_of_its_bits() {
    with_zone(|zone| {
        assert_eq!(zone.top, 3);
        let full = summary(zone);
        for wrong in [0, u64::MAX, 0x5a5a] {
            let above = &zone.words[zone.starts[1]..];
            above.iter().for_each(|word| word.store(wrong, Ordering::Relaxed));
            zone.free.store(wrong, Ordering::Relaxed);
            zone.rebuild();
            assert_eq!((summary(zone), zone.free()), (full.clone(), PAGES));
        }
    });
}

#[test]
fn a_rebuilt_zone_finds_its_only_page() {
    with_zone(|zone| {
        for only in [0, 63, 64, 4095, 4096, 64 * 4096 + 77, PAGES - 1] {
            zone.words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
            zone.words[only / BITS].store(1 << (only % BITS), Ordering::Relaxed);
            zone.rebuild();
            assert_eq!((zone.free(), zone.next(0)), (1, Some(only / BITS)));
            let mut found = None;
            assert_eq!(zone.take(&mut 0, 8, |id| found = Some(id.index() as usize)), 1);
            assert_eq!((found, zone.free(), zone.next(0)), (Some(only), 0, None));
        }
    });
}
