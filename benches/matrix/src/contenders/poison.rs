//! The floors of hardening: what the machine takes to write pages that are freed, and to compare those that are
//! allocated; all of them, or few, of which each is claimed as well.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use super::{Memory, PAGE};
use crate::contender::{Contender, Items, Setup};

/// What is written.
static POISON: [u8; PAGE] = [0xaa; PAGE];

/// Pages to a magazine, as the pool has them.
const MAGAZINE: usize = 256;

/// What the word of a page says.
const FREE: u64 = 0;
const OUT: u64 = 1;

/// `memset` of each page that is freed, `memcmp` of each that is allocated, and no allocator: lists of page numbers.
/// If `EVERY` is above 1, this is done for one page in so many, and each page has a word that changes by one
/// compare-and-swap as it goes and one as it comes: the least that finds two owners of a page for certain.
///
/// The pages are as many as the pool has, and come in its order, so that they are as cold as there. A freed page waits
/// in a magazine that is filled meanwhile; full ones lie on a stack, from which one is taken when there are no new
/// pages. New pages are neighbours, shuffled among as many as a magazine holds.
pub struct PoisonFloor<const EVERY: u32 = 1> {
    /// Pages are taken from its end.
    loaded: Vec<u32>,
    /// Freed pages go to its end.
    filling: Vec<u32>,
    full: Vec<Vec<u32>>,
    empty: Vec<Vec<u32>>,
    /// Those that have never been out; they are taken from its end.
    new: Vec<Vec<u32>>,
    words: Vec<AtomicU64>,
    /// Which pages are poisoned, where only some are.
    poisoned: Vec<bool>,
    /// Pages to be freed before the next is poisoned.
    until_poison: u32,
    random: u64,
    memory: Memory,
}

/// The next of some numbers at random.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

impl<const EVERY: u32> PoisonFloor<EVERY> {
    fn new(pages: usize) -> Self {
        let ids: Vec<u32> = (0..pages as u32).collect();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let shuffled = |ids: &[u32]| {
            let mut ids = ids.to_vec();
            for last in (1..ids.len()).rev() {
                ids.swap(last, (next(&mut random) % (last as u64 + 1)) as usize);
            }
            ids
        };
        let mut new: Vec<_> = ids.chunks(MAGAZINE).map(shuffled).collect();
        new.reverse();
        let magazines = pages.div_ceil(MAGAZINE) + 2;
        let empty = std::iter::repeat_with(|| Vec::with_capacity(MAGAZINE)).take(magazines);
        let mut memory = Memory::populated(pages, 1);
        for id in 0..pages as u32 {
            // SAFETY: so many pages were populated, and nobody else has them.
            unsafe { memory.page(id) }.copy_from_slice(&POISON);
        }
        PoisonFloor {
            loaded: Vec::new(),
            filling: Vec::with_capacity(MAGAZINE),
            full: Vec::with_capacity(magazines),
            empty: empty.collect(),
            new,
            words: (0..pages).map(|_| AtomicU64::new(FREE)).collect(),
            poisoned: vec![EVERY == 1; pages],
            until_poison: 0,
            random,
            memory,
        }
    }

    /// Changes the word of a page.
    #[inline(always)]
    fn claim(&self, id: u32, from: u64, to: u64) {
        if EVERY > 1 {
            let word = &self.words[id as usize];
            let claimed = word.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
            assert!(claimed.is_ok(), "a page has two owners");
        }
    }

    /// Whether a page that is freed has its turn to be poisoned.
    #[inline(always)]
    fn has_turn(&mut self) -> bool {
        if EVERY == 1 {
            return true;
        }
        let has = self.until_poison == 0;
        let gap = has.then(|| (next(&mut self.random) % (2 * u64::from(EVERY) - 1)) as u32);
        self.until_poison = gap.unwrap_or_else(|| self.until_poison - 1);
        has
    }

    /// Writes to a page that is free.
    #[cfg(test)]
    pub fn spoil(&mut self, id: u32) {
        // SAFETY: the page is nobody's, and `self` is borrowed alone.
        let page = unsafe { self.memory.page(id) };
        page[4095] = 1;
    }

    /// Whether a page is poisoned.
    #[cfg(test)]
    pub fn is_poisoned(&self, id: u32) -> bool {
        self.poisoned[id as usize]
    }

    /// The next page.
    #[inline(always)]
    fn next_page(&mut self) -> Option<u32> {
        if let Some(id) = self.loaded.pop() {
            return Some(id);
        }
        let next = self.new.pop().or_else(|| self.full.pop());
        let next = next.unwrap_or_else(|| {
            let empty = self.empty.pop().expect("more magazines than pages fill");
            std::mem::replace(&mut self.filling, empty)
        });
        self.empty.push(std::mem::replace(&mut self.loaded, next));
        self.loaded.pop()
    }
}

impl<const EVERY: u32> Contender for PoisonFloor<EVERY> {
    type Bulk<const N: usize> = Items<u32, N>;

    const WRITES: bool = true;

    /// The second hand has as good as nothing: one thread does all.
    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        Ok((PoisonFloor::new(setup.pages), PoisonFloor::new(1)))
    }

    fn bulk<const N: usize>() -> Items<u32, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
        for (got, slot) in bulk.first(n).iter_mut().enumerate() {
            let Some(id) = self.next_page() else { return got };
            *slot = id;
            self.claim(id, FREE, OUT);
            if EVERY == 1 || std::mem::take(&mut self.poisoned[id as usize]) {
                // SAFETY: the page was in a list, once, and is now the caller's.
                assert!(unsafe { self.memory.page(id) } == &POISON, "a page was written to");
            }
        }
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        for &mut id in bulk.first(n) {
            self.claim(id, OUT, FREE);
            if self.has_turn() {
                // SAFETY: the page is the caller's, who gives it up.
                unsafe { self.memory.page(id) }.fill(POISON[0]);
                self.poisoned[id as usize] = true;
            }
            if self.filling.len() == MAGAZINE {
                let empty = self.empty.pop().expect("more magazines than pages fill");
                self.full.push(std::mem::replace(&mut self.filling, empty));
            }
            self.filling.push(id);
        }
    }
}
