//! The hot pair through the pool's shared caches, on one thread and on two. The matrix has it through caches that
//! threads have for themselves.

#[macro_use]
mod common;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Mode, PageBatch, Pool};

const N: usize = 64;

/// How long `times` runs of a thread's body take on so many threads at once.
fn timed(threads: usize, times: u64, body: impl Fn(u64) + Sync) -> Duration {
    let start = Barrier::new(threads);
    let run = || {
        start.wait();
        let start = Instant::now();
        body(times);
        start.elapsed()
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let others = others.into_iter().map(|thread| thread.join().expect("no panic"));
        others.fold(own, Duration::max)
    })
}

fn through_the_pool<M: Mode>(pool: &Pool<M>, times: u64) {
    let mut batch = PageBatch::new();
    for _ in 0..times {
        assert_eq!(pool.alloc_bulk(&mut batch, N).allocated, N);
        pool.free_bulk(&mut batch);
    }
}

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contention");
    group.throughput(Throughput::Elements(N as u64));
    let pool = common::pool::<M>();
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new(format!("{name}/shared"), threads), |bencher| {
            bencher
                .iter_custom(|times| timed(threads, times, |times| through_the_pool(&pool, times)));
        });
    }
}

fn contention(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = contention);
criterion_main!(benches);
