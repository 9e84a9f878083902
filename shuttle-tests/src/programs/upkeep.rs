//! Caches that go idle, park, come back and end, and are stolen from; upkeep, drains and pages that go offline, beside
//! tasks that work.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagesheaf::{Mode, PageId, Pool, Region};

use super::{builder, built, is_whole};
use crate::front::{Bulk, Front, Task};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn, yield_now};

const CALLS: usize = 16;

/// One task's calls, through a cache that is often idle.
fn works<M: Mode>(pool: &Pool<M>, owners: &Owners, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let mut task = Task { front: Front::open(pool, random.below(2)), owners, name };
    let mut held = Bulk::empty();
    for _ in 0..CALLS {
        match random.below(16) {
            0..3 => {
                let naps = random.below(8);
                let nap = || (0..naps).for_each(|_| yield_now());
                task.front = task.front.rest(random.below(2) == 0, nap);
            }
            3 => _ = pool.steal_idle(),
            4 => {
                // Before the next one is opened, which may get the same slot.
                task.front = Front::Pool(pool.clone());
                task.front = Front::open(pool, random.below(2));
            }
            5 | 6 => {
                let mut bulk = Bulk::empty();
                task.alloc_bulk_exact(&mut bulk, 1 + random.below(48));
                task.free_bulk(&mut bulk);
            }
            7..12 => {
                let want = random.below(Bulk::<M>::empty().capacity() - held.len() + 1);
                task.alloc_bulk(&mut held, want);
            }
            12 => task.drop_bulk(&mut held),
            13 => {
                let page = task.alloc_zeroed();
                yield_now();
                page.into_iter().for_each(|page| task.free(page));
            }
            _ => task.free_bulk(&mut held),
        }
    }
    task.free_bulk(&mut held);
}

/// So many tasks that work, and how many of them have ended.
fn at_work<M: Mode>(
    pool: &Pool<M>,
    owners: &Arc<Owners>,
    random: &mut Random,
    tasks: usize,
) -> (Vec<crate::tasks::JoinHandle<()>>, Arc<AtomicUsize>) {
    let ended = Arc::new(AtomicUsize::new(0));
    let tasks = (1..=tasks as u32).map(|name| {
        let (pool, owners, seed) = (pool.clone(), Arc::clone(owners), random.next());
        let ended = Arc::clone(&ended);
        spawn(move || {
            works(&pool, &owners, name, seed);
            ended.fetch_add(1, Ordering::Relaxed);
        })
    });
    (tasks.collect(), ended)
}

/// Whoever takes from a cache whose owner is away has what it takes to itself.
pub fn idle<M: Mode>(mut random: Random) {
    let pages = [24, 100, 300][random.below(3)];
    let (pool, owners) = built(builder::<M>(&mut random, pages).max_caches(4));
    let tasks = 2 + random.below(4);
    let (tasks, _) = at_work(&pool, &owners, &mut random, tasks);
    join(tasks);
    is_whole(pool, &owners);
}

/// More than anybody has to try who takes from caches that are idle for good.
const TRIES: usize = 200;

/// All pages can be had while their caches are parked, whoever tried to steal them as they went idle.
pub fn parked<M: Mode>(mut random: Random) {
    let tasks = 1 + random.below(4);
    let (pool, owners) = built(builder::<M>(&mut random, 8 * tasks).max_caches(tasks));
    let (gone, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (1..=tasks as u32)
        .map(|name| {
            let (pool, owners) = (pool.clone(), Arc::clone(&owners));
            let (gone, done) = (Arc::clone(&gone), Arc::clone(&done));
            let kind = random.below(2);
            spawn(move || {
                let mut task = Task { front: Front::open(&pool, kind), owners: &owners, name };
                let mut bulk = Bulk::empty();
                task.alloc_bulk(&mut bulk, 8);
                task.free_bulk(&mut bulk);
                let stay = || {
                    gone.fetch_add(1, Ordering::SeqCst);
                    while done.load(Ordering::SeqCst) == 0 {
                        yield_now();
                    }
                };
                task.front = task.front.rest(name.is_multiple_of(2), stay);
                task.alloc_bulk(&mut bulk, 1);
                task.free_bulk(&mut bulk);
            })
        })
        .collect();
    while gone.load(Ordering::SeqCst) < tasks.len() {
        pool.steal_idle();
        yield_now();
    }
    let all = pool.capacity();
    let mut bulk = Bulk::<M>::empty();
    let tried = (0..TRIES).find(|_| {
        let want = all - bulk.len();
        let _ = pool.alloc_bulk(&mut bulk, want);
        yield_now();
        bulk.len() == all
    });
    owners.took_from(&mut bulk, 0, tasks.len() as u32 + 1);
    owners.lets_all_go(&bulk);
    drop(bulk);
    done.store(1, Ordering::SeqCst);
    join(tasks);
    assert!(tried.is_some(), "some were kept by a cache that is idle");
    is_whole(pool, &owners);
}

/// Takes pages offline, looks that nobody has them, and brings them back.
fn resizes<M: Mode>(pool: &Pool<M>, owners: &Owners, name: u32, pages: Range<u32>) {
    // No other task does this, so what is offline after the call went offline in it.
    let went = pool.offline(pages.clone()).expect("they are online");
    let count = went.count();
    let gone: Vec<_> = pages.map(PageId::new).filter(|&id| pool.is_offline(id)).collect();
    assert_eq!(gone.len(), count);
    gone.iter().for_each(|&id| owners.claim(id, name));
    yield_now();
    for &id in &gone {
        owners.disclaim(id);
        let at = id.index();
        // SAFETY: the region is the pool's own, and its memory was never taken away.
        unsafe { pool.online(at..at + 1) }.expect("it is offline");
    }
}

/// Upkeep, drains, looks and pages that go offline take nothing from those who work.
pub fn upkeep<M: Mode>(mut random: Random) {
    let pages = [10, 40, 130, 300][random.below(4)];
    let builder = builder::<M>(&mut random, pages).max_caches(4).initially(pages);
    let builder = match random.below(2) {
        0 if cfg!(target_os = "linux") => builder.region(Region::mapped().purge(true)),
        _ => builder,
    };
    let (pool, owners) = built(builder);
    let tasks = 2 + random.below(3);
    let (working, ended) = at_work(&pool, &owners, &mut random, tasks);
    let name = tasks as u32 + 1;
    while ended.load(Ordering::Relaxed) < tasks {
        match random.below(8) {
            0..4 => _ = pool.maintain(),
            4 => pool.drain(),
            5 => _ = pool.audit(),
            _ => {
                let first = random.below(pages) as u32;
                let count = 1 + random.below((pages - first as usize).min(12)) as u32;
                resizes(&pool, &owners, name, first..first + count);
            }
        }
        yield_now();
    }
    join(working);
    is_whole(pool, &owners);
}
