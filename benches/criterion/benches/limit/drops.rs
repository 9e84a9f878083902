//! What a drop without a cache must do beside a pair of copies: hold a lock that others may try for, and count where
//! the last handle may come between. Both are locked instructions.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pagesheaf::{Bare, Cache, PageBatch};

use crate::common;
use crate::pairs::{Ids, copy};
use crate::rounds::Rounds;

/// What a slot has for those who drop.
#[repr(align(128))]
struct Slot {
    lock: AtomicU32,
    dropped: AtomicU64,
}

/// Takes `n` ids to a bulk and back, so many times, with as many `PARTS` of a drop: 1 the lock, 2 also the count.
#[inline(never)]
fn drops<const PARTS: u32>(slot: &Slot, ids: &Ids, bulk: &Ids, n: usize, times: usize) {
    let n = black_box(n);
    for _ in 0..times {
        copy(&ids.0[..n], &bulk.0[..n]);
        black_box((ids, bulk));
        if PARTS > 0 {
            let locked = slot.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
            assert_eq!(locked, Ok(0));
        }
        copy(&bulk.0[..n], &ids.0[..n]);
        if PARTS > 0 {
            slot.lock.store(0, Ordering::Release);
        }
        if PARTS > 1 {
            slot.dropped.fetch_add(n as u64, Ordering::Release);
        }
    }
}

/// The allocator's own, so many times. A function by itself: what stands around it must not change how it is compiled.
#[inline(never)]
fn calls(cache: &mut Cache<Bare>, batch: &mut PageBatch<Bare>, n: usize, times: usize) {
    let n = black_box(n);
    for _ in 0..times {
        assert_eq!(cache.alloc_bulk(batch, n).allocated, n);
        black_box(&mut *batch).clear();
    }
}

/// Prints how long a page takes that is allocated in bulk, and dropped without a cache.
pub fn print(rounds: &Rounds) {
    let (magazine, bulk) = (Ids::new(), Ids::new());
    let slot = Box::new(Slot { lock: AtomicU32::new(0), dropped: AtomicU64::new(0) });
    let mut cache = common::pool::<Bare>().cache().expect("a cache");
    let mut batch = PageBatch::new();
    println!("drops, n           copy      lock     count      Bare");
    for n in [1, 8, 32, 64, 256] {
        rounds.print(
            n,
            &mut [
                &mut |_, count| drops::<0>(&slot, &magazine, &bulk, n, count),
                &mut |_, count| drops::<1>(&slot, &magazine, &bulk, n, count),
                &mut |_, count| drops::<2>(&slot, &magazine, &bulk, n, count),
                &mut |_, count| calls(&mut cache, &mut batch, n, count),
            ],
        );
    }
}
