//! Pages that are lent to a device and come back, and pages that are given up with a ticket.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pagesheaf::{Fence, FenceError, Mode, PageId, Pool};

use super::{builder, built, is_whole};
use crate::front::{BULK, Bulk, Front, Task, through};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn, yield_now};

const CALLS: usize = 12;

/// Pages that were lent, for whoever takes them back.
type Ring = Arc<Mutex<Vec<PageId>>>;

/// Takes all out of the ring.
fn taken(ring: &Ring) -> Vec<PageId> {
    std::mem::take(&mut *ring.lock().expect("a lock"))
}

fn lends<M: Mode>(pool: &Pool<M>, owners: &Owners, ring: &Ring, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let front = Front::open(pool, random.below(3));
    let mut task = Task { front, owners, name };
    let mut held = Bulk::empty();
    for _ in 0..CALLS {
        match random.below(8) {
            0..3 => {
                let want = random.below(BULK - held.len() + 1);
                task.alloc_bulk(&mut held, want);
            }
            3 | 4 => {
                let want = random.below(held.len() + 1);
                let lent: Vec<_> =
                    through!(&mut task.front, |front| front.lend(&mut held).take(want).collect());
                let ids = lent
                    .into_iter()
                    .map(|offset: u64| pool.id_at_offset(offset).expect("an offset of a page"));
                ring.lock().expect("a lock").extend(ids);
            }
            5 => {
                let ids = taken(ring);
                let mut bulk = Bulk::<M>::empty();
                let (back, rest) = ids.split_at(ids.len().min(BULK));
                // SAFETY: no device has them, the pool lent them, and whoever takes them out of the ring has them
                // alone; all bytes were zero, and pages are written by bytes.
                let done = through!(&mut task.front, |front| unsafe {
                    front.reclaim_bulk(back, &mut bulk)
                });
                assert_eq!(done.expect("they were lent"), back.len());
                ring.lock().expect("a lock").extend_from_slice(rest);
                task.free_bulk(&mut bulk);
            }
            6 => {
                let ids = taken(ring);
                ids.iter().for_each(|&id| _ = owners.disclaim(id));
                // SAFETY: as above.
                let done = through!(&mut task.front, |front| unsafe { front.free_lent(ids) });
                done.expect("they were lent");
            }
            _ => task.free_bulk(&mut held),
        }
    }
    task.free_bulk(&mut held);
}

/// A page that is lent has no owner, and comes back once.
pub fn lending<M: Mode>(mut random: Random) {
    let pages = [30, 120][random.below(2)];
    let (pool, owners) = built(builder::<M>(&mut random, pages));
    let ring = Ring::default();
    let tasks: Vec<_> = (1..=2 + random.below(4) as u32)
        .map(|name| {
            let (pool, owners, ring) = (pool.clone(), Arc::clone(&owners), ring.clone());
            let seed = random.next();
            spawn(move || lends(&pool, &owners, &ring, name, seed))
        })
        .collect();
    join(tasks);
    let left = taken(&ring);
    left.iter().for_each(|&id| _ = owners.disclaim(id));
    // SAFETY: as above, and nobody else is there.
    unsafe { pool.free_lent(left) }.expect("they were lent");
    is_whole(pool, &owners);
}

/// A device that uses pages after their owners have given them up, in the order of tickets.
#[derive(Default)]
struct Device {
    given: Mutex<Given>,
    done: AtomicU64,
    /// No more pages come.
    ends: AtomicBool,
}

/// What it has not seen to yet, with the ticket of each list.
#[derive(Default)]
struct Given {
    lists: VecDeque<(u64, Vec<PageId>)>,
    tickets: u64,
}

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.done.load(Ordering::Acquire) >= ticket
    }
}

impl Device {
    fn give(&self, ids: Vec<PageId>) -> u64 {
        let mut given = self.given.lock().expect("a lock");
        given.tickets += 1;
        let ticket = given.tickets;
        given.lists.push_back((ticket, ids));
        ticket
    }

    /// Looks at the pages for the last time, list by list.
    fn works<M: Mode>(&self, pool: &Pool<M>, owners: &Owners) {
        loop {
            // Before the look: what comes after it was given before.
            let ends = self.ends.load(Ordering::Acquire);
            let next = self.given.lock().expect("a lock").lists.pop_front();
            match next {
                Some((ticket, ids)) => {
                    yield_now();
                    for id in ids {
                        let page = pool.ptr(id).expect("a page").as_ptr();
                        // SAFETY: nobody else has the page before its ticket has passed.
                        let page = unsafe { std::slice::from_raw_parts(page, pool.page_size()) };
                        owners.lets_go(id, page);
                    }
                    self.done.store(ticket, Ordering::Release);
                }
                None if ends => return,
                None => yield_now(),
            }
        }
    }
}

fn gives<M: Mode>(pool: &Pool<M>, owners: &Owners, device: &Device, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let front = Front::open(pool, random.below(3));
    let mut task = Task { front, owners, name };
    for _ in 0..CALLS {
        let mut bulk = Bulk::empty();
        task.alloc_bulk(&mut bulk, 1 + random.below(BULK));
        if random.below(3) == 0 {
            task.free_bulk(&mut bulk);
            continue;
        }
        let ticket = device.give(bulk.ids().to_vec());
        loop {
            let given = through!(&mut task.front, |front| front.free_bulk_after(&mut bulk, ticket));
            match given {
                Ok(()) => break,
                Err(error) => assert_eq!(error, FenceError::NoMagazine, "{pool}"),
            }
            yield_now();
        }
    }
}

/// A page that was given up with a ticket is nobody's before it has passed.
pub fn fenced<M: Mode>(mut random: Random) {
    let pages = [60, 300][random.below(2)];
    // A pool keeps its fences for good.
    let device: &'static Device = Box::leak(Box::default());
    let fences: &'static [&'static dyn Fence] = Box::leak(Box::new([device as &dyn Fence]));
    let (pool, owners) = built(builder::<M>(&mut random, pages).fences(fences));
    let works = {
        let (pool, owners) = (pool.clone(), Arc::clone(&owners));
        spawn(move || device.works(&pool, &owners))
    };
    let tasks: Vec<_> = (1..=2 + random.below(3) as u32)
        .map(|name| {
            let (pool, owners, seed) = (pool.clone(), Arc::clone(&owners), random.next());
            spawn(move || gives(&pool, &owners, device, name, seed))
        })
        .collect();
    join(tasks);
    device.ends.store(true, Ordering::Release);
    join([works]);
    pool.reap_fences();
    is_whole(pool, &owners);
}
