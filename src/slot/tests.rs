//! A slot is one owner's at a time, and counts what was done through it.

extern crate std;

use super::*;
use crate::magazine::MagazinePlan;
use crate::metadata::{MetadataLayout, block::with_block};
use crate::mode::{Bare, Checked};

fn with_slot(f: impl FnOnce(&Slot)) {
    let mut plan = MetadataLayout::starting_with::<()>();
    let spots = MagazinePlan::new(&mut plan, 2, 8).expect("fits");
    with_block(plan, |block| {
        // SAFETY: the block has the plan's layout and outlives the magazines, which alone use it.
        let magazines = unsafe { Magazines::new(block, spots) };
        f(&Slot::new(&magazines, 1, 7, 6));
    });
}

#[test]
fn a_slot_is_one_owners_at_a_time() {
    with_slot(|slot| {
        for _ in 0..2 {
            assert!(!slot.is_held());
            assert!(slot.try_lock() && slot.is_held());
            assert!(!slot.try_lock() && slot.is_held());
            slot.unlock();
        }
    });
}

#[test]
fn a_slot_starts_with_two_empty_magazines_and_what_it_is_given() {
    with_slot(|slot| {
        // SAFETY: nobody else uses the slot.
        let starts = unsafe { (slot.loaded.start(), slot.spare.start()) };
        assert_eq!((starts, slot.held()), ((8, 16), 0));
        // SAFETY: as above.
        assert_eq!(unsafe { (slot.cursor.get(), slot.random.get()) }, (7, 7));
    });
}

#[test]
fn pages_are_counted_in_every_mode_and_calls_where_the_mode_says_so() {
    with_slot(|slot| {
        let Counters { allocated, freed, alloc_calls, free_calls, .. } = &slot.counters;
        slot.counters.took::<Bare>(10);
        slot.counters.gave::<Bare>(3);
        assert_eq!([allocated, freed, alloc_calls, free_calls].map(Count::get), [10, 3, 0, 0]);
        slot.counters.took::<Checked>(5);
        slot.counters.took::<Checked>(0);
        slot.counters.gave::<Checked>(20);
        assert_eq!([allocated, freed, alloc_calls, free_calls].map(Count::get), [15, 23, 2, 1]);
        assert_eq!(slot.counters.balance(), 8_u64.wrapping_neg());
    });
}

#[test]
fn lock_magazine_and_page_counts_are_on_the_first_line() {
    use core::mem::offset_of;
    let counted = |of| offset_of!(Slot, counters) + of + size_of::<Count>();
    let ends = [
        offset_of!(Slot, loaded) + size_of::<Hand>(),
        offset_of!(Slot, asked) + 8,
        offset_of!(Slot, lock) + 4,
        counted(offset_of!(Counters, allocated)),
        counted(offset_of!(Counters, freed)),
    ];
    assert!(ends.iter().all(|&end| end <= crate::metadata::LINE), "{ends:?}");
}
