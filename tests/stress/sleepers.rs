//! Threads whose caches go idle and come back, are stolen from, and end, while others work and ask for all or none.

use std::thread;

use pagesheaf::{Cache, Mode};

use crate::oracle::{lets_all_go, took_from};
use crate::programs::{BULK, BulkAlloc, Case};
use crate::random::Random;

/// The most pages that a thread has out.
const HELD: usize = 6;

/// A thread's way into the pool: a cache, if there was one left.
enum Way<M: Mode> {
    Pool,
    Plain(Cache<M>),
    Stealable(Cache<M, true>),
}

/// Makes a call through whichever it is.
macro_rules! through {
    ($case:expr, $way:expr, |$front:ident| $call:expr) => {
        match $way {
            Way::Pool => {
                let $front = &$case.pool;
                $call
            }
            Way::Plain($front) => $call,
            Way::Stealable($front) => $call,
        }
    };
}

impl<M: Mode> Way<M> {
    fn open(case: &Case<M>, stealable: bool) -> Self {
        let cache = if stealable {
            case.pool.cache_stealable().map(Way::Stealable)
        } else {
            case.pool.cache().map(Way::Plain)
        };
        cache.unwrap_or(Way::Pool)
    }

    /// Goes idle, in the one way or in the other.
    fn rest(self, parks: bool, nap: impl FnOnce()) -> Self {
        match self {
            Way::Plain(cache) if parks => {
                let parked = cache.park();
                nap();
                Way::Plain(parked.resume())
            }
            Way::Stealable(cache) if parks => {
                let parked = cache.park();
                nap();
                Way::Stealable(parked.resume())
            }
            Way::Plain(mut cache) => {
                cache.idle(nap);
                Way::Plain(cache)
            }
            Way::Stealable(mut cache) => {
                cache.idle(nap);
                Way::Stealable(cache)
            }
            Way::Pool => Way::Pool,
        }
    }

    /// Up to so many pages, or all or none of them. Whether they came.
    fn alloc(
        &mut self,
        case: &Case<M>,
        bulk: &mut BulkAlloc<M>,
        (n, all): (usize, bool),
        owner: u32,
    ) -> bool {
        let before = bulk.len();
        let came = through!(case, self, |front| {
            if all {
                front.alloc_bulk_exact(bulk, n).is_ok()
            } else {
                front.alloc_bulk(bulk, n).reason.is_none()
            }
        });
        let got = bulk.len() - before;
        assert!(got == n || !came && got == 0 || !all && got < n, "{got} of {n}");
        case.count(got, !came);
        took_from(bulk, before, owner);
        came
    }

    fn free(&mut self, case: &Case<M>, bulk: &mut BulkAlloc<M>) {
        lets_all_go(bulk);
        through!(case, self, |front| front.free_bulk(bulk));
    }
}

/// What a thread does while its cache is idle: it sleeps, or gets pages without it.
fn nap<M: Mode>(case: &Case<M>, random: &mut Random, owner: u32) {
    for _ in 0..random.below(4) {
        match case.alloc(&mut None, owner) {
            Some(page) => case.free(&mut None, page),
            None => thread::yield_now(),
        }
    }
    if random.below(4) == 0 {
        thread::yield_now();
    }
}

/// Each thread gets all that it asks for at least once, though others' caches hold pages.
pub fn sleepers<M: Mode>(case: &Case<M>, seed: u64) {
    let owner = seed as u32 + 1;
    let mut random = Random::new(seed);
    let mut way = Way::open(case, seed.is_multiple_of(2));
    let mut held = BulkAlloc::default();
    let (mut served, mut waits) = (false, 0_u32);
    while case.goes_on() || !served {
        match random.below(16) {
            0 => way = way.rest(random.below(2) == 0, || nap(case, &mut random, owner)),
            1 | 2 => {
                case.pool.steal_idle();
            }
            3 if random.below(8) == 0 => {
                // Before the next one is opened, which may get the same slot.
                drop(way);
                way = Way::open(case, random.below(2) == 0);
            }
            4 => {
                let mut bulk = BulkAlloc::default();
                let got = way.alloc(case, &mut bulk, (BULK, true), owner);
                way.free(case, &mut bulk);
                served |= got;
                waits = if got { 0 } else { waits + 1 };
                assert!(waits < 1_000_000, "nothing in so many tries");
            }
            5..10 => {
                let most = HELD - held.len();
                way.alloc(case, &mut held, (random.below(most + 1), false), owner);
            }
            _ => way.free(case, &mut held),
        }
    }
    way.free(case, &mut held);
}
