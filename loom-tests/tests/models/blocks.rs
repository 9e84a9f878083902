//! Blocks of more than one word of the zone: claimed word by word, and rolled back. And what a
//! block is split into.

use std::sync::Arc;

use loom_tests::{every_mode, race, race3};
use pagesheaf::models::{FreePages, Word};
use pagesheaf::{Fault, Order, PageId};

fn order(order: u8) -> Order {
    Order::new(order).expect("legal")
}

/// A zone of so many words, all of whose pages are in it.
fn whole(words: u32) -> Arc<FreePages> {
    let free = FreePages::new(64 * words as usize);
    (0..words).for_each(|word| assert_eq!(free.put_block(PageId::new(64 * word), order(6)), 0));
    Arc::new(free)
}

/// At rest: so many pages are there, each of which can be found.
fn has(free: &FreePages, pages: usize) {
    assert_eq!(free.free(), pages);
    assert_eq!(free.take(0, usize::MAX).len(), pages, "hidden from the summary");
    assert_eq!(free.free(), 0);
}

every_mode! {
    /// A claim of two words against a page that leaves one of them and comes back: the block or the
    /// page is had, and what either gives back is there.
    any, Composite, at least 1_000;
    fn a_block_of_words_against_a_page_loses_none<M: Mode>() {
        let free = whole(2);
        let other = Arc::clone(&free);
        let (block, page) = race(
            move || {
                let first = other.take_block(order(7))?;
                assert_eq!(other.put_block(first, order(7)), 0);
                Some(())
            },
            || {
                let page = free.take(1, 1);
                assert_eq!(free.put(&page), 0);
                page.len()
            },
        );
        assert!(block.is_some() || page == 1, "neither was had");
        has(&free, 128);
    }
}

every_mode! {
    /// Of two claims that overlap, one at least gets its block; the other one leaves its words
    /// whole.
    any, Composite, at least 500;
    fn one_of_two_blocks_that_overlap_is_had<M: Mode>() {
        let free = whole(4);
        let other = Arc::clone(&free);
        let (large, small) = race(
            move || other.take_block_at(PageId::new(0), order(8)),
            || free.take_block_at(PageId::new(128), order(7)),
        );
        assert!(large != small, "one gives way, and one goes on");
        has(&free, if large { 0 } else { 128 });
    }
}

every_mode! {
    /// What a claim has in hand is counted all the time: whoever finds no page meanwhile is not
    /// told that there is none.
    any, Composite, at least 500;
    fn pages_that_a_claim_has_in_hand_are_counted<M: Mode>() {
        let free = whole(2);
        let other = Arc::clone(&free);
        let (block, taken) = race(
            move || other.take_block(order(7)).is_some(),
            || {
                // From the second word: the claim gives way, and has changed no figure.
                let taken = free.take(1, 64).len();
                assert!(taken == 0 || free.free() == 128 - taken);
                taken
            },
        );
        assert!(!block || taken == 0);
        has(&free, if block { 0 } else { 128 - taken });
    }
}

every_mode! {
    /// A block that is split against two frees of it: one of the three wins, and each other one is
    /// told.
    any, Exhaustive, at least 40;
    fn a_block_is_split_or_freed_once<M: Mode>() {
        let order = order(1);
        let word = Arc::new(Word::out::<M>());
        word.head_block(order);
        let (first, second) = (Arc::clone(&word), Arc::clone(&word));
        let (a, b, c) = race3(
            move || first.try_free_block(order),
            move || second.try_split_block::<M>(order),
            || word.try_free_block(order),
        );
        let done = [a, b, c];
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        assert!(done.iter().all(|done| matches!(done, Ok(()) | Err(Fault::NotABlock))));
    }
}
