//! A service with a steady load and bursts, whose pool is maintained: what is resident follows the
//! load down, and the next burst costs what first touch costs, and no more.

use std::time::Instant;

use pagesheaf::{Cache, Mode, PageBatch, Pool, Region};

use crate::modes::{untouched, waiting};
use crate::resident::{Peak, pages, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;

/// In batches of 256: 16 MiB all the time, and 320 MiB in a burst.
const STEADY: usize = 16;
const BURST: usize = 320;

/// Bursts after the first one.
const BURSTS: usize = 6;

/// A burst counts if at least this share of its pages had gone back to the system before it: the
/// others are those that the steady load uses, and those that wait in a quarantine.
const PURGED: f64 = 0.8;

/// How much longer a page may take in a later burst than in the first burst of a fresh pool, with
/// its allocation: see docs/decisions.md.
const BURST_COST: f64 = 1.25;

pub fn service(rows: &mut Rows) {
    every_mode!(one(rows));
}

/// Allocates so many batches, one after the other, touches their pages, and frees them. Returns how
/// long a page took until it was touched, in ns.
fn load<M: Mode>(cache: &mut Cache<M>, batches: usize, peak: &mut Peak, pool: &Pool<M>) -> f64 {
    let mut batches: Vec<_> = (0..batches).map(|_| PageBatch::<M>::new()).collect();
    let start = Instant::now();
    for batch in &mut batches {
        cache.alloc_bulk_exact(batch, 256).expect("pages");
        touch(batch);
    }
    let took = start.elapsed().as_secs_f64();
    peak.note(pool);
    let touched = 256 * batches.len();
    batches.iter_mut().for_each(|batch| cache.free_bulk(batch));
    took * 1e9 / touched as f64
}

fn build<M: Mode>() -> Pool<M> {
    let region = Region::mapped().purge(true);
    untouched::<M>(PAGES).region(region).build().expect("a pool")
}

/// What a page takes in the first burst of a pool that nobody has touched.
fn first_burst<M: Mode>() -> f64 {
    let pool = build::<M>();
    load(&mut pool.cache().expect("a cache"), BURST, &mut Peak::default(), &pool)
}

fn one<M: Mode>(rows: &mut Rows, mode: &str) {
    let pool = build::<M>();
    let mut cache = pool.cache().expect("a cache");
    let (mut after, mut steady) = (0.0_f64, Peak::default());
    // What a page took in a burst, and in the first burst of a fresh pool right after it.
    let mut beside = Vec::new();
    load(&mut cache, BURST, &mut Peak::default(), &pool);
    for _ in 0..BURSTS {
        let mut purged = 0;
        for _ in 0..24 {
            steady = Peak::default();
            load(&mut cache, STEADY, &mut steady, &pool);
            purged += pool.maintain().purged;
        }
        after = after.max(resident(&pool));
        let took = load(&mut cache, BURST, &mut Peak::default(), &pool);
        if purged as f64 >= PURGED * (256 * BURST) as f64 {
            beside.push((took, first_burst::<M>()));
        }
    }
    assert!(pages(&pool).adds_up());
    let bound = steady.bound(waiting::<M>());
    rows.bounded("resident after bursts of 320 MiB", mode, after, "KiB", bound);
    assert!(beside.len() * 2 > BURSTS, "{mode}: {} bursts met purged pages", beside.len());
    beside.sort_by(|one, other| f64::total_cmp(&(one.0 / one.1), &(other.0 / other.1)));
    let (later, first) = beside[beside.len() / 2];
    let figure = "a page in the next burst, until it is touched";
    rows.bounded(figure, mode, later, "ns", first * BURST_COST);
}
