//! Allocating in bulk and freeing, each by itself, in every preset, at four sizes. The matrix times only both together.

#[macro_use]
mod common;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Cache, Mode, PageBatch};

/// Pages that are out between the two, in bulks of `N`.
const OUT: usize = 2048;

/// Fills all batches and frees them, so many times. Returns how long the one and the other took.
fn both<M: Mode, const N: usize>(
    cache: &mut Cache<M>,
    batches: &mut [PageBatch<M, N>],
    times: u64,
) -> (Duration, Duration) {
    let (mut alloc, mut free) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..times {
        let start = Instant::now();
        for batch in &mut *batches {
            assert_eq!(cache.alloc_bulk(batch, N).allocated, N);
        }
        let full = Instant::now();
        batches.iter_mut().for_each(|batch| cache.free_bulk(batch));
        (alloc, free) = (alloc + (full - start), free + full.elapsed());
    }
    (alloc, free)
}

fn size<M: Mode, const N: usize>(name: &str, cache: &mut Cache<M>, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("modes");
    group.throughput(Throughput::Elements(OUT as u64));
    let mut batches: Vec<_> =
        std::iter::repeat_with(PageBatch::<M, N>::empty).take(OUT / N).collect();
    group.bench_function(BenchmarkId::new(format!("{name}/alloc"), N), |bencher| {
        bencher.iter_custom(|times| both(cache, &mut batches, times).0);
    });
    group.bench_function(BenchmarkId::new(format!("{name}/free"), N), |bencher| {
        bencher.iter_custom(|times| both(cache, &mut batches, times).1);
    });
}

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut cache = common::pool::<M>().cache().expect("a cache");
    size::<M, 1>(name, &mut cache, criterion);
    size::<M, 8>(name, &mut cache, criterion);
    size::<M, 64>(name, &mut cache, criterion);
    size::<M, 256>(name, &mut cache, criterion);
}

fn modes(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = modes);
criterion_main!(benches);
