//! Blocks of some orders: one and its free, several in a bulk, and split into pages.

#[macro_use]
mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Mode, Order, Pool};

/// So many blocks in a bulk.
const BULK: usize = 16;

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("blocks");
    let pool: Pool<M> = Pool::builder(1 << 15).mode::<M>().build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    for order in [0, 3, 6, 7, 9, 10] {
        let order = Order::new(order).expect("legal");
        group.throughput(Throughput::Elements(order.pages() as u64));
        let case = |what| BenchmarkId::new(format!("{name}/{what}"), order.get());
        group.bench_function(case("one"), |bencher| {
            bencher.iter(|| {
                let block = cache.alloc_block(order).expect("a block");
                cache.free_block(block);
            });
        });
        group.bench_function(case("split"), |bencher| {
            bencher.iter(|| drop(cache.alloc_block(order).expect("a block").into_pages()));
        });
        // What was split lies in shared slots.
        pool.drain();
        group.throughput(Throughput::Elements((BULK * order.pages()) as u64));
        group.bench_function(case("bulk"), |bencher| {
            let mut blocks = [const { None }; BULK];
            bencher.iter(|| {
                assert_eq!(cache.alloc_blocks_bulk(order, &mut blocks).allocated, BULK);
                blocks.iter_mut().filter_map(Option::take).for_each(|it| cache.free_block(it));
            });
        });
    }
}

fn blocks(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = blocks);
criterion_main!(benches);
