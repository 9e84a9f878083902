//! The shapes as loops over any contender: these are what is timed.
//!
//! `N` is the room of a bulk, `T` whether pages are touched; both are known to the compiler. Each loop but the pipe's
//! is a function by itself: what stands around it must not change how it is compiled.

use std::hint::black_box;
use std::time::Duration;

use crate::clock::time;
use crate::contender::{Bulk, Contender};
use crate::partner::Partner;
use crate::ring::Ring;

/// A sample's loop, but the pipe's, runs untimed first, so many times shorter: others had their turn since the last.
pub const WARM: usize = 8;

/// Allocates a bulk and touches it. Returns how many pages it got.
#[inline(always)]
fn fill<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulk: &mut C::Bulk<N>,
    n: usize,
) -> usize {
    let got = hand.alloc(bulk, n);
    if T {
        hand.touch(bulk, n);
    }
    black_box(bulk);
    got
}

/// Allocates `n` pages and frees them, so many times.
#[inline(never)]
pub fn hot_pair<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulk: &mut C::Bulk<N>,
    n: usize,
    times: usize,
) {
    let n = black_box(n);
    let mut new = 0;
    for _ in 0..times {
        new += fill::<C, N, T>(hand, bulk, n);
        hand.free(bulk, n);
    }
    assert_eq!(new, n * times, "a bulk was short");
}

/// Allocates `n` blocks and frees them, so many times.
pub fn block_pairs<C: Contender>(hand: &mut C, order: u8, n: usize, times: usize) {
    let got = hand.block_pairs(black_box(order), black_box(n), times);
    assert_eq!(got, n * times, "a block was missing");
}

/// Fills all bulks and then frees them, so many times.
#[inline(never)]
pub fn keep<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulks: &mut [C::Bulk<N>],
    n: usize,
    times: usize,
) {
    let n = black_box(n);
    for _ in 0..times {
        let mut new = 0;
        for bulk in &mut *bulks {
            new += fill::<C, N, T>(hand, bulk, n);
        }
        assert_eq!(new, n * bulks.len(), "a bulk was short");
        for bulk in &mut *bulks {
            hand.free(bulk, n);
        }
    }
}

/// Fills the bulk at `at` and frees the next one, around and around, so many times. That at `at` is empty, before and
/// after; all others are full.
#[inline(never)]
pub fn outstanding<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulks: &mut [C::Bulk<N>],
    at: &mut usize,
    n: usize,
    times: usize,
) {
    let n = black_box(n);
    let mut new = 0;
    for _ in 0..times {
        new += fill::<C, N, T>(hand, &mut bulks[*at], n);
        *at = if *at + 1 == bulks.len() { 0 } else { *at + 1 };
        hand.free(&mut bulks[*at], n);
    }
    assert_eq!(new, n * times, "a bulk was short");
}

/// Frees all bulks, one after the other, and then fills them again.
#[inline(never)]
pub fn outstanding_random<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulks: &mut [C::Bulk<N>],
    n: usize,
) {
    let n = black_box(n);
    for bulk in &mut *bulks {
        hand.free(bulk, n);
    }
    let mut new = 0;
    for bulk in &mut *bulks {
        new += fill::<C, N, T>(hand, bulk, n);
    }
    assert_eq!(new, n * bulks.len(), "a bulk was short");
}

/// Goes to the bulks in the order of `picks`: fills an empty one, frees a full one. All are empty before and after.
/// Returns how many pages came and went.
#[inline(never)]
pub fn random<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulks: &mut [C::Bulk<N>],
    full: &mut [bool],
    picks: &[u16],
    n: usize,
) -> usize {
    let n = black_box(n);
    let (mut new, mut fills) = (0, 0);
    for &pick in picks {
        let (full, bulk) = (&mut full[usize::from(pick)], &mut bulks[usize::from(pick)]);
        if *full {
            hand.free(bulk, n);
        } else {
            new += fill::<C, N, T>(hand, bulk, n);
            fills += 1;
        }
        *full = !*full;
    }
    for (full, bulk) in full.iter_mut().zip(bulks).filter(|one| *one.0) {
        hand.free(bulk, n);
        *full = false;
    }
    assert_eq!(new, n * fills, "a bulk was short");
    new
}

/// As [`random`], but a pick says also how many pages come if its bulk is empty, and `held` how many are in each.
#[inline(never)]
pub fn mixed<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    bulks: &mut [C::Bulk<N>],
    held: &mut [u16],
    picks: &[(u16, u16)],
) -> usize {
    let (mut new, mut wanted) = (0, 0);
    for &(pick, size) in picks {
        let (held, bulk) = (&mut held[usize::from(pick)], &mut bulks[usize::from(pick)]);
        if *held > 0 {
            hand.free(bulk, usize::from(*held));
            *held = 0;
        } else {
            new += fill::<C, N, T>(hand, bulk, usize::from(size));
            wanted += usize::from(size);
            *held = size;
        }
    }
    for (held, bulk) in held.iter_mut().zip(bulks).filter(|one| *one.0 > 0) {
        hand.free(bulk, usize::from(*held));
        *held = 0;
    }
    assert_eq!(new, wanted, "a bulk was short");
    new
}

/// The hot pair, while the other hand does the same on another thread.
pub fn two_threads<C: Contender, const N: usize, const T: bool>(
    (own, other): (&mut C, &mut C),
    bulk: &mut C::Bulk<N>,
    n: usize,
    times: usize,
    partner: &Partner,
) -> Duration {
    partner.beside(
        move |go_on| {
            let mut bulk = C::bulk::<N>();
            while go_on() {
                hot_pair::<C, N, T>(other, &mut bulk, n, 16);
            }
        },
        || {
            hot_pair::<C, N, T>(own, bulk, n, times.div_ceil(WARM));
            time(|| hot_pair::<C, N, T>(own, bulk, n, times))
        },
    )
}

/// Fills all bulks and then frees them, so many times, while the other hand does the same on another thread.
pub fn keep_beside<C: Contender, const N: usize, const T: bool>(
    (own, other): (&mut C, &mut C),
    bulks: &mut [C::Bulk<N>],
    n: usize,
    times: usize,
    partner: &Partner,
) -> Duration {
    let count = bulks.len();
    partner.beside(
        move |go_on| {
            let mut bulks: Vec<_> = std::iter::repeat_with(C::bulk::<N>).take(count).collect();
            while go_on() {
                keep::<C, N, T>(other, &mut bulks, n, 1);
            }
        },
        || {
            keep::<C, N, T>(own, bulks, n, times.div_ceil(WARM));
            time(|| keep::<C, N, T>(own, bulks, n, times))
        },
    )
}

/// The end of a pipe that allocates, until all bulks have been consumed.
#[inline(always)]
fn produced<C: Contender, const N: usize, const T: bool>(
    hand: &mut C,
    ring: &Ring<C::Bulk<N>>,
    n: usize,
    times: usize,
) -> Duration {
    let mut new = 0;
    let time = time(|| {
        ring.produce(times, |bulk| new += fill::<C, N, T>(hand, bulk, n));
        ring.wait();
    });
    assert_eq!(new, n * times, "a bulk was short");
    time
}

/// Allocates so many bulks, which the other hand frees on another thread.
pub fn pipe<C: Contender, const N: usize, const T: bool>(
    (own, other): (&mut C, &mut C),
    ring: &Ring<C::Bulk<N>>,
    n: usize,
    times: usize,
    partner: &Partner,
) -> Duration {
    let n = black_box(n);
    partner.beside(
        move |_| {
            ring.consume(times, |bulk| {
                black_box(&mut *bulk);
                other.free(bulk, n);
            });
        },
        || produced::<C, N, T>(own, ring, n, times),
    )
}

/// Allocates so many bulks of `made` pages, of which the other hand frees `freed` a call on another thread.
pub fn uneven_pipe<C: Contender, const N: usize, const T: bool>(
    (own, other): (&mut C, &mut C),
    ring: &Ring<C::Bulk<N>>,
    (made, freed): (usize, usize),
    times: usize,
    partner: &Partner,
) -> Duration {
    let (made, freed) = (black_box(made), black_box(freed));
    partner.beside(
        move |_| {
            let (mut rest, mut held) = (C::bulk::<N>(), 0);
            ring.consume(times, |bulk| {
                black_box(&mut *bulk);
                let mut left = made;
                while left > 0 {
                    let some = left.min(freed - held);
                    bulk.pass(left, &mut rest, held, some);
                    (left, held) = (left - some, held + some);
                    if held == freed {
                        other.free(&mut rest, freed);
                        held = 0;
                    }
                }
            });
            if held > 0 {
                other.free(&mut rest, held);
            }
        },
        || produced::<C, N, T>(own, ring, made, times),
    )
}

/// Waits for all pages and frees them, so many times.
#[inline(never)]
fn takes<C: Contender, const N: usize>(hand: &mut C, n: usize, times: usize) {
    let mut bulk = C::bulk::<N>();
    for _ in 0..times {
        let got = pollster::block_on(hand.alloc_waiting(&mut bulk, n));
        assert_eq!(got, n, "a bulk was short");
        hand.free(&mut bulk, n);
    }
}

/// Waits for all pages and frees them, while the other hand does the same on another thread.
pub fn wait<C: Contender, const N: usize>(
    (own, other): (&mut C, &mut C),
    n: usize,
    times: usize,
    partner: &Partner,
) -> Duration {
    partner.beside(
        move |go_on| {
            while go_on() {
                takes::<C, N>(other, n, 1);
            }
        },
        || {
            takes::<C, N>(own, n, times.div_ceil(WARM));
            time(|| takes::<C, N>(own, n, times))
        },
    )
}

/// Allocates a bulk and drops it without a cache, so many times.
#[inline(never)]
fn orphans<C: Contender, const N: usize, const T: bool>(hand: &mut C, n: usize, times: usize) {
    let mut bulk = C::bulk::<N>();
    let n = black_box(n);
    for _ in 0..times {
        let got = fill::<C, N, T>(hand, &mut bulk, n);
        assert_eq!(got, n, "a bulk was short");
        C::orphan(&mut bulk, n);
    }
}

/// Allocates bulks and drops them without a cache, on two threads.
pub fn orphan_drop<C: Contender, const N: usize, const T: bool>(
    (own, other): (&mut C, &mut C),
    n: usize,
    times: usize,
    partner: &Partner,
) -> Duration {
    partner.beside(
        move |go_on| {
            while go_on() {
                orphans::<C, N, T>(other, n, 16);
            }
        },
        || {
            orphans::<C, N, T>(own, n, times.div_ceil(WARM));
            time(|| orphans::<C, N, T>(own, n, times))
        },
    )
}
