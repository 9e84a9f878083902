//! Reports of a pool in motion have no figure that cannot be, and call no page misplaced.
#![cfg(feature = "std")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::*;

/// Lets the workers go on to their end when a look has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Allocates, lends, and frees through caches, the pool and drops, until it is told to stop.
fn work<M: Mode>(pool: &Pool<M>, seed: u64, stop: &AtomicBool) {
    let mut cache = pool.cache().expect("a cache");
    let mut random = Random::new(seed);
    while !stop.load(Ordering::Relaxed) {
        let mut batch = PageBatch::<M, 64>::empty();
        let want = random.below(64);
        _ = if random.below(2) == 0 {
            cache.alloc_bulk(&mut batch, want)
        } else {
            pool.alloc_bulk(&mut batch, want)
        };
        match random.below(5) {
            0 => cache.free_bulk(&mut batch),
            1 => pool.free_bulk(&mut batch),
            2 => drop(batch),
            3 => cache.drain(),
            _ => {
                let mut ids = no_ids::<64>();
                let lent = cache.lend_bulk(&mut batch, &mut ids);
                // SAFETY: the pages were just lent, and no device uses them.
                assert_eq!(unsafe { pool.reclaim_bulk(lent, &mut batch) }, Ok(lent.len()));
            }
        }
        if let Ok(block) = pool.alloc_block(Order::new(2).expect("legal")) {
            drop(block);
        }
    }
}

/// Asserts that no figure is above the capacity.
fn assert_bounded(pages: Pages) {
    let Pages { capacity, free, cached, out, lent, bad, .. } = pages;
    assert!([free, cached, out, lent].iter().all(|&figure| figure <= capacity), "{pages}");
    assert_eq!(bad, 0, "{pages}");
}

fn reports_of_a_pool_in_motion_can_be_true<M: Mode>() {
    let pool = build::<M>(100, |builder| {
        builder.max_caches(3).shared_caches(2).magazine_capacity(8).page_size(64)
    });
    let (stop, pool) = (AtomicBool::new(false), &pool);
    thread::scope(|scope| {
        let _finally = Stop(&stop);
        for seed in 1..=3 {
            let stop = &stop;
            scope.spawn(move || work(pool, seed, stop));
        }
        let end = Instant::now() + Duration::from_millis(often(150) as u64);
        while Instant::now() < end {
            let audit = pool.audit();
            assert!(matches!(audit.misplaced, None | Some(0)), "{audit}");
            assert_bounded(audit.pages);
            if let Some(stats) = pool.stats() {
                assert_bounded(stats.pages);
            }
            let error = pool.clone().close().expect_err("other handles live");
            assert!(error.out() <= 100, "{error}");
            assert_eq!(error.ids().count(), 0);
        }
    });
    assert_adds_up(pool);
    assert_eq!(out(pool), 0);
}

every_mode!(reports_of_a_pool_in_motion_can_be_true);
