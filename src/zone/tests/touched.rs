//! What an audit need not look at: groups of pages that nobody has had.

extern crate std;

use std::vec::Vec;

use super::super::*;
use crate::metadata::{MetadataLayout, tests::with_block};

/// Three groups of 4,096 pages, and one that ends inside of a word.
const PAGES: usize = 3 * 4096 + 100;

fn with_zone(f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, PAGES, false).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, PAGES, Habits::new(4096, None)));
    });
}

fn touched(zone: &Zone) -> Vec<u32> {
    zone.touched(PAGES as u32, |_, _| false).map(PageId::index).collect()
}

#[test]
fn a_group_is_touched_from_its_first_page_on() {
    with_zone(|zone| {
        let last = (3 * 4096..PAGES as u32).collect::<Vec<_>>();
        // Where the last word is not full, the group is looked at always.
        assert_eq!((touched(zone), zone.untouched()), (last.clone(), 3 * 4096));
        let mut ids = Vec::new();
        assert_eq!(zone.take(&mut Cursor::new(64), 3, |id| ids.push(id)), 3);
        let second = (4096..2 * 4096).chain(last).collect::<Vec<_>>();
        assert_eq!((touched(zone), zone.untouched()), (second.clone(), 2 * 4096));
        // Also when all are back.
        assert_eq!(zone.put(&ids, |_| unreachable!("each is put once")), 3);
        assert_eq!((touched(zone), zone.untouched()), (second, 2 * 4096));
        assert_eq!((zone.count(), zone.free()), (PAGES, PAGES));
    });
}

#[test]
fn a_group_that_is_to_be_skipped_is_not_looked_at() {
    with_zone(|zone| {
        let mut ids = Vec::new();
        assert_eq!(zone.take(&mut Cursor::new(0), PAGES, |id| ids.push(id)), PAGES);
        let mut groups = Vec::new();
        let skip = |first: PageId, count: usize| first.index() != 3 * 4096 || count != 100;
        groups.extend(zone.touched(PAGES as u32, skip).map(PageId::index));
        assert_eq!(groups, (3 * 4096..PAGES as u32).collect::<Vec<_>>());
    });
}

#[test]
fn a_page_that_is_elsewhere_is_looked_at_whatever_the_summary_says() {
    with_zone(|zone| {
        assert_eq!(zone.take(&mut Cursor::new(64), 1, |_| {}), 1);
        zone.fresh.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        assert_eq!(zone.untouched(), 2 * 4096);
    });
}
