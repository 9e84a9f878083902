//! A slot is one owner's at a time, and counts what was done through it.

extern crate std;

use super::*;
use crate::magazine::{LoadedMagazine, MagazineLayout};
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::mode::Bare;
use crate::page::PageId;
use crate::slot::counters::Count;
use crate::zone::Cursor;

fn with_slot(f: impl FnOnce(&Slot)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let spans = MagazineLayout::new(&mut layout, 2, 8).expect("fits");
    with_block(layout, |mut block| {
        let magazines = Magazines::new(&mut block, spans);
        // SAFETY: each of the two magazines is made once.
        let own = [1, 2].map(|number| unsafe { Magazine::from_number(number) });
        f(&Slot::new(&magazines, own, Cursor::new(7), 0, 6, 0));
    });
}

#[test]
fn a_slot_has_one_guard_at_a_time() {
    with_slot(|slot| {
        for _ in 0..2 {
            assert!(!slot.is_locked());
            let guard = slot.try_lock();
            assert!(guard.is_some() && slot.is_locked());
            assert!(slot.try_lock().is_none() && slot.is_locked());
            drop(guard);
        }
    });
}

#[test]
fn a_slot_starts_with_two_empty_magazines() {
    with_slot(|slot| {
        let mut guard = slot.try_lock().expect("it is free");
        let parts = guard.as_mut().parts();
        assert_eq!((parts.loaded.start(), parts.previous.start()), (8, 16));
        assert_eq!((parts.cursor.at, *parts.random, slot.cached()), (7, 6, 0));
    });
}

#[test]
fn the_fast_path_runs_unless_a_drain_is_requested() {
    with_slot(|slot| {
        let mut guard = slot.try_lock().expect("it is free");
        let entries = |guard: &mut SlotGuard<'_>, n| guard.as_mut().fast().entries(n).is_some();
        let room = |guard: &mut SlotGuard<'_>, n| guard.as_mut().fast().room(n).is_some();
        assert!(!entries(&mut guard, 1) && !room(&mut guard, 9));
        let fast = guard.as_mut().fast();
        fast.room(8).expect("there is room").push_unchecked(&[PageId::new(3); 8]);
        assert!(entries(&mut guard, 8) && !entries(&mut guard, 9));
        assert!(room(&mut guard, 0) && !room(&mut guard, 1));
        slot.requests.ask_once();
        assert!(!entries(&mut guard, 0) && !room(&mut guard, 0));
        assert_eq!(guard.as_mut().begin_answer(true).calls, 1);
        assert_eq!(guard.as_mut().begin_answer(true).calls, 0);
        assert!(entries(&mut guard, 8));
    });
}

/// The owner's next call must look at the lock, and no other.
#[test]
fn an_owner_that_goes_idle_is_away_until_it_is_back() {
    with_slot(|slot| {
        let mut owner = slot.try_lock().expect("it is free").into_owner::<true>();
        for claimed in [false, true] {
            assert!(!slot.requests.is_away());
            let claim = claimed.then(|| slot.try_claim().expect("nobody has claimed it"));
            owner.go_idle();
            assert!(slot.requests.is_away());
            if claimed {
                // It is back before the claim ends, and idle again.
                assert!(owner.enter().as_mut().take_back().is_none());
                assert!(slot.lock.load(Ordering::Relaxed) == BUSY && slot.requests.is_away());
                owner.go_idle();
            }
            assert!(claim.is_none_or(|claim| claim.withdraw().is_none()));
            assert!(slot.is_idle() && slot.try_claim().is_none());
            assert!(owner.enter().as_mut().take_back().is_some());
        }
        assert!(!slot.requests.is_away() && !slot.is_idle());
        assert!(owner.leave().is_some());
    });
}

#[test]
fn a_slot_is_between_when_its_owner_is_away_and_not_yet_idle() {
    with_slot(|slot| {
        let mut owner = slot.try_lock().expect("it is free").into_owner::<false>();
        assert!(!slot.is_between() && !slot.is_claimable());
        // As in the middle of going idle, or of coming back.
        slot.requests.set_away();
        assert!(slot.is_between() && !slot.is_idle());
        owner.go_idle();
        assert!(!slot.is_between() && slot.is_idle() && !slot.is_claimable());
        assert!(owner.leave().is_some());
    });
}

#[test]
fn pages_are_counted_in_every_mode_and_calls_where_the_mode_says_so() {
    with_slot(|slot| {
        let Counters { allocated, freed, alloc_calls, free_calls, .. } = &slot.counters;
        slot.counters.count_alloc::<Bare>(10);
        slot.counters.count_free::<Bare>(3);
        assert_eq!([allocated, freed, alloc_calls, free_calls].map(Count::get), [10, 3, 0, 0]);
        slot.counters.count_alloc::<Checked>(5);
        slot.counters.count_alloc::<Checked>(0);
        slot.counters.count_free::<Checked>(20);
        assert_eq!([allocated, freed, alloc_calls, free_calls].map(Count::get), [15, 23, 2, 1]);
        assert_eq!(slot.counters.balance(), 8_u64.wrapping_neg());
    });
}

#[test]
fn the_fast_paths_use_one_cache_line() {
    use core::mem::offset_of;
    let counted = |of| offset_of!(Slot, counters) + of + size_of::<Count>();
    let ends = [
        offset_of!(Slot, loaded) + size_of::<LoadedMagazine>(),
        offset_of!(Slot, requests) + size_of::<Requests>(),
        offset_of!(Slot, loaded_len) + size_of::<Length>(),
        offset_of!(Slot, lock) + 4,
        counted(offset_of!(Counters, allocated)),
        counted(offset_of!(Counters, freed)),
    ];
    assert!(ends.iter().all(|&end| end <= crate::metadata::LINE), "{ends:?}");
}
