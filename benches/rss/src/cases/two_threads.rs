//! Two threads, each of which allocates, frees and drains.

use std::sync::{Barrier, Mutex};

use pagesheaf::{Mode, PageBatch};

use crate::modes::{untouched, waiting};
use crate::resident::{Peak, resident, touch};
use crate::rows::Rows;

const PAGES: usize = 262_144;
const ROUNDS: usize = 200;

pub fn two_threads(rows: &mut Rows) {
    every_mode!(one(rows));
}

fn one<M: Mode>(rows: &mut Rows, mode: &str) {
    let pool = untouched::<M>(PAGES).build().expect("a pool");
    let (peak, together) = (Mutex::new(Peak::default()), Barrier::new(2));
    let thread = |batches: usize| {
        let mut cache = pool.cache().expect("a cache");
        for round in 0..ROUNDS {
            let mut batches: Vec<_> = (0..batches).map(|_| PageBatch::<M>::new()).collect();
            for batch in &mut batches {
                // Not by an exact call: the other thread may have its turn.
                while batch.len() < 256 {
                    let _ = cache.alloc_bulk(batch, 256 - batch.len());
                }
                touch(batch);
            }
            // Both have all that they want at once in some rounds, and in others as it comes.
            if round % 2 == 0 {
                together.wait();
                peak.lock().expect("no panic").note(&pool);
                together.wait();
            }
            batches.iter_mut().for_each(|batch| cache.free_bulk(batch));
            cache.drain();
            pool.drain();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| thread(8));
        scope.spawn(|| thread(12));
    });
    let figure = "resident after 200 rounds of 2,048 and of 3,072 pages, and drains";
    let peak = peak.into_inner().expect("no panic");
    rows.bounded(figure, mode, resident(&pool), "KiB", peak.bound(waiting::<M>()));
}
