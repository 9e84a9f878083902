//! Idle caches: whoever runs dry takes from them, and their owners come back, or go for good.

use std::sync::Arc;

use loom_tests::{Memory, Owners, every_mode, race, race3};
use pagesheaf::models::{Lock, Stolen};
use pagesheaf::{Cache, Mode, Page, Pool};

use crate::common::{in_turn, is_whole, pool, visit};

/// Takes from the slot, if its owner is idle; how often it did. Who finds that the owner is gone
/// gives the slot up.
fn thieve(lock: &Lock) -> u64 {
    let give_back = |mut stolen: Stolen<'_>| {
        stolen.count();
        stolen.give_back().map_or(1, |mut left| {
            left.count();
            2
        })
    };
    lock.try_steal().map_or(0, give_back)
}

every_mode! {
    /// Whoever has the slot of an idle owner, or is the owner who came back, has its unprotected
    /// parts alone, and finds them as the last one left them.
    any, Exhaustive, at least 60_000;
    fn an_idle_slot_has_one_holder_at_a_time<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own().expect("nobody has it");
        owner.count().expect("it is the owner's");
        assert!(owner.fast());
        owner.go_idle();
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, own) = race3(
            move || thieve(&first),
            move || thieve(&second),
            || {
                // The fast path runs again when the owner has the slot, and not before.
                assert!(!owner.fast());
                let back = owner.count().is_some();
                assert_eq!(owner.fast(), back);
                u64::from(back)
            },
        );
        let last = owner.count().expect("everybody has let go");
        assert_eq!(last, (a + b + own + 2, (a + b + own) as u32 + 2), "a count was lost");
        assert!(owner.fast());
    }
}

every_mode! {
    /// An owner who goes idle once more, while somebody who saw it idle before begins to take.
    any, Exhaustive, at least 1_500;
    fn an_owner_goes_idle_and_comes_back<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own().expect("nobody has it");
        let thief = Arc::clone(&lock);
        let (taken, own) = race(
            move || thieve(&thief),
            || {
                (0..2).fold(0, |own, _| {
                    owner.go_idle();
                    own + u64::from(owner.count().is_some())
                })
            },
        );
        let last = owner.count().expect("everybody has let go");
        assert_eq!(last, (taken + own + 1, (taken + own) as u32 + 1), "a count was lost");
    }
}

every_mode! {
    /// A slot whose owner goes for good while another takes from it is free when both have let go.
    any, Exhaustive, at least 100;
    fn a_slot_that_is_left_comes_free<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own().expect("nobody has it");
        owner.go_idle();
        let thief = Arc::clone(&lock);
        let (taken, own) = race(
            move || thieve(&thief),
            || {
                owner.leave().map_or(0, |mut slot| {
                    slot.count();
                    1
                })
            },
        );
        let last = lock.try_lock().expect("nobody has it").count();
        assert_eq!(last, (taken + own + 1, (taken + own) as u32 + 1), "a count was lost");
    }
}

/// A cache that holds both pages of a pool of two, and one that wants them.
fn scene<M: Mode>(pool: &Pool<M>) -> (Cache<M>, Cache<M>) {
    let mut sleeper = pool.cache().expect("a slot");
    let wanting = pool.cache().expect("a slot");
    let pages = [(); 2].map(|()| sleeper.alloc().expect("there are two"));
    pages.into_iter().for_each(|page| sleeper.free(page));
    (sleeper, wanting)
}

/// Takes a page, if there is one.
fn take<M: Mode>(owners: &Owners, cache: &mut Cache<M>) -> Option<Page<M>> {
    cache.alloc().ok().inspect(|page| owners.takes(page.id()))
}

/// Drops pages that were taken.
fn give<M: Mode>(owners: &Owners, pages: impl Iterator<Item = Page<M>>) {
    pages.for_each(|page| owners.gives(page.id()));
}

every_mode! {
    /// A cache that comes back from being idle against one that takes its pages.
    all, Composite, at least 1_500;
    fn an_idle_cache_against_one_that_runs_dry<M: Mode>() {
        let pool = pool::<M>(2, 2, 0, 2);
        let owners = Owners::new(2);
        let (sleeper, mut wanting) = scene(&pool);
        let parked = sleeper.park();
        let others = Arc::clone(&owners);
        let ((first, mut sleeper), second) = race(
            move || {
                let mut sleeper = parked.resume();
                (take(&others, &mut sleeper), sleeper)
            },
            || take(&owners, &mut wanting),
        );
        // The owner finds nothing only while the other has the slot, which has both pages.
        assert!(first.is_some() || second.is_some());
        give(&owners, first.into_iter().chain(second));
        sleeper.idle(|| {
            let pages = [(); 2].map(|()| in_turn(|| wanting.alloc()).expect("nobody else has them"));
            pages.into_iter().for_each(|page| wanting.free(page));
        });
        let page = visit(&owners, || in_turn(|| wanting.alloc())).expect("they are back");
        wanting.free(page);
        drop((sleeper, wanting));
        is_whole(&pool);
    }
}

every_mode! {
    /// A cache and a call without any slot run dry, and a cache is parked with all pages: one takes
    /// a magazine, the other empties the slot.
    all, Composite, at least 5_000;
    fn two_take_from_a_parked_cache<M: Mode>() {
        let pool = pool::<M>(2, 2, 0, 2);
        let owners = Owners::new(2);
        let (sleeper, mut wanting) = scene(&pool);
        let other = pool.clone();
        let parked = sleeper.park();
        let others = Arc::clone(&owners);
        let (first, second) = race(
            move || other.alloc().ok().inspect(|page| others.takes(page.id())),
            || take(&owners, &mut wanting),
        );
        // One of them finds nothing only while the other has the slot, or the pages.
        assert!(first.is_some() || second.is_some());
        give(&owners, first.into_iter().chain(second));
        drop((parked.resume(), wanting));
        is_whole(&pool);
    }
}

every_mode! {
    /// A parked cache is dropped while another takes its pages: they are back, and so is its slot.
    all, Composite, at least 600;
    fn a_parked_cache_is_dropped_against_one_that_runs_dry<M: Mode>() {
        let pool = pool::<M>(2, 2, 0, 2);
        let owners = Owners::new(2);
        let (sleeper, mut wanting) = scene(&pool);
        let parked = sleeper.park();
        race(
            move || drop(parked),
            || {
                if let Some(page) = visit(&owners, || wanting.alloc()) {
                    wanting.free(page);
                }
            },
        );
        let other = pool.cache().expect("the slot is free");
        drop((wanting, other));
        is_whole(&pool);
    }
}

every_mode! {
    /// The last handle but the thief's is a parked cache.
    all, Composite, at least 800;
    fn a_close_against_one_that_takes_frees_the_core_once<M: Mode>() {
        let (memory, pool) = Memory::of(|| pool::<M>(2, 2, 0, 2));
        let (sleeper, mut wanting) = scene(&pool);
        drop(pool);
        let parked = sleeper.park();
        race(
            move || drop(parked),
            move || {
                drop(wanting.alloc());
                drop(wanting);
            },
        );
        assert_eq!(memory.frees(), [1, 1]);
    }
}
