//! The least that membership takes of pages that moved: about 2,048 pages out and back in bulks, of a
//! pool that is one sparse set and nothing else. It has no caches, slots, counters or owners, and one
//! thread. Beside it the same without a look. These are the floors of the matrix' shape `keep_2048`
//! in modes that check.

use std::hint::black_box;

use crate::common;
use crate::rounds::{Body, Rounds};

/// Pages of the pool, and those that are out, at the most.
const PAGES: usize = 1 << 14;
const OUT: usize = 1 << 11;

/// The most pages of a bulk.
const ROOM: usize = 64;

/// Free pages: the first `len` ids. A page is free if its place is below the length, and holds it.
struct Set {
    ids: Vec<u32>,
    places: Vec<u32>,
    len: usize,
}

impl Set {
    fn new() -> Self {
        let mut ids: Vec<u32> = (0..PAGES as u32).collect();
        common::shuffle(&mut ids);
        let mut places = vec![0; PAGES];
        ids.iter().zip(0..).for_each(|(&id, place)| places[id as usize] = place);
        Set { ids, places, len: PAGES }
    }

    fn alloc(&mut self, bulk: &mut [u32]) {
        let rest = self.len - bulk.len();
        copy(&self.ids[rest..self.len], bulk);
        self.len = rest;
    }

    fn free<const LOOKS: bool>(&mut self, bulk: &[u32]) {
        let room = &mut self.ids[self.len..][..bulk.len()];
        if !LOOKS {
            copy(bulk, room);
            self.len += bulk.len();
            return;
        }
        for &id in bulk {
            let place = &mut self.places[id as usize];
            let last = *place as usize;
            assert!(last >= self.len || self.ids[last] != id, "{id} is free");
            *place = self.len as u32;
            self.ids[self.len] = id;
            self.len += 1;
        }
    }
}

/// Copies ids, by `memcpy` if it is more than one.
fn copy(from: &[u32], to: &mut [u32]) {
    match (from, to) {
        ([from], [to]) => *to = *from,
        (from, to) => to.copy_from_slice(from),
    }
}

/// Fills so many bulks of `n` pages, as many as may be out at a time, and frees them.
#[inline(never)]
fn keep<const LOOKS: bool>(set: &mut Set, bulks: &mut [[u32; ROOM]], n: usize, count: usize) {
    let n = black_box(n);
    let at_a_time = count.min(OUT / n);
    for _ in 0..count / at_a_time {
        bulks[..at_a_time].iter_mut().for_each(|bulk| set.alloc(&mut bulk[..n]));
        bulks[..at_a_time].iter().for_each(|bulk| set.free::<LOOKS>(&bulk[..n]));
    }
    black_box(set);
}

/// Prints how long a page takes, out and back.
pub fn print(rounds: &Rounds) {
    println!("   2 k out, n   no look  sparse set");
    let (mut plain, mut looked) = (Set::new(), Set::new());
    let mut bulks = vec![[0; ROOM]; OUT];
    let mut others = bulks.clone();
    for n in [1, 8, 64] {
        let bodies: &mut [Body<'_>] = &mut [
            &mut |_, count| keep::<false>(&mut plain, &mut bulks, n, count),
            &mut |_, count| keep::<true>(&mut looked, &mut others, n, count),
        ];
        rounds.print(n, bodies);
    }
}
