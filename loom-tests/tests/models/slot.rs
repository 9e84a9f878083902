//! The lock of a cache slot, by itself.

use std::sync::Arc;

use loom_tests::{every_mode, race, race3};
use pagesheaf::PageId;
use pagesheaf::models::Lock;

/// Tries for the slot; how often it was locked.
fn visit(lock: &Lock) -> u64 {
    lock.try_lock().map_or(0, |mut slot| {
        slot.count();
        1
    })
}

every_mode! {
    /// Who gets the slot has its unprotected parts alone, and finds them as the last holder left
    /// them.
    any, Exhaustive, at least 60_000;
    fn the_try_lock_excludes<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, c) = race3(
            move || visit(&first),
            move || visit(&second),
            || visit(&lock),
        );
        let locked = a + b + c;
        assert!((1..=3).contains(&locked));
        let last = lock.try_lock().expect("everybody has let go").count();
        assert_eq!(last, (locked + 1, locked as u32 + 1), "a count was lost");
    }
}

every_mode! {
    /// Who gets the slot finds its loaded magazine, and what is in it, as the last holder left
    /// them.
    any, Exhaustive, at least 30;
    fn a_slot_hands_on_its_loaded_magazine<M: Mode>() {
        let id = PageId::new(7);
        let lock = Arc::new(Lock::new());
        let other = Arc::clone(&lock);
        let (put, taken) = race(
            move || other.try_lock().map(|mut slot| slot.put(id)).is_some(),
            || lock.try_lock().and_then(|mut slot| slot.take()),
        );
        let left = lock.try_lock().expect("everybody has let go").take();
        let found = [taken, left].into_iter().flatten();
        assert!(found.eq(put.then_some(id)));
    }
}
