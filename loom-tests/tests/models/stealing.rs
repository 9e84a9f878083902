//! Stealable caches: whoever makes a heavy fence takes from them between their calls.

use std::sync::Arc;

use loom_tests::{Memory, Owners, every_mode, race, race3};
use pagesheaf::models::{Claimed, Lock, Owned, Stolen};
use pagesheaf::{Cache, Mode, PageId, Pool};

use crate::common::{is_whole, pool, visit};

/// Claims the slot, and takes from it if its owner is in no call; how often it did. Who finds that
/// the owner is gone gives the slot up.
fn thieve(lock: &Lock) -> u64 {
    lock.try_claim().map_or(0, |claim: Claimed<'_>| match claim.steal() {
        Ok(mut stolen) => {
            stolen.count();
            stolen.give_back().map_or(1, |mut left| {
                left.count();
                2
            })
        }
        Err(left) => left.map_or(0, |mut left| {
            left.count();
            1
        }),
    })
}

/// How often the owner had its slot.
fn had(counts: &[Option<(u64, u32)>]) -> u64 {
    counts.iter().flatten().count() as u64
}

/// Everybody has let go: the owner has the slot, and it was counted as often as it was had.
#[track_caller]
fn is_the_owners(mut owner: Owned<'_, true>, counted: u64) {
    let last = owner.count().expect("everybody has let go");
    assert_eq!(last, (counted + 1, counted as u32 + 1), "a count was lost");
    assert!(owner.fast());
}

every_mode! {
    /// Of the owner in a call and a thief at most one has the slot's unprotected parts, and finds
    /// them as the other left them.
    any, Exhaustive, at least 1_500;
    fn an_owner_in_a_call_against_a_thief<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let thief = Arc::clone(&lock);
        let (stolen, own) = race(move || thieve(&thief), || had(&[owner.count(), owner.count_fast()]));
        is_the_owners(owner, stolen + own);
    }
}

every_mode! {
    /// A thief finds a slot as whoever had it before its owner left it.
    any, Exhaustive, at least 250;
    fn a_slot_is_opened_to_thieves<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let thief = Arc::clone(&lock);
        let (stolen, owner) = race(
            move || thieve(&thief),
            || {
                lock.try_lock().expect("nobody has it").count();
                lock.try_own_stealable().expect("nobody has it")
            },
        );
        is_the_owners(owner, stolen + 1);
    }
}

every_mode! {
    /// A second call, and a second look in one call, against a thief.
    any, Exhaustive, at least 300;
    fn an_owner_that_looks_twice_against_a_thief<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let thief = Arc::clone(&lock);
        let (stolen, own) = race(move || thieve(&thief), || had(&owner.count_twice()));
        is_the_owners(owner, stolen + own);
    }
}

every_mode! {
    /// Two thieves: the owner takes back what the first had, and the second claims it again.
    any, Composite, at least 1_000;
    fn an_owner_against_two_thieves<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, own) = race3(
            move || thieve(&first),
            move || thieve(&second),
            || had(&[owner.count(), owner.count_fast()]),
        );
        is_the_owners(owner, a + b + own);
    }
}

every_mode! {
    /// A thief takes an id, and the owner never takes it too, whatever it knew of its magazine.
    any, Exhaustive, at least 50;
    fn an_id_is_taken_once<M: Mode>() {
        let id = PageId::new(7);
        let owners = Owners::new(8);
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        assert!(owner.put(id));
        let (thief, others) = (Arc::clone(&lock), Arc::clone(&owners));
        let take = |mut stolen: Stolen<'_>, owners: &Owners| {
            let taken = stolen.take();
            taken.into_iter().for_each(|id| owners.takes(id));
            assert!(stolen.give_back().is_none());
            usize::from(taken.is_some())
        };
        let (stolen, own) = race(
            move || thief.try_claim().and_then(|claim| claim.steal().ok()).map_or(0, |it| take(it, &others)),
            || {
                let taken = owner.take_fast();
                taken.into_iter().for_each(|id| owners.takes(id));
                usize::from(taken.is_some())
            },
        );
        assert!(stolen + own <= 1);
    }
}

every_mode! {
    /// The owner goes idle, and others find it so, while a thief claims the slot.
    any, Composite, at least 1_000;
    fn an_owner_goes_idle_against_a_thief<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        let (a, b, own) = race3(
            move || thieve(&first),
            move || {
                second.try_steal().map_or(0, |mut stolen| {
                    stolen.count();
                    assert!(stolen.give_back().is_none());
                    1
                })
            },
            || {
                let first = owner.count();
                owner.go_idle();
                had(&[first, owner.count(), owner.count_fast()])
            },
        );
        is_the_owners(owner, a + b + own);
    }
}

every_mode! {
    /// An owner who goes idle while a thief has claimed the slot is idle when the thief has let go.
    any, Exhaustive, at least 2_000;
    fn an_owner_goes_idle_beside_a_claim<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let thief = Arc::clone(&lock);
        let (stolen, own) = race(
            move || thieve(&thief),
            || {
                let own = had(&[owner.count()]);
                owner.go_idle();
                own
            },
        );
        let mut slot = lock.try_steal().expect("its owner is idle");
        slot.count();
        assert!(slot.give_back().is_none() && owner.count_fast().is_none());
        is_the_owners(owner, stolen + own + 1);
    }
}

every_mode! {
    /// A slot whose owner goes for good while a thief has claimed it is free when all have let go.
    any, Exhaustive, at least 1_000;
    fn a_claimed_slot_that_is_left_comes_free<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        let thief = Arc::clone(&lock);
        let (stolen, own) = race(
            move || thieve(&thief),
            || {
                let own = had(&[owner.count()]);
                own + owner.leave().map_or(0, |mut slot| {
                    slot.count();
                    1
                })
            },
        );
        let last = lock.try_lock().expect("nobody has it").count();
        assert_eq!(last, (stolen + own + 1, (stolen + own) as u32 + 1), "a count was lost");
    }
}

every_mode! {
    /// An owner that comes back in vain, and goes for good, leaves nothing that would keep the next one
    /// of its slot from the fast path.
    any, Exhaustive, at least 250;
    fn a_slot_of_one_that_left_runs_fast_again<M: Mode>() {
        let lock = Arc::new(Lock::new());
        let mut owner = lock.try_own_stealable().expect("nobody has it");
        owner.go_idle();
        let thief = Arc::clone(&lock);
        race(
            move || {
                let Some(stolen) = thief.try_steal() else { return };
                let Some(left) = stolen.give_back() else { return };
                drop(left);
                let mut next = thief.try_own_stealable().expect("nobody has it");
                assert!(next.fast(), "nobody has claimed it, or is away");
            },
            || {
                owner.count();
                drop(owner.leave());
            },
        );
    }
}

/// A stealable cache that holds all pages of a pool.
fn scene<M: Mode>(pool: &Pool<M>) -> Cache<M, true> {
    let mut sleeper = pool.cache_stealable().expect("a slot");
    let pages: Vec<_> = (0..pool.capacity()).map(|_| sleeper.alloc().expect("a page")).collect();
    pages.into_iter().for_each(|page| sleeper.free(page));
    sleeper
}

/// Owns a page for a moment, and frees it to the cache. Whether there was one.
fn visits<M: Mode>(owners: &Owners, cache: &mut Cache<M, true>) -> bool {
    visit(owners, || cache.alloc()).map(|page| cache.free(page)).is_some()
}

every_mode! {
    /// A stealable cache at work against one that steals its pages and uses them.
    all, Composite, at least 1_500;
    fn a_cache_at_work_against_one_that_steals<M: Mode>() {
        let pool = pool::<M>(1, 1, 0, 1);
        let owners = Owners::new(1);
        let mut worker = scene(&pool);
        let (other, others) = (pool.clone(), Arc::clone(&owners));
        race(
            move || {
                if other.steal_idle() > 0 {
                    drop(visit(&others, || other.alloc()));
                }
            },
            || _ = visits(&owners, &mut worker),
        );
        // The other has none, but was short perhaps: then the cache leaves it pages for a few calls.
        assert!((0..16).any(|_| visits(&owners, &mut worker)));
        drop(worker);
        is_whole(&pool);
    }
}

every_mode! {
    /// A stealable cache is dropped while another steals from it: its pages are back, and so is
    /// its slot.
    all, Composite, at least 80;
    fn a_stealable_cache_is_dropped_against_one_that_steals<M: Mode>() {
        let (memory, pool) = Memory::of(|| pool::<M>(2, 1, 0, 2));
        let sleeper = scene(&pool);
        let other = pool.clone();
        race(move || _ = other.steal_idle(), || drop(sleeper));
        drop(pool.cache().expect("the slot is free"));
        is_whole(&pool);
        drop(pool);
        assert_eq!(memory.frees(), [1, 1]);
    }
}
