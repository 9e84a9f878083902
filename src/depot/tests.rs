//! What goes onto the depot's stacks comes off them, last in first out, and never by a stale word.

extern crate std;

use super::*;
use crate::magazine::MagazinePlan;
use crate::metadata::{MetadataLayout, block::with_block};

/// Lends a depot of the empty magazines 3, 4 and 5.
fn with_depot(f: impl FnOnce(&Depot, &Magazines)) {
    let mut plan = MetadataLayout::starting_with::<()>();
    let spots = MagazinePlan::new(&mut plan, 5, 8).expect("fits");
    with_block(plan, |block| {
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block, spots) };
        f(&Depot::new(&magazines, 3, 5), &magazines);
    });
}

#[test]
fn the_word_has_three_parts() {
    let tops = Tops(0x1234_5678_9abc_def0);
    assert_eq!((tops.top(Stack::Stocked), tops.top(Stack::Empty)), (0x9abc, 0xdef0));
    assert_eq!(tops.with(Stack::Stocked, 0xffff).0, 0x1234_5678_ffff_def0);
    assert_eq!(tops.with(Stack::Empty, 1).0, 0x1234_5678_9abc_0001);
    assert_eq!(tops.retagged().0, 0x1234_5679_9abc_def0);
    assert_eq!(Tops(0xffff_ffff_9abc_def0).retagged().0, 0x9abc_def0);
}

#[test]
fn each_stack_gives_what_it_got_last() {
    with_depot(|depot, magazines| {
        assert_eq!(depot.pop(magazines, Stack::Stocked), None);
        assert_eq!(depot.pop(magazines, Stack::Empty), Some(5));
        depot.push(magazines, 5, Stack::Stocked);
        depot.push(magazines, 1, Stack::Stocked);
        assert_eq!(depot.pop(magazines, Stack::Empty), Some(4));
        assert_eq!([1, 5].map(|_| depot.pop(magazines, Stack::Stocked)), [Some(1), Some(5)]);
        assert_eq!(depot.pop(magazines, Stack::Stocked), None);
        assert_eq!([3, 0].map(|_| depot.pop(magazines, Stack::Empty)), [Some(3), None]);
    });
}

#[test]
fn an_exchange_moves_one_to_each_side_or_nothing() {
    with_depot(|depot, magazines| {
        assert_eq!(depot.exchange(magazines, 1, Stack::Stocked), None);
        assert_eq!(depot.exchange(magazines, 1, Stack::Empty), Some(5));
        assert_eq!(depot.exchange(magazines, 2, Stack::Empty), Some(4));
        assert_eq!(depot.exchange(magazines, 5, Stack::Stocked), Some(2));
        assert_eq!([1, 0].map(|_| depot.pop(magazines, Stack::Stocked)), [Some(1), None]);
        assert_eq!([5, 3, 0].map(|_| depot.pop(magazines, Stack::Empty)), [Some(5), Some(3), None]);
    });
}

#[test]
fn every_change_raises_the_tag() {
    with_depot(|depot, magazines| {
        let tag = || depot.0.load(Ordering::Relaxed) >> 32;
        assert_eq!(tag(), 0);
        let empty = depot.pop(magazines, Stack::Empty).expect("there are three");
        assert_eq!(tag(), 1);
        depot.push(magazines, empty, Stack::Stocked);
        assert_eq!(tag(), 2);
        assert_eq!(depot.exchange(magazines, 1, Stack::Stocked), Some(empty));
        assert_eq!(tag(), 3);
    });
}
