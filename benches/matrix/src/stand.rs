//! A contender on its pages, and one case of it made ready: what is between two samples is kept here.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::case::{Case, KEPT, PAGES, Shape};
use crate::clock::time;
use crate::contender::{Contender, Order, Setup};
use crate::partner::Partner;
use crate::ring::{Line, Ring};
use crate::shapes;

/// A sample handles at least about so many pages: what it finds cold at its start does not count then.
const SAMPLE: usize = 65_536;

/// And it makes at least so many pairs of calls: code and branches are cold at its start, too.
const CALLS: usize = 2048;

/// And so many where a thread on the other core has just been woken for pairs: what is cold at its start shows for longer.
const CALLS_BESIDE: usize = 8192;

/// A hot pair has so many bulks: see [`Turns`].
const BULKS: usize = 16;

/// A pipe has so many rings, which take turns: where the low twelve bits of the addresses agree, a look at a cache's own line waits
/// for a store to a line of the ring that is on the other core, and a call takes twice as long.
const RINGS: usize = 5;

/// A contender on the pages of a setup, whichever it is.
pub trait Stand {
    /// Makes a case ready. Its samples handle so many times fewer pages.
    fn prepare<'a>(&'a mut self, case: &Case, slowness: usize) -> Result<Box<dyn Sampler + 'a>>;
}

/// A case that is ready.
pub trait Sampler {
    /// Goes to the next bulk where bulks take turns, and brings back what others, who had their turn meanwhile, took from the
    /// processor's caches. Not timed.
    fn warm(&mut self);

    /// How long one sample takes, and how many pages come and go in it.
    fn sample(&mut self, partner: &Partner) -> (Duration, usize);
}

/// The two hands of a contender, apart from one another.
pub struct Hands<C>(Line<C>, Line<C>);

impl<C: Contender> Hands<C> {
    /// Makes the pages, and scatters them.
    pub fn new(setup: &Setup) -> Result<Self> {
        let (mut own, other) = C::pair(setup)?;
        // Where most pages are out, they are scattered there.
        if setup.order == Order::Scattered && setup.pages == PAGES {
            let bulks = fill::<C, 64>(&mut own, setup.pages / 64, 64);
            empty(&mut own, shuffle::<C, 64>(bulks, 64), 64);
        }
        Ok(Hands(Line(own), Line(other)))
    }
}

impl<C: Contender> Stand for Hands<C> {
    fn prepare<'a>(&'a mut self, case: &Case, slowness: usize) -> Result<Box<dyn Sampler + 'a>> {
        Ok(match (case.bulk, case.touched) {
            (..=8, false) => Box::new(Ready::<C, 8, false>::new(self, case, slowness)?),
            (..=8, true) => Box::new(Ready::<C, 8, true>::new(self, case, slowness)?),
            (..=64, false) => Box::new(Ready::<C, 64, false>::new(self, case, slowness)?),
            (..=64, true) => Box::new(Ready::<C, 64, true>::new(self, case, slowness)?),
            (_, false) => Box::new(Ready::<C, 256, false>::new(self, case, slowness)?),
            (_, true) => Box::new(Ready::<C, 256, true>::new(self, case, slowness)?),
        })
    }
}

/// A contender that is measured at one size, on untouched pages: so nothing else is compiled.
pub struct AtOneSize<C>(Hands<C>);

/// That size.
pub const ONE_SIZE: usize = 64;

impl<C: Contender> AtOneSize<C> {
    /// As [`Hands::new`].
    pub fn new(setup: &Setup) -> Result<Self> {
        Ok(AtOneSize(Hands::new(setup)?))
    }
}

impl<C: Contender> Stand for AtOneSize<C> {
    fn prepare<'a>(&'a mut self, case: &Case, slowness: usize) -> Result<Box<dyn Sampler + 'a>> {
        ensure!(case.bulk == ONE_SIZE && !case.touched, "not measured so");
        Ok(Box::new(Ready::<C, ONE_SIZE, false>::new(&mut self.0, case, slowness)?))
    }
}

/// So many bulks of `n` pages, or as many as can be had.
fn fill<C: Contender, const N: usize>(hand: &mut C, count: usize, n: usize) -> Vec<C::Bulk<N>> {
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
fn empty<C: Contender, const N: usize>(hand: &mut C, bulks: Vec<C::Bulk<N>>, n: usize) {
    bulks.into_iter().for_each(|mut bulk| hand.free(&mut bulk, n));
}

/// Exchanges pages at random, so that every order is as likely.
fn shuffle<C: Contender, const N: usize>(mut bulks: Vec<C::Bulk<N>>, n: usize) -> Vec<C::Bulk<N>> {
    let mut random = Random::default();
    for at in (1..bulks.len() * n).rev() {
        let other = random.below(at + 1);
        if at / n != other / n {
            let (front, back) = bulks.split_at_mut(at / n);
            C::swap(&mut back[0], at % n, &mut front[other / n], other % n);
        }
    }
    bulks
}

/// Numbers at random, the same in every run.
struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Random(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// What the samples of a case have in common.
struct Ready<'a, C: Contender, const N: usize, const T: bool> {
    hands: &'a mut Hands<C>,
    n: usize,
    times: usize,
    state: State<C, N>,
}

/// What is kept from sample to sample, by shape.
enum State<C: Contender, const N: usize> {
    HotPair(Turns<C, N>),
    Keep(Vec<C::Bulk<N>>),
    /// All but one are full.
    Outstanding(Vec<C::Bulk<N>>, usize),
    TwoThreads(Turns<C, N>),
    KeepBeside(Vec<C::Bulk<N>>),
    /// The first is next.
    Pipe(VecDeque<Ring<C::Bulk<N>>>),
    Random {
        bulks: Vec<C::Bulk<N>>,
        full: Vec<bool>,
        picks: Vec<u16>,
    },
    OrphanDrop,
}

/// The bulks of a hot pair, and whose turn it is. Each sample has the next; those before it are full meanwhile.
///
/// So the samples go through as many bulks as places in the allocator's own memory, and through places on the stack. By the low
/// twelve bits of its address a processor takes a load at first for one of bytes that were just stored, wherever those are: a pair
/// of 128 pages takes a tenth longer where ids lie so beside a length, and more where they also do beside what is on the stack.
struct Turns<C: Contender, const N: usize> {
    bulks: Vec<C::Bulk<N>>,
    at: usize,
    depth: usize,
}

impl<C: Contender, const N: usize> Turns<C, N> {
    fn new() -> Self {
        let bulks = std::iter::repeat_with(C::bulk::<N>).take(BULKS).collect();
        Turns { bulks, at: 0, depth: 0 }
    }

    /// Does something with the bulk whose turn it is, which is empty.
    fn turn<R>(&mut self, work: impl FnOnce(&mut C::Bulk<N>) -> R) -> R {
        let bulk = &mut self.bulks[self.at];
        deeper(self.depth, || work(bulk))
    }

    /// Goes to the next bulk.
    fn next(&mut self, hand: &mut C, n: usize) {
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
    fn empty(&mut self, hand: &mut C, n: usize) {
        self.bulks[..self.at].iter_mut().for_each(|bulk| hand.free(bulk, n));
        self.at = 0;
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

impl<'a, C: Contender, const N: usize, const T: bool> Ready<'a, C, N, T> {
    fn new(hands: &'a mut Hands<C>, case: &Case, slowness: usize) -> Result<Self> {
        let n = case.bulk;
        let at_least = |calls: usize| ((SAMPLE / n).max(calls) / slowness).max(16);
        let (times, beside) = (at_least(CALLS), at_least(CALLS_BESIDE));
        let kept = (SAMPLE / KEPT / slowness).max(1);
        let some = |count| std::iter::repeat_with(C::bulk::<N>).take(count).collect();
        let (state, times) = match case.shape {
            Shape::HotPair => (State::HotPair(Turns::new()), times),
            Shape::Keep2048 => (State::Keep(some(KEPT / n)), kept),
            Shape::Outstanding => {
                let out = case.out.unwrap_or_default() / n;
                let mut bulks = fill::<C, N>(&mut hands.0.0, out, n);
                ensure!(bulks.len() == out, "it had only {} bulks of {n} pages", bulks.len());
                if case.order == Order::Scattered {
                    bulks = shuffle::<C, N>(bulks, n);
                }
                bulks.push(C::bulk());
                (State::Outstanding(bulks, out), times)
            }
            Shape::TwoThreads if case.out.is_some() => (State::KeepBeside(some(KEPT / n)), kept),
            Shape::TwoThreads => (State::TwoThreads(Turns::new()), beside),
            Shape::Pipe => {
                let rings = std::iter::repeat_with(|| Ring::new(C::bulk)).take(RINGS);
                (State::Pipe(rings.collect()), times)
            }
            Shape::Random => {
                let places = 2 * KEPT / n;
                let mut random = Random::default();
                // Every other pick fills a bulk.
                let picks = (0..2 * times).map(|_| random.below(places) as u16);
                let (bulks, full, picks) = (some(places), vec![false; places], picks.collect());
                (State::Random { bulks, full, picks }, 0)
            }
            Shape::OrphanDrop => (State::OrphanDrop, beside),
        };
        Ok(Ready { hands, n, times, state })
    }
}

impl<C: Contender, const N: usize, const T: bool> Sampler for Ready<'_, C, N, T> {
    fn warm(&mut self) {
        let Ready { hands: Hands(Line(own), _), n, times, state } = self;
        let times = times.div_ceil(shapes::WARM);
        match state {
            State::HotPair(turns) => {
                turns.next(own, *n);
                turns.turn(|bulk| shapes::hot_pair::<C, N, T>(own, bulk, *n, times));
            }
            State::Keep(bulks) => shapes::keep::<C, N, T>(own, bulks, *n, times),
            State::Outstanding(bulks, at) => {
                shapes::outstanding::<C, N, T>(own, bulks, at, *n, times);
            }
            State::Random { bulks, full, picks } => {
                let some = &picks[..picks.len().div_ceil(shapes::WARM)];
                shapes::random::<C, N, T>(own, bulks, full, some, *n);
            }
            // Two threads get warm together, in the sample; the pipe's lines are not near in any case.
            State::TwoThreads(turns) => turns.next(own, *n),
            State::KeepBeside(_) | State::Pipe(_) | State::OrphanDrop => {}
        }
    }

    fn sample(&mut self, partner: &Partner) -> (Duration, usize) {
        let Ready { hands: Hands(Line(own), Line(other)), n, times, state } = self;
        let (n, times) = (*n, *times);
        let both = (&mut *own, other);
        let time = match state {
            State::HotPair(turns) => {
                turns.turn(|bulk| time(|| shapes::hot_pair::<C, N, T>(own, bulk, n, times)))
            }
            State::Keep(bulks) => {
                let time = time(|| shapes::keep::<C, N, T>(own, bulks, n, times));
                return (time, times * bulks.len() * n);
            }
            State::Outstanding(bulks, at) => {
                time(|| shapes::outstanding::<C, N, T>(own, bulks, at, n, times))
            }
            State::TwoThreads(turns) => {
                turns.turn(|bulk| shapes::two_threads::<C, N, T>(both, bulk, n, times, partner))
            }
            State::KeepBeside(bulks) => {
                let time = shapes::keep_beside::<C, N, T>(both, bulks, n, times, partner);
                return (time, times * bulks.len() * n);
            }
            State::Pipe(rings) => {
                rings.rotate_left(1);
                shapes::pipe::<C, N, T>(both, &rings[0], n, times, partner)
            }
            State::Random { bulks, full, picks } => {
                let mut pages = 0;
                let time = time(|| {
                    pages = shapes::random::<C, N, T>(own, bulks, full, picks, n);
                });
                return (time, pages);
            }
            State::OrphanDrop => shapes::orphan_drop::<C, N, T>(both, n, times, partner),
        };
        (time, times * n)
    }
}

impl<C: Contender, const N: usize, const T: bool> Drop for Ready<'_, C, N, T> {
    fn drop(&mut self) {
        let own = &mut self.hands.0.0;
        match &mut self.state {
            State::Outstanding(bulks, at) => {
                for (_, bulk) in bulks.iter_mut().enumerate().filter(|bulk| bulk.0 != *at) {
                    own.free(bulk, self.n);
                }
            }
            State::HotPair(turns) | State::TwoThreads(turns) => turns.empty(own, self.n),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Extent, cases};
    use crate::contenders::{DriverLifo, Modal};

    #[test]
    fn shuffling_keeps_every_page_and_moves_most() {
        let setup = Setup { pages: 640, touched: false, colour: 1, order: Order::Scattered };
        let (mut hand, _other) = DriverLifo::pair(&setup).expect("a pair");
        let mut bulks = fill::<DriverLifo, 64>(&mut hand, 100, 60);
        assert_eq!(bulks.len(), 640 / 60, "as many as there are");
        let ids = |bulks: &mut Vec<_>| -> Vec<u32> {
            let bulks = bulks.iter_mut();
            bulks.flat_map(|bulk: &mut crate::Items<u32, 64>| bulk.first(60).to_vec()).collect()
        };
        let before = ids(&mut bulks);
        let mut bulks = shuffle::<DriverLifo, 64>(bulks, 60);
        let mut after = ids(&mut bulks);
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(moved > 400, "{moved} of 600");
        after.sort_unstable();
        after.dedup();
        assert_eq!(after.len(), 600);
    }

    /// Every shape handles the pages that it says, in every form, and leaves none out.
    #[test]
    fn every_case_runs_and_leaves_nothing_out() {
        use pagesheaf::Checked;
        let cores = (None, None);
        let partner = Partner::new(cores).expect("a second thread");
        let few = |case: &Case| {
            [1, 32, 64].contains(&case.bulk) && case.out.is_none_or(|out| out < 1 << 20)
        };
        for case in cases(Extent::All).iter().filter(|case| few(case) && !case.touched) {
            let mut hands = Hands::<Modal<Checked>>::new(&case.setup()).expect("pages");
            let mut ready = hands.prepare(case, 64).expect("ready");
            // So often that all bulks of a hot pair have had their turn.
            for _ in 0..if case.shape == Shape::HotPair { BULKS + 2 } else { 2 } {
                ready.warm();
                let (time, pages) = ready.sample(&partner);
                assert!(pages >= 16 && pages.is_multiple_of(case.bulk) && !time.is_zero());
            }
            drop(ready);
            let all = fill::<Modal<Checked>, 8>(&mut hands.0.0, 2 * case.setup().pages, 1);
            // The other hand's cache may hold some.
            assert!(all.len() > case.setup().pages * 9 / 10, "{case:?}: {}", all.len());
        }
    }
}
