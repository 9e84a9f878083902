//! What retains and releases do to a count and to the mark of its page's word, and what they leave alone.

extern crate std;

use super::*;
use crate::page::{PageState, ZONE};
use crate::sync::Zeroed;

/// A call may add as many references.
const MANY: u32 = 1 << 16;

fn count(references: u32) -> AtomicCount {
    AtomicCount(Atomic::new(flipped(references)))
}

/// The references of a page without a word.
fn alone(count: &AtomicCount) -> References<'_> {
    References::new(None, count)
}

#[test]
fn references_are_added_up_to_where_the_count_sticks() {
    let counted = AtomicCount::zero();
    let page = alone(&counted);
    let most = SATURATED / MANY;
    for call in 1..most {
        assert_eq!(page.retain(false, MANY), Ok(()));
        assert_eq!(page.load(), 1 + call * MANY);
    }
    assert_eq!(page.retain(false, MANY - 2), Ok(()));
    assert_eq!(page.load(), SATURATED - 1);
    for _ in 0..3 {
        assert_eq!(page.retain(false, 1), Err(Fault::Saturated));
        assert_eq!((page.release(false), page.load()), (Released::Saturated, SATURATED));
    }
    for before in [SATURATED - 1, u32::MAX] {
        let beyond = count(before);
        assert_eq!(alone(&beyond).retain(false, MANY), Err(Fault::Saturated));
        assert_eq!(beyond.load(), SATURATED);
    }
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
        let count = count(before);
        assert_eq!((alone(&count).release(false), count.load()), (found, after));
    }
}

#[test]
fn references_are_given_up_together_or_none() {
    for (before, n, found, after) in [
        (SATURATED - 1, SATURATED - 2, Released::Shared, 1),
        (SATURATED - 1, SATURATED - 1, Released::Last, 1),
        (5, 3, Released::Shared, 2),
        (5, 5, Released::Last, 1),
        (1, 1, Released::Last, 1),
        (5, 6, Released::Fewer(5), 5),
        (1, u32::MAX, Released::Fewer(1), 1),
        (0, 1, Released::Fewer(0), 0),
        (SATURATED, 1, Released::Saturated, SATURATED),
        (u32::MAX, u32::MAX, Released::Saturated, u32::MAX),
    ] {
        let count = count(before);
        assert_eq!((alone(&count).release_many(false, n), count.load()), (found, after));
    }
}

#[test]
fn a_page_is_marked_until_its_last_holder_has_given_up_many() {
    for claims in [false, true] {
        let (word, count) = page();
        let page = References::new(Some(&word), &count);
        assert_eq!(page.release_many(claims, 2), Released::Fewer(1));
        assert_eq!(page.retain(claims, 9), Ok(()));
        assert_eq!(page.release_many(claims, 11), Released::Fewer(10));
        assert_eq!(page.release_many(claims, 4), Released::Shared);
        assert_eq!((page.load(), word.load().is_shared()), (6, true));
        assert_eq!(page.release_many(claims, 6), Released::Last);
        assert_eq!((page.load(), word.load().is_shared()), (1, claims));
        assert_eq!(page.release_many(claims, 1), Released::Last);
    }
}

#[test]
fn forgotten_references_are_told_and_one_is_left() {
    for references in [1, 2, SATURATED, u32::MAX] {
        let count = count(references);
        assert_eq!((alone(&count).forget(), count.load()), (references, 1));
    }
    let other = count(7);
    other.reset();
    assert_eq!(other.load(), 1);
}

/// A page that rests somewhere, and its count.
fn page() -> (AtomicPageState, AtomicCount) {
    (AtomicPageState::zero(), AtomicCount::zero())
}

#[test]
fn a_page_is_marked_until_its_last_holder_has_looked() {
    for claims in [false, true] {
        let (word, count) = page();
        let page = References::new(Some(&word), &count);
        assert_eq!((page.load(), word.load().is_shared()), (1, false));
        assert_eq!(page.retain(claims, 2), Ok(()));
        assert!(word.load().is_shared() && word.load().location() == ZONE);
        for left in [2, 1] {
            assert_eq!(page.release(claims), Released::Shared);
            assert_eq!((page.load(), word.load().is_shared()), (left, true));
        }
        assert_eq!(page.release(claims), Released::Last);
        // With CLAIM the free itself takes the mark off.
        assert_eq!((page.load(), word.load().is_shared()), (1, claims));
    }
}

#[test]
fn the_count_of_a_page_without_the_mark_is_not_looked_at() {
    let (word, count) = (AtomicPageState::zero(), count(9));
    let page = References::new(Some(&word), &count);
    assert_eq!((page.load(), page.release(false), page.forget()), (1, Released::Last, 1));
    assert!(word.load() == PageState::resting(ZONE) && count.load() == 9);
}

/// What `proofs/state.smt2` is about.
#[test]
fn facts_for_proofs() {
    use crate::page::facts::{numbers, sample, word};

    for number in numbers() {
        let number = number as u32;
        sample("state", &std::format!("(flipped {})", word(number)), &word(flipped(number)));
    }
}
