//! What each transition of a page's word does, what it leaves alone, and what it refuses.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::mode::{Bare, Checked, Hardened};
use crate::sync::Atomic;

/// A location, an order and a count that have bits at both ends of their parts.
const LOCATION: Location = 0x8000_0001;
const ORDER: u8 = 6;
const SOME: u32 = 0x40_0001;
const KINDS: [Kind; 6] = [Kind::Page, Kind::Held, Kind::Block, Kind::Tail, Kind::Lent, Kind::Bad];

fn word(state: PageState) -> AtomicPageState {
    AtomicPageState(Atomic::new(state.0))
}

fn order() -> Order {
    Order::new(ORDER).expect("legal")
}

/// A state of one reference at a location.
fn at(kind: Kind, location: Location) -> PageState {
    PageState::new(kind, 0, 1, location)
}

fn of(references: u32) -> PageState {
    PageState::new(Kind::Page, ORDER, references, LOCATION)
}

#[test]
fn a_state_is_what_it_was_made_of() {
    for kind in KINDS {
        let state = PageState::new(kind, ORDER, SOME, LOCATION);
        assert_eq!(state.kind(), Some(kind));
        assert_eq!((state.order(), state.references(), state.location()), (ORDER, SOME, LOCATION));
        assert_eq!(state.0, (kind as u64) << 60 | 0x0640_0001_8000_0001);
        assert!(state.with_references(7) == PageState::new(kind, ORDER, 7, LOCATION));
    }
    for kind in 6..16_u64 {
        assert_eq!(PageState(kind << 60).kind(), None);
        assert_eq!(PageState(kind << 60 | 1 << 32).fault(), Fault::Corrupt);
    }
}

#[test]
fn a_word_at_rest_is_that_of_a_page_with_one_owner() {
    assert!(PageState::resting(LOCATION) == at(Kind::Page, LOCATION));
    assert!(PageState::resting(LOCATION).after(5) == at(Kind::Page, LOCATION + 5));
    assert!(AtomicPageState::new().load() == at(Kind::Page, ZONE));
    let word = word(of(3));
    word.rest(LOCATION);
    let resting = |location, after| word.resting_at(location, after).is_some();
    assert!(word.load() == at(Kind::Page, LOCATION) && resting(LOCATION, 0));
    assert!(resting(LOCATION - 2, 2) && !resting(LOCATION, 1));
    for to in [LOCATION + 4, LOCATION - 4, 7, u32::MAX - 9] {
        word.rest(LOCATION + 3);
        word.rest_moved(word.load(), LOCATION, to);
        assert!(word.load() == at(Kind::Page, to + 3));
    }
}

#[test]
fn a_single_page_is_that_of_the_mode() {
    for kind in KINDS {
        let state = PageState::new(kind, 0, SOME, LOCATION);
        assert_eq!(state.is_single::<Bare>(), kind == Kind::Page);
        assert_eq!(state.is_single::<Checked>(), kind == Kind::Page);
        assert_eq!(state.is_single::<Hardened>(), kind == Kind::Held);
    }
    // Everything above the location counts.
    let owned = PageState::owned(true);
    assert!(at(Kind::Held, LOCATION).alike(owned) && !at(Kind::Page, LOCATION).alike(owned));
    assert!(!PageState::new(Kind::Held, 1, 1, 0).alike(owned));
    assert!(!PageState::new(Kind::Held, 0, 2, 0).alike(owned));
}

#[test]
fn every_state_that_may_not_be_freed_says_why() {
    for kind in [Kind::Page, Kind::Held] {
        let shared = |references| Fault::Shared { references };
        for (references, fault) in [
            (2, shared(2)),
            (SATURATED - 1, shared(SATURATED - 1)),
            (SATURATED, Fault::Saturated),
            (SATURATED + 1, Fault::Saturated),
            (0, Fault::Corrupt),
        ] {
            assert_eq!(PageState::new(kind, 0, references, LOCATION).fault(), fault);
        }
        assert_eq!(PageState::new(kind, 1, 1, LOCATION).fault(), Fault::Corrupt);
    }
    assert_eq!(at(Kind::Page, LOCATION).fault(), Fault::AlreadyFree);
    assert_eq!(at(Kind::Held, LOCATION).fault(), Fault::Corrupt);
    for kind in [Kind::Block, Kind::Tail] {
        assert_eq!(PageState::new(kind, 3, 1, ZONE).fault(), Fault::InBlock { order: 3 });
    }
    assert_eq!(at(Kind::Lent, LOCATION).fault(), Fault::Lent);
    assert_eq!(at(Kind::Bad, ZONE).fault(), Fault::Withheld);
}

#[test]
fn a_claim_succeeds_where_the_page_rests_only() {
    let word = word(at(Kind::Page, LOCATION));
    assert!(!word.claim(LOCATION + 1) && word.load() == at(Kind::Page, LOCATION));
    assert!(word.claim(LOCATION) && word.load() == at(Kind::Held, LOCATION));
    assert!(!word.claim(LOCATION));
}

#[test]
fn a_free_puts_a_page_that_is_out_to_its_place() {
    let never = |_| -> bool { unreachable!("nobody asks") };
    let held = word(at(Kind::Held, LOCATION));
    assert_eq!(held.try_free(true, 9, never), Ok(()));
    assert!(held.load() == at(Kind::Page, 9));
    assert_eq!(held.try_free(true, 9, never), Err(Fault::AlreadyFree));
    let page = word(at(Kind::Page, LOCATION));
    let asked = |answer| {
        move |location| {
            assert_eq!(location, LOCATION);
            answer
        }
    };
    assert_eq!(page.try_free(false, 9, asked(true)), Err(Fault::AlreadyFree));
    assert!(page.load() == at(Kind::Page, LOCATION));
    assert_eq!(page.try_free(false, LOCATION, never), Ok(()));
    assert_eq!(page.try_free(false, 9, asked(false)), Ok(()));
    assert!(page.load() == at(Kind::Page, 9));
    let shared = word(PageState::new(Kind::Page, 0, 2, LOCATION));
    assert_eq!(shared.try_free(false, 9, never), Err(Fault::Shared { references: 2 }));
    assert!(shared.load() == PageState::new(Kind::Page, 0, 2, LOCATION));
}

/// A call may add as many references.
const MANY: u32 = 1 << 16;

#[test]
fn references_are_added_up_to_where_the_count_sticks() {
    let counted = word(of(1));
    let most = SATURATED / MANY;
    for call in 1..most {
        assert_eq!(counted.retain(MANY), Ok(()));
        assert!(counted.load() == of(1 + call * MANY));
    }
    assert_eq!(counted.retain(MANY - 2), Ok(()));
    assert!(counted.load() == of(SATURATED - 1));
    for _ in 0..3 {
        assert_eq!(counted.retain(1), Err(Fault::Saturated));
        assert!(counted.load() == of(SATURATED));
        assert_eq!(counted.release(), Released::Saturated);
        assert!(counted.load() == of(SATURATED));
    }
    let beyond = word(of(SATURATED - 1));
    assert_eq!(beyond.retain(MANY), Err(Fault::Saturated));
    assert!(beyond.load() == of(SATURATED));
}

#[test]
fn references_are_given_up_one_by_one_until_the_last() {
    for (before, found, after) in [
        (SATURATED - 1, Released::Shared, SATURATED - 2),
        (3, Released::Shared, 2),
        (2, Released::Shared, 1),
        (1, Released::Last, 1),
        (0, Released::Last, 0),
        (SATURATED + 1, Released::Saturated, SATURATED + 1),
    ] {
        let word = word(of(before));
        assert_eq!(word.release(), found);
        assert!(word.load() == of(after));
    }
}

#[test]
fn forgotten_references_are_told_and_one_is_left() {
    for references in [1, 2, SATURATED, SOME] {
        let word = word(of(references));
        assert_eq!(word.forget_references(), references);
        assert!(word.load() == of(1));
    }
}

fn lends<M: Mode>(owned: Kind, other: Kind) {
    let word = word(at(owned, LOCATION));
    assert_eq!(word.reclaim::<M>(), Err(Fault::NotLent));
    assert!(word.load() == at(owned, LOCATION));
    assert_eq!(word.lend::<M>(), Ok(()));
    assert!(word.load() == at(Kind::Lent, LOCATION));
    assert_eq!(word.lend::<M>(), Err(Fault::Lent));
    assert_eq!(word.reclaim::<M>(), Ok(()));
    assert!(word.load() == at(owned, LOCATION));
    for state in [at(other, LOCATION), PageState::new(owned, 0, 2, LOCATION)] {
        let word = self::word(state);
        assert_eq!(word.lend::<M>(), Err(state.fault()));
        assert!(word.load() == state);
    }
}

#[test]
fn a_page_is_lent_by_its_owner_and_comes_back_as_it_was() {
    lends::<Checked>(Kind::Page, Kind::Held);
    lends::<Hardened>(Kind::Held, Kind::Page);
}

#[test]
fn a_block_comes_back_by_its_head_and_in_its_order() {
    let word = word(at(Kind::Page, ZONE));
    word.join_block(false, order());
    assert!(word.load() == PageState::new(Kind::Tail, ORDER, 1, ZONE));
    assert_eq!(word.try_free_block(order()), Err(Fault::InBlock { order: ORDER }));
    word.join_block(true, order());
    assert!(word.load() == PageState::new(Kind::Block, ORDER, 1, ZONE));
    let smaller = Order::new(1).expect("legal");
    assert_eq!(word.try_free_block(smaller), Err(Fault::InBlock { order: ORDER }));
    assert_eq!(word.try_free_block(order()), Ok(()));
    assert!(word.load() == at(Kind::Page, ZONE));
    let faults: Vec<_> = KINDS
        .map(|kind| self::word(at(kind, ZONE)).try_free_block(order()).expect_err("no block"))
        .into();
    let in_block = Fault::InBlock { order: 0 };
    let expected =
        [Fault::NotABlock, Fault::NotABlock, in_block, in_block, Fault::Lent, Fault::Withheld];
    assert_eq!(faults, expected);
}

#[test]
fn a_page_that_is_withheld_is_bad_for_good() {
    let word = word(of(3));
    assert_eq!(word.withheld(), None);
    word.withhold(Fault::Corrupt);
    assert!(word.load() == at(Kind::Bad, ZONE));
    assert_eq!(word.withheld(), Some(Fault::Corrupt));
    assert_eq!(word.try_free(false, 9, |_| false), Err(Fault::Withheld));
    assert_eq!(word.try_free(true, 9, |_| false), Err(Fault::Withheld));
}

#[test]
fn a_page_that_is_withheld_says_at_which_byte_it_was_written() {
    for offset in [0, 1, 4095, 1 << 32, (1 << 56) - 1] {
        let word = word(of(1));
        word.withhold(Fault::Poison { offset });
        assert_eq!(word.withheld(), Some(Fault::Poison { offset }));
        assert_eq!(word.try_free(true, 9, |_| false), Err(Fault::Withheld));
    }
}
