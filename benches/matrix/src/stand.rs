//! A contender on its pages, and one case of it made ready: what is between two samples is kept here.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::bulks::{Picked, Random, Turns, empty, fill, shuffle};
use crate::case::{Case, FREED, KEPT, PAGES, SMALL, Shape};
use crate::clock::time;
use crate::contender::{Contender, Order, Setup};
use crate::partner::Partner;
use crate::ring::{Line, Ring};
use crate::shapes;

/// A sample handles at least about so many pages: what it finds cold at its start does not count then.
const SAMPLE: usize = 65_536;

/// And it makes at least so many pairs of calls, unless these are for blocks: code and branches are cold at its start,
/// too.
const CALLS: usize = 2048;

/// And so many where a thread on the other core has just been woken for pairs: what is cold at its start shows for
/// longer.
const CALLS_BESIDE: usize = 8192;

/// So many times a sample waits for all pages: each time a thread may sleep and be woken.
const WAITS: usize = 512;

/// A pipe has so many rings, which take turns: where the low twelve bits of the addresses agree, a look at a cache's
/// own line waits for a store to a line of the ring that is on the other core, and a call takes twice as long.
const RINGS: usize = 5;

/// A contender on the pages of a setup, whichever it is.
pub trait Stand {
    /// Makes a case ready. Its samples handle so many times fewer pages.
    fn prepare<'a>(&'a mut self, case: &Case, slowness: usize) -> Result<Box<dyn Sampler + 'a>>;

    /// How many pages can be had by now, at most so many.
    fn free_pages(&mut self, most: usize) -> usize;
}

/// A case that is ready.
pub trait Sampler {
    /// Goes to the next bulks where bulks take turns, and brings back what others, who had their turn meanwhile, took
    /// from the processor's caches. Not timed.
    fn warm(&mut self);

    /// How long one sample takes, and how many pages come and go in it.
    fn sample(&mut self, partner: &Partner) -> (Duration, usize);
}

/// The two hands of a contender, apart from one another.
///
/// With `COUNTED` it does what instructions are counted of, and nothing else is compiled: pages that nobody touches, in
/// the first shapes of [`Ready::new`].
pub struct Hands<C, const COUNTED: bool = false>(Line<C>, Line<C>);

impl<C: Contender, const COUNTED: bool> Hands<C, COUNTED> {
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

impl<C: Contender, const COUNTED: bool> Stand for Hands<C, COUNTED> {
    fn prepare<'a>(&'a mut self, case: &Case, slowness: usize) -> Result<Box<dyn Sampler + 'a>> {
        Ok(match (case.bulk, case.touched) {
            (..=8, false) => Box::new(Ready::<C, 8, false, COUNTED>::new(self, case, slowness)?),
            (..=64, false) => Box::new(Ready::<C, 64, false, COUNTED>::new(self, case, slowness)?),
            (_, false) => Box::new(Ready::<C, 256, false, COUNTED>::new(self, case, slowness)?),
            _ if COUNTED => bail!("not counted where pages are touched"),
            (..=8, true) => Box::new(Ready::<C, 8, true, COUNTED>::new(self, case, slowness)?),
            (..=64, true) => Box::new(Ready::<C, 64, true, COUNTED>::new(self, case, slowness)?),
            (_, true) => Box::new(Ready::<C, 256, true, COUNTED>::new(self, case, slowness)?),
        })
    }

    fn free_pages(&mut self, most: usize) -> usize {
        // What the other hand's cache holds is as free.
        self.1.0.drain();
        let all = fill::<C, 8>(&mut self.0.0, most, 1);
        let count = all.len();
        empty::<C, 8>(&mut self.0.0, all, 1);
        count
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
        Ok(Box::new(Ready::<C, ONE_SIZE, false, false>::new(&mut self.0, case, slowness)?))
    }

    fn free_pages(&mut self, most: usize) -> usize {
        self.0.free_pages(most)
    }
}

/// What the samples of a case have in common.
struct Ready<'a, C: Contender, const N: usize, const T: bool, const COUNTED: bool> {
    hands: &'a mut Hands<C, COUNTED>,
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
    OutstandingRandom(Picked<C, N>),
    TwoThreads(Turns<C, N>),
    KeepBeside(Vec<C::Bulk<N>>),
    /// The first is next.
    Pipe(VecDeque<Ring<C::Bulk<N>>>),
    /// The same, and how many pages are made and freed a call.
    UnevenPipe(VecDeque<Ring<C::Bulk<N>>>, (usize, usize)),
    Random {
        bulks: Vec<C::Bulk<N>>,
        full: Vec<bool>,
        picks: Vec<u16>,
    },
    Mixed {
        bulks: Vec<C::Bulk<N>>,
        held: Vec<u16>,
        picks: Vec<(u16, u16)>,
    },
    OrphanDrop,
    Wait,
    /// Of this order.
    Blocks(u8),
}

impl<'a, C: Contender, const N: usize, const T: bool, const COUNTED: bool>
    Ready<'a, C, N, T, COUNTED>
{
    fn new(hands: &'a mut Hands<C, COUNTED>, case: &Case, slowness: usize) -> Result<Self> {
        let n = case.bulk;
        let at_least = |calls: usize| ((SAMPLE / n).max(calls) / slowness).max(16);
        let (times, beside) = (at_least(CALLS), at_least(CALLS_BESIDE));
        let kept = (SAMPLE / KEPT / slowness).max(1);
        let some = |count| std::iter::repeat_with(C::bulk::<N>).take(count).collect();
        let rings = || std::iter::repeat_with(|| Ring::new(C::bulk)).take(RINGS).collect();
        let (state, times) = match case.shape {
            Shape::HotPair => (State::HotPair(Turns::new()), times),
            Shape::Keep2048 => (State::Keep(some(KEPT / n)), kept),
            Shape::OutstandingRandom => {
                let out = case.out.unwrap_or_default();
                let bulks = fill::<C, N>(&mut hands.0.0, out / n, n);
                ensure!(bulks.len() == out / n, "it had only {} bulks of {n} pages", bulks.len());
                let bulks = shuffle::<C, N>(bulks, n);
                let count = (out.min(FREED) / n / slowness).max(1);
                (State::OutstandingRandom(Picked::new(bulks, count)), 0)
            }
            shape if COUNTED => bail!("no instructions of `{}` are counted", shape.name()),
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
            Shape::Pipe => (State::Pipe(rings()), times),
            Shape::PipeInto7 => (State::UnevenPipe(rings(), (n, SMALL)), times),
            Shape::PipeFrom7 => (State::UnevenPipe(rings(), (SMALL, n)), times * n / SMALL),
            Shape::Random => {
                let places = 2 * KEPT / n;
                let mut random = Random::default();
                // Every other pick fills a bulk.
                let picks = (0..2 * times).map(|_| random.below(places) as u16);
                let (bulks, full, picks) = (some(places), vec![false; places], picks.collect());
                (State::Random { bulks, full, picks }, 0)
            }
            Shape::Mixed => {
                let picks = mixed_picks(2 * times, n);
                let (bulks, held) = (some(mixed_places(n)), vec![0; mixed_places(n)]);
                (State::Mixed { bulks, held, picks }, 0)
            }
            Shape::OrphanDrop => (State::OrphanDrop, beside),
            Shape::Wait => {
                let (most, one_by_one) =
                    (C::WAITS_FOR, "two who wait for more could wait for ever");
                ensure!(n <= most, "its calls wait for {most} at a time, and {one_by_one}");
                (State::Wait, WAITS)
            }
            Shape::BlockPair3 | Shape::BlockPair9 => {
                // What lies in a cache is in the way of blocks.
                hands.0.0.drain();
                hands.1.0.drain();
                let order = case.shape.blocks().unwrap_or_default();
                (State::Blocks(order), (SAMPLE / (n << order) / slowness).max(2))
            }
        };
        Ok(Ready { hands, n, times, state })
    }
}

impl<C: Contender, const N: usize, const T: bool, const COUNTED: bool> Sampler
    for Ready<'_, C, N, T, COUNTED>
{
    fn warm(&mut self) {
        let Ready { hands: Hands(Line(own), _), n, times, state } = self;
        let times = times.div_ceil(shapes::WARM);
        match state {
            State::HotPair(turns) => {
                turns.next(own, *n);
                turns.turn(|bulk| shapes::hot_pair::<C, N, T>(own, bulk, *n, times));
            }
            State::Keep(bulks) => shapes::keep::<C, N, T>(own, bulks, *n, times),
            // What a sample meets is far from it in any case, and so much that its start does not count.
            State::OutstandingRandom(picked) => picked.next(*n),
            _ if COUNTED => {}
            State::Outstanding(bulks, at) => {
                shapes::outstanding::<C, N, T>(own, bulks, at, *n, times);
            }
            State::Random { bulks, full, picks } => {
                let some = &picks[..picks.len().div_ceil(shapes::WARM)];
                shapes::random::<C, N, T>(own, bulks, full, some, *n);
            }
            State::Mixed { bulks, held, picks } => {
                let some = &picks[..picks.len().div_ceil(shapes::WARM)];
                shapes::mixed::<C, N, T>(own, bulks, held, some);
            }
            // Two threads get warm together, in the sample; the pipe's lines are not near in any case.
            State::TwoThreads(turns) => turns.next(own, *n),
            State::Blocks(order) => shapes::block_pairs(own, *order, *n, times),
            State::KeepBeside(_)
            | State::Pipe(_)
            | State::UnevenPipe(..)
            | State::OrphanDrop
            | State::Wait => {}
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
            State::OutstandingRandom(picked) => return picked.sample::<T>(own, n),
            _ if COUNTED => unreachable!("`new` makes none"),
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
            State::UnevenPipe(rings, sizes) => {
                rings.rotate_left(1);
                let time = shapes::uneven_pipe::<C, N, T>(both, &rings[0], *sizes, times, partner);
                return (time, times * sizes.0);
            }
            State::Mixed { bulks, held, picks } => {
                let mut pages = 0;
                let time = time(|| {
                    pages = shapes::mixed::<C, N, T>(own, bulks, held, picks);
                });
                return (time, pages);
            }
            State::Wait => shapes::wait::<C, N>(both, n, times, partner),
            State::Random { bulks, full, picks } => {
                let mut pages = 0;
                let time = time(|| {
                    pages = shapes::random::<C, N, T>(own, bulks, full, picks, n);
                });
                return (time, pages);
            }
            State::Blocks(order) => {
                let time = time(|| shapes::block_pairs(own, *order, n, times));
                return (time, (times * n) << *order);
            }
            State::OrphanDrop => shapes::orphan_drop::<C, N, T>(both, n, times, partner),
        };
        (time, times * n)
    }
}

impl<C: Contender, const N: usize, const T: bool, const COUNTED: bool> Drop
    for Ready<'_, C, N, T, COUNTED>
{
    fn drop(&mut self) {
        let own = &mut self.hands.0.0;
        match &mut self.state {
            State::Outstanding(bulks, at) => {
                for (_, bulk) in bulks.iter_mut().enumerate().filter(|bulk| bulk.0 != *at) {
                    own.free(bulk, self.n);
                }
            }
            State::OutstandingRandom(picked) => picked.empty(own, self.n),
            State::HotPair(turns) | State::TwoThreads(turns) => turns.empty(own, self.n),
            _ => {}
        }
    }
}

/// Bulks of 1 to `n` pages, half of which are full on average: of about as many pages as `random` has out.
fn mixed_places(n: usize) -> usize {
    4 * KEPT / (n + 1)
}

/// So many picks of bulks, and of how many pages come: the same for everybody.
fn mixed_picks(count: usize, n: usize) -> Vec<(u16, u16)> {
    let mut random = Random::default();
    let pick = |_| (random.below(mixed_places(n)) as u16, 1 + random.below(n) as u16);
    (0..count).map(pick).collect()
}

#[cfg(test)]
mod tests;
