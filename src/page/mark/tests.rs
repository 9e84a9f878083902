//! Bytes: which are legal, and which steps they take.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::sync::Zeroed;

/// Every mark.
fn all() -> Vec<Mark> {
    let orders = || (0..=Order::MAX.get()).filter_map(Order::new);
    let blocks = orders().map(Mark::Block).chain(orders().map(Mark::Tail));
    [Mark::Free, Mark::Out, Mark::Lent, Mark::Bad].into_iter().chain(blocks).collect()
}

#[test]
fn each_mark_has_a_byte_of_its_own() {
    let legal: Vec<u8> = (0..=u8::MAX).filter(|&bits| Mark::of(bits).is_some()).collect();
    assert_eq!(legal.len(), all().len());
    for mark in all() {
        assert_eq!(Mark::of(mark.bits()), Some(mark));
    }
}

#[test]
fn one_flipped_bit_makes_no_legal_byte() {
    for mark in all() {
        for bit in 0..8 {
            assert_eq!(Mark::of(mark.bits() ^ 1 << bit), None, "{mark:?}, bit {bit}");
        }
    }
}

#[test]
fn a_free_says_why_it_is_refused() {
    let order = Order::new(3).expect("legal");
    let byte = AtomicMark::zero();
    for (mark, fault) in [
        (Mark::Free, Fault::AlreadyFree),
        (Mark::Lent, Fault::Lent),
        (Mark::Bad, Fault::Withheld),
        (Mark::Block(order), Fault::InBlock { order: 3 }),
        (Mark::Tail(order), Fault::InBlock { order: 3 }),
    ] {
        byte.set(mark);
        assert_eq!(byte.try_free(), Err(fault));
        assert!(byte.is(mark), "it stays as it was");
    }
    byte.0.store(1, Ordering::Relaxed);
    assert_eq!(byte.try_free(), Err(Fault::Corrupt));
    byte.set(Mark::Out);
    assert_eq!((byte.try_free(), byte.try_free()), (Ok(()), Err(Fault::AlreadyFree)));
}

#[test]
fn only_an_owned_page_is_lent_and_only_a_lent_one_reclaimed() {
    let byte = AtomicMark::zero();
    assert_eq!((byte.lend(), byte.reclaim()), (Err(Fault::AlreadyFree), Err(Fault::NotLent)));
    byte.set(Mark::Out);
    assert_eq!((byte.reclaim(), byte.lend()), (Err(Fault::NotLent), Ok(())));
    assert_eq!((byte.lend(), byte.reclaim()), (Err(Fault::Lent), Ok(())));
    assert!(byte.is(Mark::Out));
}

#[test]
fn a_block_is_freed_as_it_is() {
    let [one, two] = [1, 2].map(|order| Order::new(order).expect("legal"));
    let byte = AtomicMark::zero();
    assert_eq!(byte.try_free_block(one), Err(Fault::NotABlock));
    byte.set(Mark::Out);
    assert_eq!(byte.try_free_block(one), Err(Fault::NotABlock));
    byte.set(Mark::Block(one));
    assert_eq!(byte.try_free_block(two), Err(Fault::InBlock { order: 1 }));
    assert!(!byte.leave_block(one), "it is the first");
    assert_eq!(byte.try_free_block(one), Ok(()));
    byte.set(Mark::Tail(two));
    assert!(!byte.leave_block(one) && byte.leave_block(two));
    assert!(byte.is(Mark::Free));
}

#[test]
fn a_block_is_split_as_it_is() {
    let [one, two] = [1, 2].map(|order| Order::new(order).expect("legal"));
    for (piece, mark) in [
        (Piece::Page, Mark::Out),
        (Piece::Head(one), Mark::Block(one)),
        (Piece::Tail(one), Mark::Tail(one)),
    ] {
        let byte = AtomicMark::zero();
        assert_eq!(byte.try_split_block(two, piece), Err(Fault::NotABlock));
        byte.set(Mark::Block(two));
        assert_eq!(byte.try_split_block(one, piece), Err(Fault::InBlock { order: 2 }));
        assert!(!byte.split_tail(two, piece), "it is the first");
        assert_eq!(byte.try_split_block(two, piece), Ok(()));
        assert!(byte.is(mark));
        byte.set(Mark::Tail(two));
        assert!(!byte.split_tail(one, piece) && byte.split_tail(two, piece));
        assert!(byte.is(mark));
    }
}
