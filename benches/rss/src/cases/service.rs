//! A service with a steady load and bursts, whose pool is maintained: what is resident follows the
//! load down, and the next burst costs what first touch costs.

use std::time::Instant;

use pagesheaf::{
    Bare, Builder, Cache, Checked, Compact, Hardened, Mode, NoChecks, NoRefcount, NoStats,
    PageBatch, Pool, Region,
};

use crate::resident::{Peak, pages, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;

/// In batches of 256: 16 MiB all the time, and 320 MiB in a burst.
const STEADY: usize = 16;
const BURST: usize = 320;

/// Pages that wait in a quarantine.
const WAITING: usize = 4096;

/// How much longer than a first touch the touch of a page may take whose memory went back. It is the
/// same page fault; but of few figures, measured at different moments, two may lie that far apart
/// while others use the machine. What a write to memory that is there takes is a tenth of it.
const TOUCH: f64 = 1.5;

pub fn service(rows: &mut Rows) {
    one::<Bare>(rows, "Bare", 0, |builder| builder);
    one::<NoRefcount>(rows, "NoRefcount", 0, |builder| builder);
    one::<NoChecks>(rows, "NoChecks", 0, |builder| builder);
    one::<NoStats>(rows, "NoStats", 0, |builder| builder);
    one::<Checked>(rows, "Checked", 0, |builder| builder);
    one::<Compact>(rows, "Compact", 0, |builder| builder);
    // With it, pages that were used wait.
    let how = |builder: Builder<Hardened>| builder.quarantine_length(WAITING).poison_lazily(true);
    one(rows, "Hardened", WAITING as u64, how);
}

/// Allocates so many batches, one after the other, touches their pages, and frees them. Returns how
/// long a page took to touch, in ns.
fn load<M: Mode>(cache: &mut Cache<M>, batches: usize, peak: &mut Peak, pool: &Pool<M>) -> f64 {
    let mut batches: Vec<_> = (0..batches).map(|_| PageBatch::<M>::new()).collect();
    let mut took = 0.0;
    for batch in &mut batches {
        cache.alloc_bulk_exact(batch, 256).expect("pages");
        let start = Instant::now();
        touch(batch);
        took += start.elapsed().as_secs_f64();
    }
    peak.note(pool);
    let touched = 256 * batches.len();
    batches.iter_mut().for_each(|batch| cache.free_bulk(batch));
    took * 1e9 / touched as f64
}

fn one<M: Mode>(rows: &mut Rows, mode: &str, waiting: u64, how: impl Fn(Builder<M>) -> Builder<M>) {
    let build = || {
        let region = Region::mapped().purge(true);
        how(Pool::builder(PAGES).mode::<M>().region(region)).build().expect("a pool")
    };
    let pool = build();
    let mut cache = pool.cache().expect("a cache");
    let (mut after, mut first_touch, mut later) = (0.0_f64, Vec::new(), Vec::new());
    let mut steady = Peak::default();
    for burst in 0..5 {
        let took = load(&mut cache, BURST, &mut Peak::default(), &pool);
        if burst == 0 {
            first_touch.push(took);
        } else {
            later.push(took);
            // Of a pool that nobody has touched.
            let fresh = build();
            let mut cache = fresh.cache().expect("a cache");
            first_touch.push(load(&mut cache, BURST, &mut Peak::default(), &fresh));
        }
        for _ in 0..24 {
            steady = Peak::default();
            load(&mut cache, STEADY, &mut steady, &pool);
            let _ = pool.maintain();
        }
        after = after.max(resident(&pool));
    }
    assert!(pages(&pool).adds_up());
    rows.bounded("resident after bursts of 320 MiB", mode, after, "KiB", steady.bound(waiting));
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (first, later) = (median(&mut first_touch), median(&mut later));
    rows.bounded("touch of a page in the next burst", mode, later, "ns", first * TOUCH);
}
