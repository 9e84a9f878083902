//! What is allowed at each count, claimed at once, and noted of crossings.

extern crate std;

use super::*;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::zone::{Habits, ZoneLayout};

const SOME: Marks = Marks { low: 10, reserve: 4 };

/// A zone of so many pages, all of which are free.
fn with_marks(marks: Marks, pages: usize, f: impl FnOnce(&Zone)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let span = ZoneLayout::new(&mut layout, pages, false).expect("fits");
    let habits = Habits::new(4096, None).keeping(marks);
    with_block(layout, |mut block| f(&Zone::new(&mut block, span, pages, habits)));
}

/// What a call may take that needs one page and would have eight: with so many free, by its floor.
#[test]
fn what_is_needed_and_what_is_taken_beside_it_have_marks_of_their_own() {
    let allowed = |free, floor| SOME.allowed(free, floor, (1, 8));
    let table = [
        (100, [8, 8, 8]),
        (15, [5, 5, 5]),
        (11, [1, 1, 1]),
        (10, [0, 1, 1]),
        (5, [0, 1, 1]),
        (4, [0, 0, 1]),
        (0, [0, 0, 1]),
    ];
    for (free, expected) in table {
        assert_eq!(
            [Floor::Low, Floor::Reserve, Floor::None].map(|floor| allowed(free, floor)),
            expected,
            "{free}"
        );
    }
}

#[test]
fn a_claim_counts_until_it_ends() {
    with_marks(SOME, 20, |zone| {
        let first = zone.allow(Floor::Low, 8, 8);
        let second = zone.allow(Floor::Low, 8, 8);
        assert_eq!((first.pages, second.pages), (8, 2));
        assert!(zone.is_claimed());
        drop(first);
        let mut cursor = Cursor::default();
        assert_eq!(second.take(&mut cursor, |_| ()), 2);
        assert_eq!(zone.allow(Floor::Low, 100, 100).take(&mut cursor, |_| ()), 8);
        assert_eq!((zone.free(), zone.counts.claimed.load(Ordering::Relaxed)), (10, 0));
        assert!(!zone.is_claimed());
    });
}

/// Once for each time, and not again while the count stays below.
#[test]
fn a_crossing_is_noted_once() {
    with_marks(SOME, 20, |zone| {
        let mut cursor = Cursor::default();
        let mut taken = std::vec::Vec::new();
        let mut take = |pages| {
            zone.allow(Floor::None, pages, pages).take(&mut cursor, |id| taken.push(id));
            zone.has_crossed().then(|| zone.take_crossings(u32::MAX))
        };
        assert_eq!(take(9), None);
        assert_eq!(take(1), Some(CROSSED_LOW));
        assert_eq!(take(5), None);
        assert_eq!(take(1), Some(CROSSED_RESERVE));
        assert_eq!(take(1), Some(BROKE_RESERVE));
        assert_eq!((take(3), zone.is_below_reserve()), (None, true));
        zone.put(&taken, |id| panic!("{id} was there"));
        assert!(!zone.is_below_reserve() && !zone.has_crossed());
        assert_eq!(
            zone.allow(Floor::None, 20, 20).take(&mut Cursor::default(), |_| ()),
            20,
            "all of them"
        );
        assert_eq!(zone.take_crossings(u32::MAX), CROSSED_LOW | CROSSED_RESERVE | BROKE_RESERVE);
    });
}

#[test]
fn a_block_is_not_taken_through_a_mark() {
    with_marks(SOME, 20, |zone| {
        let order = Order::new(3).expect("an order");
        let twice = |id| panic!("{id} was there");
        let take = |floor, pages| {
            zone.allow(floor, pages, pages).take_blocks(
                &mut Cursor::default(),
                order,
                |_| (),
                twice,
            )
        };
        assert_eq!(take(Floor::Low, 16), 1);
        assert_eq!(take(Floor::Low, 8), 0);
        let at = |floor| zone.allow(floor, 8, 8).take_block_at(PageId::new(8), order, twice);
        assert!(!at(Floor::Low) && at(Floor::None));
    });
}

/// In the child of a fork nobody is in the middle of a call.
#[test]
fn claims_can_be_forgotten() {
    with_marks(SOME, 20, |zone| {
        core::mem::forget(zone.allow(Floor::Low, 8, 8));
        assert!(zone.is_claimed());
        zone.forget_claims();
        assert!(!zone.is_claimed());
        assert_eq!(zone.allow(Floor::Low, 20, 20).pages, 10);
    });
}
