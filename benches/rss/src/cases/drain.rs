//! A thread allocates 2,048 pages, frees them and drains, again and again.

use pagesheaf::{Bare, Builder, Checked, Compact, Hardened, Mode, NoChecks, PageBatch, Pool};

use crate::resident::{Peak, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;
const ROUNDS: usize = 400;

pub fn drain(rows: &mut Rows) {
    rounds::<Bare>(rows, "Bare", Pool::builder(PAGES).mode(), 0);
    rounds::<NoChecks>(rows, "NoChecks", Pool::builder(PAGES).mode(), 0);
    rounds::<Checked>(rows, "Checked", Pool::builder(PAGES).mode(), 0);
    rounds::<Compact>(rows, "Compact", Pool::builder(PAGES).mode(), 0);
}

/// The same where pages that were used wait, so many of them.
pub fn quarantine(rows: &mut Rows) {
    const LENGTH: usize = 4096;
    let builder = Pool::builder(PAGES).mode::<Hardened>().poison_lazily(true);
    rounds(rows, "Hardened", builder.quarantine_length(LENGTH), LENGTH as u64);
}

fn rounds<M: Mode>(rows: &mut Rows, mode: &str, builder: Builder<M>, waiting: u64) {
    let pool = builder.build().expect("a pool");
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
    rows.bounded(figure, mode, resident(&pool), "KiB", peak.bound(waiting));
}
