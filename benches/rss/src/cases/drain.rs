//! A thread allocates 2,048 pages, frees them and drains, again and again.

use pagesheaf::{Mode, PageBatch};

use crate::modes::{untouched, waiting};
use crate::resident::{Peak, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;
const ROUNDS: usize = 400;

pub fn drain(rows: &mut Rows) {
    every_mode_without_quarantine!(rounds(rows));
}

/// The same where pages that were used wait.
pub fn quarantine(rows: &mut Rows) {
    every_mode_with_quarantine!(rounds(rows));
}

fn rounds<M: Mode>(rows: &mut Rows, mode: &str) {
    let pool = untouched::<M>(PAGES).build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut peak = Peak::default();
    for _ in 0..ROUNDS {
        let mut batches: [PageBatch<M>; 8] = core::array::from_fn(|_| PageBatch::new());
        for batch in &mut batches {
            cache.alloc_bulk_exact(batch, 256).expect("pages");
            touch(batch);
        }
        peak.note(&pool);
        batches.iter_mut().for_each(|batch| cache.free_bulk(batch));
        cache.drain();
        pool.drain();
    }
    let figure = "resident after 400 rounds of 2,048 pages and a drain";
    rows.bounded(figure, mode, resident(&pool), "KiB", peak.bound(waiting::<M>()));
}
