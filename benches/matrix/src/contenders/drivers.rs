//! Recyclers as drivers write them: a stack and a ring of pages, each of which is used again if its count is one.
//! Each thread has its own.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use super::Memory;
use crate::contender::{Contender, Items, Setup};

/// A reference count for each page, all of which are one, and the pages.
struct Pages {
    counts: Vec<AtomicU32>,
    memory: Memory,
}

impl Pages {
    fn new(setup: &Setup) -> Self {
        let counts = std::iter::repeat_with(|| AtomicU32::new(1)).take(setup.pages);
        Pages { counts: counts.collect(), memory: Memory::new(setup) }
    }

    /// Whether nobody else has the page.
    #[inline(always)]
    fn is_free(&self, id: u32) -> bool {
        self.counts[id as usize].load(Ordering::Acquire) == 1
    }

    #[inline(always)]
    fn touch(&self, ids: &[u32]) {
        for &id in ids {
            // SAFETY: pages are touched in touched setups only, by the driver that has taken them.
            unsafe { self.memory.touch(id) };
        }
    }
}

/// Takes the page that came back last.
pub struct DriverLifo {
    stack: Vec<u32>,
    pages: Pages,
}

impl Contender for DriverLifo {
    type Bulk<const N: usize> = Items<u32, N>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let one = || DriverLifo {
            stack: (0..setup.pages as u32).rev().collect(),
            pages: Pages::new(setup),
        };
        Ok((one(), one()))
    }

    fn bulk<const N: usize>() -> Items<u32, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
        let Some(rest) = self.stack.len().checked_sub(n) else { return 0 };
        bulk.first(n).copy_from_slice(&self.stack[rest..]);
        self.stack.truncate(rest);
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        for &mut id in bulk.first(n) {
            if self.pages.is_free(id) {
                self.stack.push(id);
            }
        }
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        self.pages.touch(bulk.first(n));
    }
}

/// Takes the page that came back first, if it is nobody's by now.
pub struct DriverFifo {
    ring: Box<[u32]>,
    /// Counts of pages taken and put, ever.
    taken: usize,
    put: usize,
    pages: Pages,
}

impl Contender for DriverFifo {
    type Bulk<const N: usize> = Items<u32, N>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let one = || DriverFifo {
            // A power of two, so that a place in it is a mask away.
            ring: (0..setup.pages.next_power_of_two() as u32).collect(),
            taken: 0,
            put: setup.pages,
            pages: Pages::new(setup),
        };
        Ok((one(), one()))
    }

    fn bulk<const N: usize>() -> Items<u32, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
        let mask = self.ring.len() - 1;
        for (got, slot) in bulk.first(n).iter_mut().enumerate() {
            let id = self.ring[self.taken & mask];
            if self.taken == self.put || !self.pages.is_free(id) {
                return got;
            }
            *slot = id;
            self.taken += 1;
        }
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        let mask = self.ring.len() - 1;
        for &mut id in bulk.first(n) {
            self.ring[self.put & mask] = id;
            self.put += 1;
        }
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        self.pages.touch(bulk.first(n));
    }
}
