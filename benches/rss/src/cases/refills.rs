//! What a page takes that goes from the zone to a cache and back, by one thread and by two at once.
//!
//! Threads keep to areas of their own, so that two hardly meet. A run judges that by itself: each
//! time of two threads stands beside one of one thread, and counts only if the cores were near before
//! and after, for a virtual machine's cores move.

use std::mem::MaybeUninit;
use std::sync::Barrier;
use std::time::Instant;

use matrix::{Distance, TwoCores};
use pagesheaf::{Mode, Pool, Region};

use crate::rows::Rows;

const PAGES: usize = 262_144;
/// Few, so that most times end before another program gets a core.
const ROUNDS: usize = 40;

/// How many pairs of times a figure is of, and after how many tries there is none.
const PAIRS: usize = 51;
const TRIES: usize = 200;

/// How much longer two threads may take than one: see docs/decisions.md.
const TOGETHER: f64 = 3.0;

/// No memory of this process lies here.
const NOWHERE: usize = 1 << 44;

pub fn refills(rows: &mut Rows) {
    let Some(cores) = &TwoCores::new().expect("a second thread") else {
        eprintln!("refills: no figure of two threads, for there is one core");
        return every_mode_without_quarantine!(alone(rows));
    };
    every_mode_without_quarantine!(one(rows, cores));
}

const ALONE: &str = "a page in rounds of 2,048 and a drain, one thread";

fn alone<M: Mode>(rows: &mut Rows, mode: &str) {
    rows.unbounded(ALONE, mode, run::<M>(1, &|| {}), "ns");
}

fn one<M: Mode>(rows: &mut Rows, cores: &TwoCores, mode: &str) {
    let is_near = || cores.distance() == Distance::Near;
    let (mut near, mut all) = (Vec::new(), Vec::new());
    run::<M>(2, &|| cores.move_to_other());
    while near.len() < PAIRS && all.len() < TRIES {
        let alone = run::<M>(1, &|| {});
        let before = is_near();
        let pair = (alone, run::<M>(2, &|| cores.move_to_other()));
        all.push(pair);
        if before && is_near() {
            near.push(pair);
        }
    }
    let enough = near.len() == PAIRS;
    let mut pairs = if enough { near } else { all };
    pairs.sort_by(|one, other| f64::total_cmp(&(one.1 / one.0), &(other.1 / other.0)));
    let (alone, together) = pairs[pairs.len() / 2];
    rows.unbounded(ALONE, mode, alone, "ns");
    let figure = "the same, two threads";
    if enough {
        rows.bounded(figure, mode, together, "ns", alone * TOGETHER);
    } else {
        eprintln!("refills: no bound for {mode}, for the cores were seldom near");
        rows.unbounded(figure, mode, together, "ns");
    }
}

/// Runs so many threads, of which each but one calls `elsewhere`. Returns ns a page, of the slowest.
fn run<M: Mode>(threads: usize, elsewhere: &(dyn Fn() + Sync)) -> f64 {
    let region = Region::addresses(NOWHERE, PAGES * 4096);
    let pool = Pool::builder(PAGES).mode::<M>().region(region).build().expect("a pool");
    let together = Barrier::new(threads);
    let thread = |at: usize| {
        if at > 0 {
            elsewhere();
        }
        let mut cache = pool.cache().expect("a cache");
        together.wait();
        let start = Instant::now();
        for _ in 0..ROUNDS {
            let mut ids = [MaybeUninit::uninit(); 2048];
            let (got, _) = cache.alloc_bulk_raw(&mut ids);
            assert_eq!(got.len(), 2048);
            // SAFETY: they were just allocated, are addresses only, and are freed once.
            unsafe { cache.free_bulk_raw(got) }.expect("they were out");
            cache.drain();
            pool.drain();
        }
        start.elapsed().as_secs_f64() * 1e9 / (ROUNDS * 2048) as f64
    };
    let thread = &thread;
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|at| scope.spawn(move || thread(at))).collect();
        running.into_iter().map(|it| it.join().expect("no panic")).fold(0.0, f64::max)
    })
}
