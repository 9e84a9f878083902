//! Which pages come first: used ones before fresh ones, those of the own area before others; with a
//! quarantine, fresh ones until enough wait. Whole areas come last of those that were used.

extern crate std;

use std::collections::BTreeSet;
use std::vec::Vec;

use super::super::*;
use super::random;
use crate::metadata::{MetadataLayout, tests::with_block};

/// Words of an area of 2 MiB with pages of 4 KiB.
const AREA: u32 = 8;

fn with_zone(pages: usize, quarantine: Option<usize>, f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, pages, false).expect("fits");
    with_block(layout, |mut block| {
        f(&Zone::new(&mut block, span, pages, Habits::new(4096, quarantine)));
    });
}

fn take(zone: &Zone, cursor: &mut Cursor, max: usize) -> Vec<PageId> {
    let mut taken = Vec::new();
    assert_eq!(zone.take(cursor, max, |id| taken.push(id)), taken.len());
    taken
}

fn put(zone: &Zone, ids: &[PageId]) {
    assert_eq!(zone.put(ids, |_| unreachable!("each once")), ids.len());
}

/// The words that pages lie in, each once.
fn words(ids: &[PageId]) -> Vec<u32> {
    ids.iter().map(|id| id.index() / 64).collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn rounds_of_taking_and_returning_touch_no_more_than_one() {
    with_zone(1 << 16, None, |zone| {
        for home in [0, 512, 1000] {
            let mut cursor = Cursor::new(home);
            let mut touched = BTreeSet::new();
            for _ in 0..100 {
                let all: Vec<_> = (0..8).flat_map(|_| take(zone, &mut cursor, 250)).collect();
                touched.extend(all.iter().copied());
                put(zone, &all);
            }
            // What was left of the last word that was broken into may come, too.
            assert!((2000..2064).contains(&touched.len()), "{}", touched.len());
        }
    });
}

#[test]
fn parties_keep_to_areas_of_their_own() {
    with_zone(1 << 16, None, |zone| {
        let mut cursors = [Cursor::new(0), Cursor::new(512)];
        let mut seen = [BTreeSet::new(), BTreeSet::new()];
        for _ in 0..50 {
            let ids = cursors.each_mut().map(|cursor| take(zone, cursor, 11 * 64));
            for (ids, seen) in ids.into_iter().zip(&mut seen) {
                seen.extend(words(&ids).into_iter().map(|word| word / AREA));
                // The other way round: the lowest do not come back first.
                let ids: Vec<_> = ids.into_iter().rev().collect();
                put(zone, &ids);
            }
        }
        assert!(seen[0].is_disjoint(&seen[1]), "{seen:?}");
    });
}

#[test]
fn the_own_area_comes_first_and_then_what_lies_next_to_home() {
    with_zone(1 << 14, None, |zone| {
        assert_eq!(take(zone, &mut Cursor::default(), 1 << 14).len(), 1 << 14);
        let page = |word: u32| PageId::new(word * 64 + 5);
        put(zone, &[70, 100, 112, 119, 200].map(page));
        let mut cursor = Cursor { at: 115, ..Cursor::new(96) };
        let order: Vec<_> = (0..5).flat_map(|_| take(zone, &mut cursor, 1)).collect();
        assert_eq!(order, [112, 119, 100, 200, 70].map(page));
        // In a small zone, which is one area, whoever is at home in its middle begins there.
        put(zone, &[96, 98, 101].map(page));
        let mut cursor = Cursor::new(98);
        let order: Vec<_> = (0..3).flat_map(|_| take(zone, &mut cursor, 1)).collect();
        assert_eq!(order, [98, 101, 96].map(page));
    });
}

#[test]
fn an_area_is_as_large_as_a_huge_page_but_in_one_summary_word() {
    let area = |page_size| Habits::new(page_size, None).area;
    assert_eq!([9216, 1536].map(area), [2, 16]);
    assert_eq!(
        [64, 512, 1024, 4096, 16384, 32768, 65536, 1 << 21, 1 << 30].map(area),
        [64, 64, 32, 8, 2, 1, 1, 1, 1]
    );
}

#[test]
fn homes_lie_at_areas_where_there_are_enough() {
    let homes = |slots, pages| {
        let habits = Habits::new(4096, None);
        (0..slots).map(|slot| habits.home(slot, slots, pages)).collect::<Vec<_>>()
    };
    assert_eq!(homes(3, 64 * 100), [0, 32, 64]);
    assert_eq!(homes(4, 64 * 32), [0, 8, 16, 24]);
    assert_eq!(homes(4, 64 * 31), [0, 7, 15, 23]);
    assert_eq!(homes(4, 100), [0, 0, 1, 1]);
    assert_eq!(homes(2, u32::MAX), [0, 1 << 25]);
}

#[test]
fn a_quarantine_takes_fresh_pages_until_enough_wait() {
    with_zone(64 * 64, Some(1000), |zone| {
        let mut cursor = Cursor::default();
        let mut touched = BTreeSet::new();
        let mut waits = Vec::new();
        let mut last = std::collections::BTreeMap::new();
        for round in 0_usize..200 {
            let ids = take(zone, &mut cursor, 64);
            for id in &ids {
                touched.insert(*id);
                if let Some(before) = last.insert(*id, round) {
                    waits.push(round - before);
                }
            }
            put(zone, &ids);
        }
        // 64 are out, and 1,000 wait: at most a word more.
        assert!((1000..=1000 + 2 * 64).contains(&touched.len()), "{}", touched.len());
        assert!(waits.iter().all(|&rounds| rounds >= 1000 / 64), "{waits:?}");
    });
}

#[test]
fn a_quarantine_without_a_length_uses_every_page_first() {
    with_zone(64 * 40, Some(usize::MAX), |zone| {
        let mut cursor = Cursor::new(7);
        for _ in 0..2 {
            let mut seen = BTreeSet::new();
            for _ in 0..40 {
                let ids = take(zone, &mut cursor, 64);
                seen.extend(ids.iter().copied());
                put(zone, &ids);
            }
            assert_eq!(seen.len(), 64 * 40);
        }
    });
}

#[test]
fn a_quarantine_of_no_length_still_goes_round() {
    with_zone(64 * 40, Some(0), |zone| {
        let mut cursor = Cursor::default();
        let first = take(zone, &mut cursor, 256);
        put(zone, &first);
        // What is left of a word comes first, but nothing that came back to it before the last page.
        for (max, word) in [(1, 0), (64, 0), (3, 1), (64, 1), (64, 2)] {
            assert_eq!(words(&take(zone, &mut cursor, max))[0], word);
        }
    });
}

/// The pages of an area, and whether all of them are here.
fn area(area: u32) -> impl Iterator<Item = PageId> {
    (area * AREA * 64..(area + 1) * AREA * 64).map(PageId::new)
}

fn whole(zone: &Zone, areas: u32) -> Vec<u32> {
    (0..areas).filter(|&at| area(at).all(|id| zone.holds(id))).collect()
}

/// Half of the areas get all of their pages back, in one of several orders, and the others some.
fn what_fits_in_broken_areas_leaves_the_others_whole(seed: u64, one_by_one: bool) {
    const AREAS: u32 = 160;
    with_zone(AREAS as usize * 512, None, |zone| {
        assert_eq!(take(zone, &mut Cursor::new(0), usize::MAX).len(), AREAS as usize * 512);
        let mut random = random::Random::new(seed);
        let mut areas: Vec<_> = (0..AREAS).collect();
        let shuffle = |random: &mut random::Random, ids: &mut [u32]| {
            (1..ids.len()).rev().for_each(|at| ids.swap(at, random.below(at + 1)));
        };
        shuffle(&mut random, &mut areas);
        let (all, some) = areas.split_at(AREAS as usize / 2);
        let mut ids: Vec<_> = all.iter().flat_map(|&at| area(at)).map(PageId::index).collect();
        let mut fits = 0;
        for &at in some {
            let mut pages: Vec<_> = area(at).map(PageId::index).collect();
            shuffle(&mut random, &mut pages);
            let n = random.below(512);
            fits += n;
            ids.extend(&pages[..n]);
        }
        shuffle(&mut random, &mut ids);
        let ids: Vec<_> = ids.into_iter().map(PageId::new).collect();
        ids.chunks(if one_by_one { 1 } else { 256 }).for_each(|ids| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            put(zone, &ids);
        });
        let before = whole(zone, AREAS);
        assert_eq!(before.len(), all.len());
        let mut cursors = [0, 300, 777].map(Cursor::new);
        let mut left = fits;
        while left > 0 {
            let cursor = &mut cursors[left % 3];
            left -= take(zone, cursor, left.min(1 + left % 256)).len();
        }
        assert_eq!(whole(zone, AREAS), before);
        let order = crate::page::Order::new(9).expect("a small order");
        let mut blocks = 0;
        while zone.take_blocks(&mut cursors[0], (order, 1), |_| blocks += 1, |_| ()) > 0 {}
        assert_eq!(blocks, before.len());
        assert_eq!(zone.count(), 0);
    });
}

#[test]
fn what_fits_in_broken_areas_leaves_whole_ones_alone() {
    what_fits_in_broken_areas_leaves_the_others_whole(1, true);
    what_fits_in_broken_areas_leaves_the_others_whole(2, false);
    what_fits_in_broken_areas_leaves_the_others_whole(3, false);
}

#[test]
fn who_takes_a_whole_area_page_by_page_stays_in_it() {
    with_zone(16 * 512, None, |zone| {
        assert_eq!(take(zone, &mut Cursor::new(0), usize::MAX).len(), 16 * 512);
        (0..16).for_each(|at| put(zone, &area(at).collect::<Vec<_>>()));
        // Each in an area of its own, though neither is whole.
        let mut cursors = [Cursor::new(0), Cursor::new(64)];
        for _ in 0..60 {
            let ids = cursors.each_mut().map(|cursor| take(zone, cursor, 8));
            assert!(area(0).any(|id| id == ids[0][7]) && area(8).any(|id| id == ids[1][7]));
        }
        // Its own area, once it is whole, is taken after one that is not.
        let ids: Vec<_> = area(0).filter(|&id| !zone.holds(id)).collect();
        put(zone, &ids);
        let one = area(15).next().expect("it has pages");
        assert_eq!(zone.take_range(one, 1, |_| ()), 1);
        assert_eq!(words(&take(zone, &mut cursors[0], 64)), [120, 121]);
    });
}

#[test]
fn what_a_block_leaves_of_an_area_comes_first() {
    with_zone(16 * 512, None, |zone| {
        assert_eq!(take(zone, &mut Cursor::new(0), usize::MAX).len(), 16 * 512);
        (0..16).for_each(|at| put(zone, &area(at).collect::<Vec<_>>()));
        let order = crate::page::Order::new(6).expect("a small order");
        assert!(zone.take_block_at(PageId::new(9 * 512 + 64), order, |_| ()));
        assert_eq!(words(&take(zone, &mut Cursor::new(0), 128)), [72, 74]);
        let mut cursor = Cursor::new(0);
        assert_eq!(zone.take_blocks(&mut cursor, (order, 1), |_| (), |_| ()), 1);
        assert_eq!(words(&take(zone, &mut Cursor::new(32), 64 * 4)), [76, 77, 78, 79]);
        assert_eq!(whole(zone, 16).len(), 15);
    });
}
