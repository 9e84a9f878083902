//! The lock of a cache slot, by itself.

use std::sync::Arc;

use loom_tests::{every_mode, race3};
use pagesheaf::models::Lock;

/// Tries twice; how often the slot was held.
fn visits(lock: &Lock) -> u64 {
    let visit = || lock.try_lock().map_or(0, |slot| u64::from(slot.count() > 0));
    visit() + visit()
}

every_mode! {
    /// Who gets the slot has its unprotected parts alone, and finds them as the last holder left them.
    any, Exhaustive, at least 100;
    fn the_try_lock_excludes<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, c) = race3(move || visits(&first), move || visits(&second), || visits(&lock));
        let held = a + b + c;
        assert!((1..=6).contains(&held));
        let last = lock.try_lock().expect("everybody has let go").count();
        assert_eq!(last, held + 1, "a count was lost [{}]", Modes::of::<M>());
    }
}
