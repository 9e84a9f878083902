//! The bulks that are out between samples, and the order of their pages.

use std::hint::black_box;
use std::time::Duration;

use crate::clock::time;
use crate::contender::{Bulk, Contender};
use crate::shapes;

/// A hot pair has so many bulks: see [`Turns`].
pub const BULKS: usize = 16;

/// So many bulks of `n` pages, or as many as can be had.
pub fn fill<C: Contender, const N: usize>(hand: &mut C, count: usize, n: usize) -> Vec<C::Bulk<N>> {
    let mut bulks = Vec::with_capacity(count);
    for _ in 0..count {
        let mut bulk = C::bulk::<N>();
        let got = hand.alloc(&mut bulk, n);
        if got < n {
            hand.free(&mut bulk, got);
            break;
        }
        bulks.push(bulk);
    }
    bulks
}

/// Frees bulks of `n` pages.
pub fn empty<C: Contender, const N: usize>(hand: &mut C, bulks: Vec<C::Bulk<N>>, n: usize) {
    bulks.into_iter().for_each(|mut bulk| hand.free(&mut bulk, n));
}

/// Exchanges pages at random, so that every order is as likely.
pub fn shuffle<C: Contender, const N: usize>(
    mut bulks: Vec<C::Bulk<N>>,
    n: usize,
) -> Vec<C::Bulk<N>> {
    let mut random = Random::default();
    for at in (1..bulks.len() * n).rev() {
        exchange::<C, N>(&mut bulks, at, random.below(at + 1), n);
    }
    bulks
}

/// Exchanges one of the pages of bulks of `n` for another, unless they are in the same bulk.
fn exchange<C: Contender, const N: usize>(
    bulks: &mut [C::Bulk<N>],
    one: usize,
    two: usize,
    n: usize,
) {
    let (low, high) = (one.min(two), one.max(two));
    if low / n != high / n {
        let (front, back) = bulks.split_at_mut(high / n);
        back[0].exchange(high % n, &mut front[low / n], low % n);
    }
}

/// Numbers at random, the same in every run.
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Random(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// The bulks of a hot pair, and whose turn it is. Each sample has the next; those before it are full meanwhile.
///
/// So the samples go through as many bulks as places in the allocator's own memory, and through places on the stack. By
/// the low twelve bits of its address a processor takes a load at first for one of bytes that were just stored,
/// wherever those are: a pair of 128 pages takes a tenth longer where ids lie so beside a length, and more where they
/// also do beside what is on the stack.
pub struct Turns<C: Contender, const N: usize> {
    bulks: Vec<C::Bulk<N>>,
    at: usize,
    depth: usize,
}

impl<C: Contender, const N: usize> Turns<C, N> {
    pub fn new() -> Self {
        let bulks = std::iter::repeat_with(C::bulk::<N>).take(BULKS).collect();
        Turns { bulks, at: 0, depth: 0 }
    }

    /// Does something with the bulk whose turn it is, which is empty.
    pub fn turn<R>(&mut self, work: impl FnOnce(&mut C::Bulk<N>) -> R) -> R {
        let bulk = &mut self.bulks[self.at];
        deeper(self.depth, || work(bulk))
    }

    /// Goes to the next bulk.
    pub fn next(&mut self, hand: &mut C, n: usize) {
        // One fewer than bulks, so that a bulk is not always met at the same depth.
        self.depth = (self.depth + 1) % (BULKS - 1);
        if self.at + 1 == self.bulks.len() {
            return self.empty(hand, n);
        }
        let got = hand.alloc(&mut self.bulks[self.at], n);
        assert_eq!(got, n, "a bulk was short");
        self.at += 1;
    }

    /// Frees what is out, and starts again.
    pub fn empty(&mut self, hand: &mut C, n: usize) {
        self.bulks[..self.at].iter_mut().for_each(|bulk| hand.free(bulk, n));
        self.at = 0;
    }
}

/// Bulks that are all full, and which of them are freed next: `count` of them, from `at` on.
pub struct Picked<C: Contender, const N: usize> {
    bulks: Vec<C::Bulk<N>>,
    at: usize,
    count: usize,
    random: Random,
}

impl<C: Contender, const N: usize> Picked<C, N> {
    /// Frees so many of the bulks at a time.
    pub fn new(bulks: Vec<C::Bulk<N>>, count: usize) -> Self {
        Picked { bulks, at: 0, count, random: Random::default() }
    }

    /// The bulks whose turn it is.
    pub fn current(&mut self) -> &mut [C::Bulk<N>] {
        &mut self.bulks[self.at..self.at + self.count]
    }

    /// Goes to the next bulks. Each page of theirs is exchanged for one of any bulk, so that the order in which
    /// they are freed has nothing to do with the order in which they came.
    pub fn next(&mut self, n: usize) {
        self.at += self.count;
        if self.at + self.count > self.bulks.len() {
            self.at = 0;
        }
        for page in self.at * n..(self.at + self.count) * n {
            let other = self.random.below(self.bulks.len() * n);
            exchange::<C, N>(&mut self.bulks, page, other, n);
        }
    }

    /// As `Sampler::sample`. By itself, so that the other shapes' samples are compiled as they were.
    #[inline(never)]
    pub fn sample<const T: bool>(&mut self, hand: &mut C, n: usize) -> (Duration, usize) {
        let bulks = self.current();
        let time = time(|| shapes::outstanding_random::<C, N, T>(hand, bulks, n));
        (time, bulks.len() * n)
    }

    /// Frees what is out.
    pub fn empty(&mut self, hand: &mut C, n: usize) {
        empty::<C, N>(hand, std::mem::take(&mut self.bulks), n);
    }
}

/// Calls `work` so many frames deeper on the stack, each of some cache lines.
#[inline(never)]
fn deeper<R>(frames: usize, work: impl FnOnce() -> R) -> R {
    let frame = black_box([0_u8; 256]);
    let result = if frames == 0 { work() } else { deeper(frames - 1, work) };
    black_box(frame);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::{Items, Order, Setup};
    use crate::contenders::DriverLifo;

    fn of(pages: usize, n: usize) -> (DriverLifo, Vec<Items<u32, 64>>) {
        let setup = Setup { pages, touched: false, colour: 1, order: Order::Scattered };
        let (mut hand, _other) = DriverLifo::pair(&setup).expect("a pair");
        let bulks = fill::<DriverLifo, 64>(&mut hand, pages, n);
        (hand, bulks)
    }

    fn ids<'a>(bulks: impl IntoIterator<Item = &'a mut Items<u32, 64>>, n: usize) -> Vec<u32> {
        bulks.into_iter().flat_map(|bulk| bulk.first(n).to_vec()).collect()
    }

    #[test]
    fn shuffling_keeps_every_page_and_moves_most() {
        let (_hand, mut bulks) = of(640, 60);
        assert_eq!(bulks.len(), 640 / 60, "as many as there are");
        let before = ids(&mut bulks, 60);
        let mut bulks = shuffle::<DriverLifo, 64>(bulks, 60);
        let mut after = ids(&mut bulks, 60);
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(moved > 400, "{moved} of 600");
        after.sort_unstable();
        after.dedup();
        assert_eq!(after.len(), 600);
    }

    /// What is freed next is a random part of all that is out, in a random order.
    #[test]
    fn what_is_picked_is_in_no_order() {
        let (_hand, bulks) = of(6400, 64);
        let mut picked = Picked::<DriverLifo, 64>::new(bulks, 10);
        let mut all = std::collections::HashSet::new();
        for _ in 0..11 {
            picked.next(64);
            let ids = ids(picked.current(), 64);
            assert_eq!(ids.len(), 640);
            let near = ids.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
            assert!(near < 20, "{near} of 640 are beside their neighbours");
            let low = ids.iter().filter(|id| **id < 3200).count();
            assert!((250..390).contains(&low), "{low} of 640 are of the lower half");
            all.extend(ids);
        }
        assert!(all.len() > 3800, "{} of 6,400 had their turn", all.len());
        let mut left = ids(&mut picked.bulks, 64);
        left.sort_unstable();
        assert_eq!(left, (0..6400).collect::<Vec<_>>());
    }
}
