//! What one who looks at a magazine sees of it.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::metadata::tests::with_block;
use crate::mode::{Bare, Checked, Mode};

/// Magazines of 5 ids, which have 8 places each.
const COUNT: usize = 3;
const CAPACITY: usize = 5;

/// Lends magazines of which the second holds pages 70, 71, 72 and the third page 90.
fn with_magazines(f: impl FnOnce(&Magazines)) {
    let mut plan = MetadataLayout::starting_with::<()>();
    let spots = MagazinePlan::new(&mut plan, COUNT, CAPACITY).expect("fits");
    with_block(plan, |block| {
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block, spots) };
        for (magazine, ids) in [(2, 70..73), (3, 90..91)] {
            let hand = Hand::new::<Checked>(&magazines, magazine);
            for id in ids.map(PageId::new) {
                // SAFETY: nobody else uses the magazine, which has room.
                unsafe {
                    let place = hand.end();
                    hand.put(place, id);
                    hand.publish::<Checked>(place + 1);
                }
            }
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
        let hand = Hand::new::<Checked>(magazines, 2);
        // SAFETY: nobody else uses the magazine, which holds three ids.
        unsafe { hand.pop::<Checked>(2, &mut [core::mem::MaybeUninit::uninit()]) };
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

/// Where nobody looks, the head of a magazine says nothing while a hand has it, and all when it has been put down.
#[test]
fn a_magazine_in_a_hand_that_nobody_watches_counts_in_the_hand() {
    if Bare::CHECKS {
        return;
    }
    with_magazines(|magazines| {
        let hand = Hand::new::<Bare>(magazines, 2);
        assert_eq!((hand.held(), magazines.len(2), magazines.total()), (3, 0, 1));
        // SAFETY: nobody else uses the magazine, which holds three ids and has room for two more.
        unsafe { hand.push_unseen(3, &[PageId::new(80), PageId::new(81)]) };
        assert_eq!((hand.held(), magazines.len(2), magazines.total()), (5, 0, 1));
        let mut out = [const { core::mem::MaybeUninit::uninit() }; 2];
        // SAFETY: as above; it holds five by now.
        unsafe { hand.pop::<Bare>(3, &mut out) };
        // SAFETY: `pop` wrote them.
        let got = out.map(|id| unsafe { id.assume_init() }.index());
        assert_eq!((got, hand.held(), magazines.len(2)), ([80, 81], 3, 0));
        // SAFETY: as above; the hand is not used again before it takes the magazine up.
        let magazine = unsafe { hand.put_down::<Bare>(magazines) };
        assert_eq!((magazine, magazines.len(2), magazines.total()), (2, 3, 4));
        // SAFETY: as above.
        unsafe { hand.replace::<Bare>(magazines, magazine) };
        assert_eq!((hand.held(), magazines.len(2)), (3, 0));
    });
}

/// Pages may come back to slots that have their numbers still, all or only the first of them.
#[test]
fn ids_are_where_they_were_put_whatever_the_slots_held_before() {
    let ids = |ids: [u32; CAPACITY]| ids.map(PageId::new);
    with_magazines(|magazines| {
        let hand = Hand::new::<Bare>(magazines, 1);
        for given in [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [7, 2, 3, 4, 6]] {
            // SAFETY: nobody else uses the magazine, which is empty.
            unsafe { hand.push_unseen(0, &ids(given)) };
            let mut out = [const { core::mem::MaybeUninit::uninit() }; CAPACITY];
            // SAFETY: as above; it holds five by now.
            unsafe { hand.pop::<Bare>(0, &mut out) };
            // SAFETY: `pop` wrote them.
            assert_eq!(out.map(|id| unsafe { id.assume_init() }), ids(given));
        }
    });
}
