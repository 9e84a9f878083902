//! The hot pair in every preset, at four sizes.

#[macro_use]
mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Mode, PageBatch};

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("modes");
    let mut cache = common::pool::<M>().cache().expect("a cache");
    let mut batch = PageBatch::new();
    for n in [1, 8, 64, 256] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::new(name, n), &n, |bencher, &n| {
            bencher.iter(|| common::pair(&mut cache, &mut batch, n));
        });
    }
}

fn modes(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = modes);
criterion_main!(benches);
