//! Bursts that are larger than the depots, without a drain.

use pagesheaf::{Mode, PageBatch};

use crate::modes::{untouched, waiting};
use crate::resident::{Peak, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;

/// In batches of 256: 70,000 pages and more, where depots hold 65,536.
const BURSTS: [usize; 12] = [10, 280, 40, 300, 5, 290, 120, 275, 300, 20, 285, 300];

pub fn bursts(rows: &mut Rows) {
    every_mode!(one(rows));
}

fn one<M: Mode>(rows: &mut Rows, mode: &str) {
    let pool = untouched::<M>(PAGES).build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut peak = Peak::default();
    for n in BURSTS {
        let mut batches: Vec<_> = (0..n).map(|_| PageBatch::<M>::new()).collect();
        for batch in &mut batches {
            cache.alloc_bulk_exact(batch, 256).expect("pages");
            touch(batch);
        }
        peak.note(&pool);
        // In another order than they came.
        let (even, odd): (Vec<_>, Vec<_>) =
            batches.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
        even.into_iter().chain(odd).for_each(|(_, mut batch)| cache.free_bulk(&mut batch));
        peak.note(&pool);
    }
    let figure = "resident after bursts of up to 76,800 pages";
    rows.bounded(figure, mode, resident(&pool), "KiB", peak.bound(waiting::<M>()));
}
