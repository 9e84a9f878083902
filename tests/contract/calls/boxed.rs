//! A batch on the heap: it is made there, and needs no stack.
#![cfg(feature = "std")]

use crate::common::*;

/// A batch of so many pages takes 1 MiB.
const N: usize = 1 << 18;

/// Less than the batch takes, and enough for everything else.
const STACK: usize = 256 << 10;

/// Runs `f` on a thread with little stack.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(f);
    thread.expect("a thread").join().expect("no panic");
}

fn a_large_batch_needs_no_stack<M: Mode>() {
    const { assert!(size_of::<PageBatch<M, N>>() > 4 * STACK) };
    on_a_small_stack(|| {
        let pool = pool::<M>(500);
        let mut cache = pool.cache().expect("a cache");
        let mut batch = PageBatch::<M, N>::boxed();
        assert!(batch.is_empty());
        assert_eq!((batch.len(), batch.capacity(), batch.remaining_capacity()), (0, N, N));
        assert_eq!(batch.as_ref() as *const _ as usize % align_of::<PageBatch<M, N>>(), 0);
        let got = cache.alloc_bulk(&mut batch, N);
        assert_eq!((got.allocated, got.reason), (500, Some(ShortReason::Exhausted)));
        batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
        assert!(batch.iter().zip(0..).all(|(bytes, seed)| is_marked(bytes, seed)));
        assert!(distinct(batch.ids()));
        drop(batch.pop().expect("a page"));
        assert_eq!(batch.len(), 499);
        cache.free_bulk(&mut batch);
        assert_eq!(pool.alloc_bulk(&mut batch, 100).allocated, 100);
        drop(cache);
        drop(batch);
        assert_whole(pool);
    });
}

/// Two take no more than one.
fn large_batches_change_hands_without_stack<M: Mode>() {
    on_a_small_stack(|| {
        let pool = pool::<M>(300);
        let [mut one, mut two] = [PageBatch::<M, N>::boxed(), PageBatch::<M, N>::boxed()];
        assert_eq!(pool.alloc_bulk(&mut one, 200).allocated, 200);
        assert_eq!(two.append(&mut one), Ok(()));
        assert_eq!((one.len(), two.len()), (0, 200));
        std::mem::swap(&mut one, &mut two);
        drop((one, two));
        assert_whole(pool);
    });
}

every_mode!(a_large_batch_needs_no_stack, large_batches_change_hands_without_stack);
