//! What the criterion benches share. The matrix (`cargo xtask matrix`) is what to compare modes by: it measures them
//! interleaved. These are for looking at one change, with criterion's history, at what the matrix does not have.
#![allow(dead_code, unused_macros, reason = "each bench uses a part of this")]

use std::time::Duration;

use criterion::Criterion;
use pagesheaf::{Cache, Mode, Page, PageBatch, Pool};

/// Short measurements, so that all benches together end within minutes.
pub fn criterion() -> Criterion {
    let quick = Criterion::default().sample_size(20);
    quick.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800))
}

/// Calls `$bench::<Mode>` with its name for each preset.
macro_rules! for_presets {
    ($bench:ident($($arg:expr),*)) => {
        $bench::<pagesheaf::Bare>("Bare", $($arg),*);
        $bench::<pagesheaf::NoChecks>("NoChecks", $($arg),*);
        $bench::<pagesheaf::NoStats>("NoStats", $($arg),*);
        $bench::<pagesheaf::NoRefcount>("NoRefcount", $($arg),*);
        $bench::<pagesheaf::Compact>("Compact", $($arg),*);
        $bench::<pagesheaf::Checked>("Checked", $($arg),*);
        $bench::<pagesheaf::Hardened>("Hardened", $($arg),*);
    };
}

/// Puts things in no order, the same in every run.
pub fn shuffle<T>(things: &mut [T]) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..things.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        things.swap(at, (random % (at as u64 + 1)) as usize);
    }
}

/// A pool of 16,384 pages that will be handed out in no order.
pub fn pool<M: Mode>() -> Pool<M> {
    let pool: Pool<M> = Pool::builder(1 << 14).mode::<M>().build().expect("a pool");
    let mut pages: Vec<Page<M>> = std::iter::from_fn(|| pool.alloc().ok()).collect();
    shuffle(&mut pages);
    pages.into_iter().for_each(|page| pool.free(page));
    pool
}

/// Allocates `n` pages and frees them.
#[inline(always)]
pub fn pair<M: Mode>(cache: &mut Cache<M>, batch: &mut PageBatch<M>, n: usize) {
    let got = cache.alloc_bulk(batch, n);
    assert_eq!(got.allocated, n);
    std::hint::black_box(&mut *batch);
    cache.free_bulk(batch);
}
