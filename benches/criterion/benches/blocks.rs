//! Blocks of some orders, split into pages. The matrix has those that come and go whole.

#[macro_use]
mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Mode, Order, Pool};

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("blocks");
    let pool: Pool<M> = Pool::builder(1 << 15).mode::<M>().build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    for order in [0, 3, 6, 7, 9, 10] {
        let order = Order::new(order).expect("legal");
        group.throughput(Throughput::Elements(order.pages() as u64));
        group.bench_function(BenchmarkId::new(name, order.get()), |bencher| {
            bencher.iter(|| drop(cache.alloc_block(order).expect("a block").into_pages()));
        });
        // What was split lies in shared slots.
        pool.drain();
    }
}

fn blocks(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = blocks);
criterion_main!(benches);
