//! Why a call came back short is true, where there is room for all that the tasks may hold; and who finds nothing gets
//! something in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pagesheaf::{Mode, Order, Pool, ShortReason};

use super::{builder, built, is_whole};
use crate::front::{Bulk, Front, Task, through};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{JoinHandle, join, spawn, yield_now};

const CALLS: usize = 16;

/// Allocates and frees, and holds so many pages at the most.
fn works<M: Mode>(pool: &Pool<M>, owners: &Owners, most: usize, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let front = Front::open(pool, random.below(3));
    let mut task = Task { front, owners, name };
    let mut held = Bulk::empty();
    for _ in 0..CALLS {
        let want = random.below(most - held.len() + 1);
        if want == 0 {
            match random.below(2) {
                0 => task.drop_bulk(&mut held),
                _ => task.free_bulk(&mut held),
            }
            continue;
        }
        let before = held.len();
        let got = match random.below(3) {
            0 => through!(&mut task.front, |front| front.alloc_bulk_exact(&mut held, want))
                .err()
                .map(|error| error.reason),
            _ => through!(&mut task.front, |front| front.alloc_bulk(&mut held, want)).reason,
        };
        owners.took_from(&mut held, before, name);
        // Others hold what is their own at the most, and so there are pages; they may be in caches, or on their way.
        assert_ne!(got, Some(ShortReason::Exhausted), "{pool}");
        if got.is_some() {
            yield_now();
        }
    }
    task.free_bulk(&mut held);
}

/// Starts tasks that hold so many pages at the most, each.
fn at_work<M: Mode>(
    pool: &Pool<M>,
    owners: &Arc<Owners>,
    random: &mut Random,
    (tasks, most): (usize, usize),
) -> Vec<JoinHandle<()>> {
    let tasks = (1..=tasks as u32).map(|name| {
        let (pool, owners, seed) = (pool.clone(), Arc::clone(owners), random.next());
        spawn(move || works(&pool, &owners, most, name, seed))
    });
    tasks.collect()
}

/// Nobody is told that there is no page while there is one.
pub fn reasons<M: Mode>(mut random: Random) {
    let (tasks, most) = (2 + random.below(4), [1, 2, 8][random.below(3)]);
    let (pool, owners) = built(builder::<M>(&mut random, tasks * most));
    join(at_work(&pool, &owners, &mut random, (tasks, most)));
    is_whole(pool, &owners);
}

/// Nor while a block is claimed of several words, all of whose pages are there until it has them.
pub fn beside_blocks<M: Mode>(mut random: Random) {
    let order = Order::new(7).expect("a legal order");
    let (tasks, most) = (4, 16);
    let (pool, owners) = built(builder::<M>(&mut random, order.pages() + tasks * most));
    let tasks = at_work(&pool, &owners, &mut random, (tasks, most));
    for _ in 0..CALLS {
        match pool.alloc_block(order) {
            Ok(block) => pool.free_block(block),
            Err(_) => yield_now(),
        }
    }
    join(tasks);
    is_whole(pool, &owners);
}

/// More than anybody has to try who has found nothing, while others go on.
const TRIES: usize = 500;

/// Whoever has found nothing gets a page, though all that are free lie in caches whose owners only ever use their own.
pub fn hungry<M: Mode>(mut random: Random) {
    let caches = 1 + random.below(3);
    let builder = builder::<M>(&mut random, 4 * caches).max_caches(caches);
    let (pool, owners) = built(builder);
    let served = Arc::new(AtomicBool::new(false));
    let ready = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..caches)
        .map(|_| {
            let (pool, served, ready) = (pool.clone(), Arc::clone(&served), Arc::clone(&ready));
            spawn(move || {
                let mut cache = pool.cache().expect("there is one for each");
                let mut bulk = Bulk::empty();
                let _ = cache.alloc_bulk(&mut bulk, 4);
                ready.fetch_add(1, Ordering::SeqCst);
                while ready.load(Ordering::SeqCst) < caches {
                    yield_now();
                }
                cache.free_bulk(&mut bulk);
                while !served.load(Ordering::SeqCst) {
                    let page = cache.alloc();
                    yield_now();
                    page.into_iter().for_each(|page| cache.free(page));
                }
            })
        })
        .collect();
    while ready.load(Ordering::SeqCst) < caches {
        yield_now();
    }
    let tried = (0..TRIES).find(|_| {
        yield_now();
        pool.alloc().is_ok()
    });
    served.store(true, Ordering::SeqCst);
    join(tasks);
    assert!(tried.is_some(), "nothing in {TRIES} tries");
    is_whole(pool, &owners);
}
