//! What the allocator is compared with: a copy of ids out and back, and a recycler as drivers write it.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::clock::Cores;
use crate::ring::Ring;
use crate::sample::{self, Contender};
use crate::shapes::KEPT;

/// The most ids of a bulk.
const MOST: usize = 256;

#[repr(align(64))]
struct Ids<const N: usize>([u32; N]);

/// `memcpy` of so many ids out and back.
pub struct CopyFloor {
    here: Box<Ids<KEPT>>,
    there: Box<Ids<KEPT>>,
}

impl CopyFloor {
    pub fn new() -> Self {
        let ids = || Box::new(Ids(std::array::from_fn(|id| id as u32)));
        CopyFloor { here: ids(), there: ids() }
    }
}

impl Contender for CopyFloor {
    fn hot_pair(&mut self, bulk: usize, rounds: usize) {
        let bulk = black_box(bulk);
        let (here, there) = (&mut self.here.0[..bulk], &mut self.there.0[..bulk]);
        for _ in 0..rounds {
            there.copy_from_slice(here);
            black_box(&mut *there);
            here.copy_from_slice(there);
            black_box(&mut *here);
        }
    }

    fn keep(&mut self, bulk: usize, rounds: usize) {
        let bulk = black_box(bulk);
        for _ in 0..rounds {
            for (there, here) in
                self.there.0.chunks_exact_mut(bulk).zip(self.here.0.chunks_exact(bulk))
            {
                there.copy_from_slice(here);
                black_box(there);
            }
            for (there, here) in
                self.there.0.chunks_exact(bulk).zip(self.here.0.chunks_exact_mut(bulk))
            {
                here.copy_from_slice(there);
                black_box(here);
            }
        }
    }
}

/// A driver's own stack of pages, each recycled if its count is one.
pub struct DriverLifo {
    stack: Vec<u32>,
    counts: Vec<AtomicU32>,
    out: Vec<u32>,
}

impl DriverLifo {
    pub fn new() -> Self {
        let counts: Vec<_> = (0..KEPT * 8).map(|_| AtomicU32::new(1)).collect();
        // 4,099 is prime: neighbours in the stack are far apart.
        let stack = (0..counts.len()).map(|id| (id * 4_099 % counts.len()) as u32).collect();
        DriverLifo { stack, counts, out: vec![0; KEPT] }
    }
}

/// Takes ids from the top of the stack.
#[inline(always)]
fn take(stack: &mut Vec<u32>, out: &mut [u32]) {
    let rest = stack.len() - out.len();
    out.copy_from_slice(&stack[rest..]);
    stack.truncate(rest);
}

/// Puts ids back, those whose count is one.
#[inline(always)]
fn recycle(stack: &mut Vec<u32>, counts: &[AtomicU32], ids: &[u32]) {
    for &id in ids {
        if counts[id as usize].load(Ordering::Acquire) == 1 {
            stack.push(id);
        }
    }
}

impl Contender for DriverLifo {
    fn hot_pair(&mut self, bulk: usize, rounds: usize) {
        let out = &mut self.out[..black_box(bulk)];
        for _ in 0..rounds {
            take(&mut self.stack, out);
            black_box(&mut *out);
            recycle(&mut self.stack, &self.counts, out);
        }
    }

    fn keep(&mut self, bulk: usize, rounds: usize) {
        let bulk = black_box(bulk);
        for _ in 0..rounds {
            self.out.chunks_exact_mut(bulk).for_each(|out| take(&mut self.stack, black_box(out)));
            self.out.chunks_exact(bulk).for_each(|out| recycle(&mut self.stack, &self.counts, out));
        }
    }
}

/// The ring of the pipe, by itself: ids are written to it and read from it.
pub struct RingOnly {
    ring: Ring<Ids<MOST>>,
    here: Ids<MOST>,
}

impl RingOnly {
    pub fn new() -> Self {
        let ids = || Ids(std::array::from_fn(|id| id as u32));
        RingOnly { ring: Ring::new(ids), here: ids() }
    }
}

impl Contender for RingOnly {
    fn pipe(&mut self, bulk: usize, count: usize, cores: Cores) -> Duration {
        let (ring, here) = (&self.ring, &self.here.0[..black_box(bulk)]);
        sample::beside(
            cores,
            |_| {
                let mut there = Ids([0; MOST]);
                ring.consume(count, |slot| {
                    there.0[..here.len()].copy_from_slice(&slot.0[..here.len()]);
                    black_box(&mut there.0);
                });
            },
            || {
                ring.produce(count, |slot| slot.0[..here.len()].copy_from_slice(here));
                ring.wait();
            },
        )
    }
}
