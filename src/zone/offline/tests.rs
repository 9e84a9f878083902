//! Pages go offline and come back, each once, and the figure is that of the bits.

extern crate std;

use std::vec::Vec;

use super::OfflinePages;
use crate::metadata::MetadataLayout;
use crate::metadata::tests::with_block;
use crate::page::PageId;
use crate::sync::Ordering;

const PAGES: usize = 150;

/// The pages of a pool of which the first `online` are not offline.
fn with_pages(online: usize, f: impl FnOnce(&OfflinePages)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = OfflinePages::layout(&mut layout, PAGES).expect("fits");
    with_block(layout, |mut block| f(&OfflinePages::new(&mut block, span, PAGES, online)));
}

#[track_caller]
fn has(pages: &OfflinePages, expected: impl IntoIterator<Item = u32>) {
    let expected: Vec<_> = expected.into_iter().collect();
    let found: Vec<_> = (0..200).filter(|&id| pages.has(PageId::new(id))).collect();
    assert_eq!(found, expected);
    assert_eq!((pages.len(), pages.count(PAGES)), (found.len() as u64, found.len() as u64));
}

#[test]
fn all_but_the_first_are_offline_at_first() {
    with_pages(PAGES, |pages| has(pages, []));
    with_pages(0, |pages| has(pages, 0..150));
    with_pages(64, |pages| has(pages, 64..150));
    with_pages(100, |pages| has(pages, 100..150));
}

#[test]
fn a_range_comes_back_whole_or_not_at_all() {
    with_pages(10, |pages| {
        let remove = |first, count| pages.remove(PageId::new(first), count);
        let counts = || (pages.went(), pages.came());
        assert_eq!(counts(), (140, 0));
        assert_eq!((remove(60, 80), counts()), (Ok(()), (140, 80)));
        has(pages, (10..60).chain(140..150));
        assert_eq!(remove(20, 100), Err(PageId::new(60)));
        assert_eq!(remove(5, 10), Err(PageId::new(5)));
        has(pages, (10..60).chain(140..150));
        pages.insert(PageId::new(70));
        assert_eq!(pages.first_online(PageId::new(50), 90), Some(PageId::new(60)));
        assert_eq!(pages.first_online(PageId::new(70), 1), None);
        assert_eq!((remove(70, 1), remove(10, 50), remove(140, 10)), (Ok(()), Ok(()), Ok(())));
        has(pages, []);
    });
}

/// Somebody else has taken out pages 70 and 71 since the look, or page 140.
#[test]
fn who_was_too_late_puts_back_what_it_had_taken_out() {
    for (gone, named) in [(70..72, 70), (140..141, 140)] {
        with_pages(0, |pages| {
            assert_eq!(pages.remove(PageId::new(gone.start), gone.len()), Ok(()));
            assert_eq!(pages.take_out(PageId::new(3), 145), Err(PageId::new(named)));
            has(pages, (0..150).filter(|id| !gone.contains(id)));
            assert_eq!(pages.take_out(PageId::new(3), 60), Ok(()));
            has(pages, (0..3).chain((63..150).filter(|id| !gone.contains(id))));
        });
    }
}

#[test]
fn the_figure_can_be_made_anew() {
    with_pages(0, |pages| {
        pages.went.store(7, Ordering::Relaxed);
        pages.recount(PAGES);
        has(pages, 0..150);
    });
}
