//! What each transition of a page's word does, what it leaves alone, and what it refuses.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::mode::{Bare, Checked, Hardened, NoRefcount};
use crate::sync::{Atomic, Zeroed};

/// A location and an order that have bits at both ends of their parts.
const LOCATION: Location = 0x100_0001;
const SIX: u8 = 6;
const KINDS: [Kind; 6] = [Kind::Page, Kind::Held, Kind::Block, Kind::Tail, Kind::Lent, Kind::Bad];

fn word(state: PageState) -> AtomicPageState {
    AtomicPageState(Atomic::new(state.0))
}

fn order() -> Order {
    Order::new(SIX).expect("legal")
}

/// A state at a location.
fn at(kind: Kind, location: Location) -> PageState {
    PageState::new(kind, 0, location)
}

/// Nobody asks how many references there are.
fn no_count() -> u32 {
    unreachable!("nobody asks")
}

#[test]
fn a_state_is_what_it_was_made_of() {
    for kind in KINDS {
        let state = PageState::new(kind, SIX, LOCATION);
        assert_eq!(state.kind(), Some(kind));
        assert_eq!((state.order(), state.location(), state.is_shared()), (SIX, LOCATION, false));
        assert_eq!(state.0, (kind as u32) << 29 | 0x0d00_0001);
        let shared = state.shared(true);
        assert_eq!(shared.0, state.0 | 1 << 28);
        assert_eq!((shared.kind(), shared.order(), shared.location()), (Some(kind), SIX, LOCATION));
        assert!(shared.is_shared() && shared.shared(false) == state);
    }
    assert_eq!(PageState(7 << 29).kind(), None);
    assert_eq!(PageState(7 << 29 | 1).fault(), Fault::Corrupt);
}

#[test]
fn a_word_at_rest_is_that_of_a_page_with_one_owner() {
    assert!(PageState::resting(LOCATION) == at(Kind::Page, LOCATION));
    assert!(PageState::resting(LOCATION).after(5) == at(Kind::Page, LOCATION + 5));
    assert!(AtomicPageState::zero().load() == at(Kind::Page, ZONE));
    let word = word(at(Kind::Held, LOCATION));
    word.rest(LOCATION);
    assert!(word.load() == at(Kind::Page, LOCATION));
    assert!(word.is_resting_at(LOCATION) && !word.is_resting_at(LOCATION - 1));
}

#[test]
fn a_page_in_doubt_is_free_and_unlike_any_other() {
    for claims in [false, true] {
        let kind = if claims { Kind::Held } else { Kind::Page };
        let word = word(at(kind, LOCATION));
        assert_eq!(word.try_doubt(claims, no_count, |_| false), Ok(()));
        let state = word.load();
        assert!(state == PageState::DOUBTED && state.is_doubted() && state.rests_at(ZONE));
        assert!(!state.rests_at(LOCATION) && !word.is_resting_at(ZONE));
        assert!(!state.may_be_out::<Checked>(1) && !state.may_be_out::<Hardened>(1));
        let free = |word: &AtomicPageState| word.try_free(claims, LOCATION, no_count, |_| true);
        assert_eq!(free(&word), Err(Fault::AlreadyFree));
        assert_eq!(word.try_doubt(claims, no_count, |_| true), Err(Fault::AlreadyFree));
        word.share(claims);
        assert!(word.load().is_doubted() && !word.load().rests_at(ZONE));
        assert_eq!(free(&word), Err(Fault::AlreadyFree));
    }
    // Nothing but a single page that is out comes into doubt.
    let refused = word(at(Kind::Lent, LOCATION));
    assert_eq!(refused.try_doubt(false, no_count, |_| false), Err(Fault::Lent));
    let free = word(PageState::resting(LOCATION));
    assert_eq!(free.try_doubt(false, no_count, |_| true), Err(Fault::AlreadyFree));
    let shared = word(at(Kind::Page, LOCATION).shared(true));
    assert_eq!(shared.try_doubt(false, || 3, |_| false), Err(Fault::Shared { references: 3 }));
    assert!(PageState::resting(ZONE).rests_at(ZONE) && !at(Kind::Lent, ZONE).rests_at(ZONE));
}

#[test]
fn a_single_page_is_that_of_the_mode() {
    for kind in KINDS {
        for state in [at(kind, LOCATION), at(kind, LOCATION).shared(true)] {
            assert_eq!(state.is_single::<Bare>(), kind == Kind::Page);
            assert_eq!(state.is_single::<Checked>(), kind == Kind::Page);
            assert_eq!(state.is_single::<Hardened>(), kind == Kind::Held);
            assert_eq!(state.is_owned(false), kind == Kind::Page);
            assert_eq!(state.is_owned(true), kind == Kind::Held);
        }
        assert!(!PageState::new(kind, 1, LOCATION).is_owned(false));
        assert!(!PageState::new(kind, 1, LOCATION).is_owned(true));
    }
}

#[test]
fn a_page_that_is_out_has_a_count_that_can_be() {
    let page = at(Kind::Page, LOCATION);
    let may = |state: PageState, references| state.may_be_out::<Checked>(references);
    assert!(may(page, 0) && may(page.shared(true), 1) && may(page.shared(true), SATURATED));
    assert!(!may(page.shared(true), 0) && !may(page.shared(true), SATURATED + 1));
    assert!(!page.shared(true).may_be_out::<NoRefcount>(1) && page.may_be_out::<NoRefcount>(0));
    assert!(!may(at(Kind::Held, LOCATION), 1) && at(Kind::Held, 1).may_be_out::<Hardened>(1));
    assert!(may(at(Kind::Lent, 3), 1) && !may(at(Kind::Lent, 3).shared(true), 1));
    let block = PageState::new(Kind::Block, SIX, ZONE);
    assert!(may(block, 1) && !may(block.shared(true), 1) && !may(at(Kind::Tail, 3), 1));
    assert!(
        may(at(Kind::Bad, ZONE), 1) && !may(at(Kind::Bad, 3), 1) && !may(PageState(7 << 29), 1)
    );
}

#[test]
fn every_state_that_may_not_be_freed_says_why() {
    for (claims, kind, other) in [(false, Kind::Page, Kind::Held), (true, Kind::Held, Kind::Page)] {
        let shared = at(kind, LOCATION).shared(true);
        for (references, fault) in [
            (2, Fault::Shared { references: 2 }),
            (SATURATED - 1, Fault::Shared { references: SATURATED - 1 }),
            (SATURATED, Fault::Saturated),
            (SATURATED + 1, Fault::Saturated),
            (0, Fault::Corrupt),
        ] {
            assert_eq!(shared.sole(claims, || references), Err(fault));
        }
        assert_eq!(shared.sole(claims, || 1), Ok(()));
        assert_eq!(at(kind, LOCATION).sole(claims, no_count), Ok(()));
        let other = at(other, LOCATION).shared(true);
        assert_eq!(other.sole(claims, no_count), Err(other.fault()));
        assert_eq!(PageState::new(kind, 1, LOCATION).fault(), Fault::Corrupt);
    }
    assert_eq!(at(Kind::Page, LOCATION).fault(), Fault::AlreadyFree);
    assert_eq!(at(Kind::Held, LOCATION).fault(), Fault::Corrupt);
    for kind in [Kind::Block, Kind::Tail] {
        assert_eq!(PageState::new(kind, 3, ZONE).fault(), Fault::InBlock { order: 3 });
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
    word.rest(LOCATION);
    word.share(true);
    assert!(!word.claim(LOCATION) && word.load() == at(Kind::Page, LOCATION).shared(true));
}

#[test]
fn a_free_puts_a_page_that_is_out_to_its_place() {
    let never = |_| -> bool { unreachable!("nobody asks") };
    let held = word(at(Kind::Held, LOCATION));
    assert_eq!(held.try_free(true, 9, no_count, never), Ok(()));
    assert!(held.load() == at(Kind::Page, 9));
    assert_eq!(held.try_free(true, 9, no_count, never), Err(Fault::AlreadyFree));
    let page = word(at(Kind::Page, LOCATION));
    let asked = |answer| {
        move |location| {
            assert_eq!(location, LOCATION);
            answer
        }
    };
    assert_eq!(page.try_free(false, 9, no_count, asked(true)), Err(Fault::AlreadyFree));
    assert!(page.load() == at(Kind::Page, LOCATION));
    assert_eq!(page.try_free(false, LOCATION, no_count, never), Ok(()));
    assert_eq!(page.try_free(false, 9, no_count, asked(false)), Ok(()));
    assert!(page.load() == at(Kind::Page, 9));
}

#[test]
fn a_shared_page_is_freed_by_a_sole_owner_only() {
    for (claims, kind) in [(false, Kind::Page), (true, Kind::Held)] {
        let shared = at(kind, LOCATION).shared(true);
        let word = word(shared);
        let free = |references| word.try_free(claims, 9, || references, |_| false);
        assert_eq!(free(2), Err(Fault::Shared { references: 2 }));
        assert_eq!(free(SATURATED), Err(Fault::Saturated));
        assert_eq!(free(0), Err(Fault::Corrupt));
        assert!(word.load() == shared);
        assert_eq!(free(1), Ok(()));
        assert!(word.load() == at(Kind::Page, 9));
    }
}

fn lends<M: Mode>(owned: Kind, other: Kind) {
    let word = word(at(owned, LOCATION));
    let lend = || word.lend::<M>(no_count);
    assert_eq!(word.reclaim::<M>(), Err(Fault::NotLent));
    assert!(word.load() == at(owned, LOCATION));
    assert_eq!(lend(), Ok(()));
    assert!(word.load() == at(Kind::Lent, LOCATION));
    assert_eq!(lend(), Err(Fault::Lent));
    assert_eq!(word.reclaim::<M>(), Ok(()));
    assert!(word.load() == at(owned, LOCATION));
    let (other, shared) = (at(other, LOCATION), at(owned, LOCATION).shared(true));
    let two = Fault::Shared { references: 2 };
    for (state, fault) in [(other, other.fault()), (shared, two)] {
        let word = self::word(state);
        assert_eq!(word.lend::<M>(|| 2), Err(fault));
        assert!(word.load() == state);
    }
    let shared = self::word(shared);
    assert_eq!(shared.lend::<M>(|| 1), Ok(()));
    assert!(shared.load() == at(Kind::Lent, LOCATION));
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
    assert!(word.load() == PageState::new(Kind::Tail, SIX, ZONE));
    assert_eq!(word.try_free_block(order()), Err(Fault::InBlock { order: SIX }));
    word.join_block(true, order());
    assert!(word.load() == PageState::new(Kind::Block, SIX, ZONE));
    let smaller = Order::new(1).expect("legal");
    assert_eq!(word.try_free_block(smaller), Err(Fault::InBlock { order: SIX }));
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
fn an_order_has_four_bits() {
    for order in (0..=Order::MAX.get()).filter_map(Order::new) {
        for kind in [Kind::Block, Kind::Tail] {
            let state = PageState::in_block(kind, order);
            assert_eq!((state.kind(), state.block_order()), (Some(kind), Some(order)));
            assert_eq!(state.fault(), Fault::InBlock { order: order.get() });
            assert!(state.may_be_out::<Checked>(1));
        }
    }
    // Above the largest, and in a location of no block.
    for (order, location) in [(3, ZONE ^ 1), (7, ZONE ^ 1), (2, ZONE ^ 2), (2, 3)] {
        let state = PageState::new(Kind::Tail, order, location);
        assert_eq!((state.block_order(), state.fault()), (None, Fault::Corrupt));
        assert!(!state.may_be_out::<Checked>(1));
    }
}

#[test]
fn a_block_is_split_by_its_head_and_in_its_order() {
    let [one, two] = [1, 2].map(|order| Order::new(order).expect("legal"));
    for (claims, page) in [(false, Kind::Page), (true, Kind::Held)] {
        for (piece, state) in [
            (Piece::Page, at(page, ZONE)),
            (Piece::Head(one), PageState::in_block(Kind::Block, one)),
            (Piece::Tail(one), PageState::in_block(Kind::Tail, one)),
        ] {
            let word = word(at(page, ZONE));
            assert_eq!(word.try_split_block(claims, two, piece), Err(Fault::NotABlock));
            assert!(!word.split_tail(claims, two, piece));
            word.join_block(true, two);
            assert!(!word.split_tail(claims, two, piece));
            let in_block = Fault::InBlock { order: 2 };
            assert_eq!(word.try_split_block(claims, one, piece), Err(in_block));
            assert_eq!(word.try_split_block(claims, two, piece), Ok(()));
            assert!(word.load() == state);
            word.join_block(false, two);
            assert_eq!(word.try_split_block(claims, two, piece), Err(in_block));
            assert!(!word.split_tail(claims, one, piece) && word.split_tail(claims, two, piece));
            assert!(word.load() == state);
        }
    }
}

#[test]
fn a_page_that_is_withheld_is_bad_for_good() {
    let word = word(at(Kind::Page, LOCATION));
    assert_eq!(word.withheld(), None);
    word.withhold(Fault::Corrupt);
    assert!(word.load() == at(Kind::Bad, ZONE));
    assert_eq!(word.withheld(), Some(Fault::Corrupt));
    assert_eq!(word.try_free(false, 9, no_count, |_| false), Err(Fault::Withheld));
    assert_eq!(word.try_free(true, 9, no_count, |_| false), Err(Fault::Withheld));
}

#[test]
fn a_page_that_is_withheld_says_at_which_byte_it_was_written() {
    // The first 64 MiB exactly; then so many bits of the offset, and zeroes.
    let exact = [0, 1, 4095, (1 << 26) - 1, 1 << 26, ((1 << 26) - 1) << 6, 1 << 63];
    for offset in exact {
        let word = word(at(Kind::Page, LOCATION));
        word.withhold(Fault::Poison { offset });
        assert_eq!(word.withheld(), Some(Fault::Poison { offset }));
        assert_eq!(word.try_free(true, 9, no_count, |_| false), Err(Fault::Withheld));
    }
}

#[test]
fn far_into_a_page_the_byte_that_was_written_is_rounded_down() {
    for (offset, said) in [
        ((1 << 26) + 65, (1 << 26) + 64),
        ((1 << 32) - 1, (1 << 32) - 64),
        ((1 << 32) + 4097, (1 << 32) + 4096),
        (u64::MAX, u64::MAX << 42),
    ] {
        let word = word(at(Kind::Page, LOCATION));
        word.withhold(Fault::Poison { offset });
        assert_eq!(word.withheld(), Some(Fault::Poison { offset: said }));
    }
}

/// What `proofs/state.smt2` is about.
#[test]
fn facts_for_proofs() {
    use crate::page::facts::{constant, long, numbers, sample, word};
    use std::format;

    const FILE: &str = "state";
    let constants = [
        ("KIND", KIND),
        ("ORDER", ORDER),
        ("LOCATIONS", LOCATIONS as u32),
        ("SHARED", SHARED),
        ("ZONE", ZONE),
        ("OFFSET_BITS", OFFSET_BITS),
        ("OFFSET_STEP", OFFSET_STEP),
        ("PAGE", Kind::Page as u32),
        ("HELD", Kind::Held as u32),
        ("BLOCK", Kind::Block as u32),
        ("TAIL", Kind::Tail as u32),
        ("WRITTEN", Kind::Written as u32),
        ("ORDER_MAX", Order::MAX.get().into()),
        ("ONE", AtomicCount::ONE),
    ];
    constants.iter().for_each(|&(name, value)| constant(FILE, name, value.into()));
    for number in numbers() {
        let state = PageState(number as u32);
        let s = word(state.0);
        sample(FILE, &format!("(location-of {s})"), &word(state.location()));
        sample(FILE, &format!("(order-of {s})"), &word(state.order().into()));
        sample(FILE, &format!("(is-shared {s})"), &format!("{}", state.is_shared()));
        sample(FILE, &format!("(shared {s} true)"), &word(state.shared(true).0));
        sample(FILE, &format!("(shared {s} false)"), &word(state.shared(false).0));
        let owned = [(true, Kind::Held), (false, Kind::Page)];
        for (claims, kind) in owned {
            let call = format!("(is-owned {s} {})", word(kind as u32));
            sample(FILE, &call, &format!("{}", state.is_owned(claims)));
        }
        if let Some(order) = state.block_order() {
            sample(FILE, &format!("(block-order {s})"), &word(order.get().into()));
        }
        let location = number as u32 & (LOCATIONS as u32 - 1);
        for kind in KINDS {
            let made = PageState::new(kind, SIX, location);
            let [kind, order, location] = [kind as u32, SIX.into(), location].map(word);
            sample(FILE, &format!("(state-of {kind} {order} {location})"), &word(made.0));
        }
        let written = PageState::written(number);
        sample(FILE, &format!("(written {})", long(number)), &word(written.0));
        sample(FILE, &format!("(offset {})", word(written.0)), &long(written.offset()));
    }
    for order in (0..=Order::MAX.get()).filter_map(Order::new) {
        for kind in [Kind::Block, Kind::Tail] {
            let call = format!("(in-block {} {})", word(kind as u32), word(order.get().into()));
            sample(FILE, &call, &word(PageState::in_block(kind, order).0));
        }
    }
}
