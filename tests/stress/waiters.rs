//! Threads that want more than there is, and wait for it in line: first come, first served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pagesheaf::Mode;

use crate::oracle::{lets_all_go, took_from};
use crate::programs::{BULK, BulkAlloc, Case};
use crate::random::Random;

/// Far longer than anybody waits, unless a wake-up is lost.
const LONG: Duration = Duration::from_secs(60);

/// Microseconds: the longest wait of those in line, and all of them.
static LONGEST: AtomicU64 = AtomicU64::new(0);
static WAITED: AtomicU64 = AtomicU64::new(0);
static WAITS: AtomicU64 = AtomicU64::new(0);
/// The most tries in a row in which one that does not wait got nothing.
static TRIES: AtomicU64 = AtomicU64::new(0);

/// What was measured since the last time.
pub fn report() -> String {
    let take = |figure: &AtomicU64| figure.swap(0, Ordering::Relaxed);
    let (longest, waited, waits) = (take(&LONGEST), take(&WAITED), take(&WAITS));
    let mean = waited.checked_div(waits).unwrap_or(0);
    let tries = take(&TRIES);
    format!(
        "{waits} waits: {mean} us in the mean, {longest} us at the most; who does not wait got \
         nothing {tries} times in a row at the most"
    )
}

/// All but every fourth thread wait for up to as many pages as a bulk has, all or none; the others take what there is.
pub fn waiters<M: Mode>(case: &Case<M>, seed: u64) {
    let owner = seed as u32 + 1;
    let mut random = Random::new(seed);
    let mut cache = case.cache();
    let mut tries = 0;
    while case.goes_on() {
        let mut bulk = BulkAlloc::default();
        let want = 1 + random.below(BULK);
        if seed % 4 == 3 {
            case.alloc_bulk(&mut cache, &mut bulk, want, owner);
            tries = if bulk.is_empty() { tries + 1 } else { 0 };
            TRIES.fetch_max(tries, Ordering::Relaxed);
        } else {
            let start = Instant::now();
            let done = match &mut cache {
                Some(cache) if want.is_multiple_of(2) => {
                    cache.alloc_bulk_timeout(&mut bulk, want, LONG)
                }
                Some(cache) => cache.alloc_bulk_exact_timeout(&mut bulk, want, LONG),
                None => case.pool.alloc_bulk_timeout(&mut bulk, want, LONG),
            };
            assert_eq!(done, Ok(()), "{}", case.pool);
            let waited = start.elapsed().as_micros() as u64;
            LONGEST.fetch_max(waited, Ordering::Relaxed);
            WAITED.fetch_add(waited, Ordering::Relaxed);
            WAITS.fetch_add(1, Ordering::Relaxed);
            case.count(bulk.len(), false);
            took_from(&mut bulk, 0, owner);
        }
        if random.below(2) == 0 {
            case.free_bulk(&mut cache, &mut bulk);
        } else {
            lets_all_go(&bulk);
            drop(bulk);
        }
    }
}
