//! What a page takes that goes from the zone to a cache and back, by one thread and by two at once.
//!
//! Threads keep to areas of their own, so that two take about as long as one, each. Times of two
//! threads depend on where the system runs them, and on what else runs: these figures have no bound.

use std::mem::MaybeUninit;
use std::sync::Barrier;
use std::time::Instant;

use pagesheaf::{Bare, Checked, Mode, Pool, Region};

use crate::rows::Rows;

const PAGES: usize = 262_144;
const ROUNDS: usize = 300;

/// No memory of this process lies here.
const NOWHERE: usize = 1 << 44;

pub fn refills(rows: &mut Rows) {
    one::<Bare>(rows, "Bare");
    one::<Checked>(rows, "Checked");
}

fn one<M: Mode>(rows: &mut Rows, mode: &str) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (threads, times) in (1..=2).zip(&mut times) {
            times.push(run::<M>(threads));
        }
    }
    for (what, mut times) in ["one thread", "two threads"].into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let figure = format!("a page in rounds of 2,048 and a drain, {what}");
        rows.unbounded(&figure, mode, times[times.len() / 2], "ns");
    }
}

/// Runs so many threads. Returns ns a page, of the slowest.
fn run<M: Mode>(threads: usize) -> f64 {
    let region = Region::addresses(NOWHERE, PAGES * 4096);
    let pool = Pool::builder(PAGES).mode::<M>().region(region).build().expect("a pool");
    let together = Barrier::new(threads);
    let thread = || {
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
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        running.into_iter().map(|it| it.join().expect("no panic")).fold(0.0, f64::max)
    })
}
