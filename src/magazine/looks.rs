//! What one who looks at a magazine sees of it.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::table::block::with_block;

/// Magazines of 5 ids, which have 8 places each.
const COUNT: usize = 3;
const CAPACITY: usize = 5;

/// Lends magazines of which the second holds pages 70, 71, 72 and the third page 90.
fn with_magazines(f: impl FnOnce(&Magazines)) {
    let mut plan = Plan::starting_with::<()>();
    let spots = MagazinePlan::new(&mut plan, COUNT, CAPACITY).expect("fits");
    with_block(plan, |block| {
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block, spots) };
        for (magazine, ids) in [(2, 70..73), (3, 90..91)] {
            let ids: Vec<_> = ids.map(PageId::new).collect();
            let hand = Hand::new(&magazines, magazine);
            // SAFETY: nobody else uses the magazine; there is room, and nobody looks.
            unsafe { hand.push_unseen(&ids) };
        }
        f(&magazines);
    });
}

#[test]
fn magazines_say_what_they_hold() {
    with_magazines(|magazines| {
        assert_eq!(magazines.capacity(), CAPACITY);
        assert_eq!((magazines.start(1), magazines.start(2), magazines.start(3)), (8, 16, 24));
        assert_eq!([1, 2, 3].map(|magazine| magazines.len(magazine)), [0, 3, 1]);
        assert_eq!(magazines.total(), 4);
        assert_eq!(magazines.places().collect::<Vec<_>>(), [16, 17, 18, 24]);
        assert_eq!([16, 18, 24].map(|place| magazines.get(place).index()), [70, 72, 90]);
    });
}

#[test]
fn a_place_holds_a_page_below_its_magazines_end_only() {
    with_magazines(|magazines| {
        let lookup = magazines.lookup();
        assert!(lookup.holds(16, PageId::new(70)) && lookup.holds(18, PageId::new(72)));
        assert!(!lookup.holds(16, PageId::new(71)) && !lookup.holds(17, PageId::new(70)));
        let hand = Hand::new(magazines, 2);
        // SAFETY: nobody else uses the magazine, which holds an id.
        unsafe { hand.pop(&mut [core::mem::MaybeUninit::uninit()]) };
        // The slot still has the id, which has left.
        assert_eq!(magazines.get(18).index(), 72);
        assert!(!lookup.holds(18, PageId::new(72)) && lookup.holds(17, PageId::new(71)));
        // No magazine has these places.
        assert!(!lookup.holds(32, PageId::new(0)) && !lookup.holds(u32::MAX, PageId::new(0)));
    });
}

#[test]
fn a_look_reaches_to_where_what_it_sees_ends() {
    let ids = |slots: &[Atomic<u32>]| {
        slots.iter().map(|slot| slot.load(Ordering::Relaxed)).collect::<Vec<_>>()
    };
    with_magazines(|magazines| {
        for (place, held) in [(16, &[70, 71, 72][..]), (18, &[72]), (24, &[90]), (32, &[])] {
            match magazines.lookup().beside(place) {
                Beside::Held(slots) => assert_eq!(ids(slots), held),
                Beside::Vacant(_) => panic!("{place} is below the end"),
            }
        }
        for (place, vacant) in [(8, 8), (15, 1), (19, 5), (23, 1), (25, 7)] {
            match magazines.lookup().beside(place) {
                Beside::Vacant(slots) => assert_eq!(slots.len(), vacant),
                Beside::Held(_) => panic!("{place} is not below the end"),
            }
        }
    });
}
