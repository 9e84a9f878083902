//! The lock of a cache slot, by itself.

use std::sync::Arc;

use loom_tests::{every_mode, race3};
use pagesheaf::models::Lock;

/// Tries for the slot; how often it was held.
fn visit(lock: &Lock) -> u64 {
    lock.try_lock().map_or(0, |mut slot| {
        slot.count();
        1
    })
}

every_mode! {
    /// Who gets the slot has its unprotected parts alone, and finds them as the last holder left them.
    any, Exhaustive, at least 60_000;
    fn the_try_lock_excludes<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, c) = race3(
            move || visit(&first),
            move || visit(&second),
            || visit(&lock),
        );
        let held = a + b + c;
        assert!((1..=3).contains(&held));
        let last = lock.try_lock().expect("everybody has let go").count();
        assert_eq!(last, (held + 1, held as u32 + 1), "a count was lost");
    }
}
