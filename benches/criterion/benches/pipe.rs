//! One thread allocates batches and sends them through a channel of the standard library, another frees them.

#[macro_use]
mod common;

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::{Mode, PageBatch, Pool};

/// Sends so many batches of `n` pages.
fn piped<M: Mode>(pool: &Pool<M>, n: usize, times: u64) -> Duration {
    let (sender, receiver) = sync_channel::<Box<PageBatch<M>>>(16);
    let (mut front, mut back) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    thread::scope(|threads| {
        threads
            .spawn(move || receiver.into_iter().for_each(|mut batch| back.free_bulk(&mut batch)));
        let start = Instant::now();
        for _ in 0..times {
            let mut batch = Box::<PageBatch<M>>::default();
            // The other thread may be behind: what it holds comes back.
            while batch.len() < n {
                let room = n - batch.len();
                let _ = front.alloc_bulk(&mut batch, room);
            }
            sender.send(batch).expect("the other thread is there");
        }
        drop(sender);
        start.elapsed()
    })
}

fn mode<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipe");
    let pool = common::pool::<M>();
    for n in [1, 64] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::new(name, n), &n, |bencher, &n| {
            bencher.iter_custom(|times| piped(&pool, n, times));
        });
    }
}

fn pipe(criterion: &mut Criterion) {
    for_presets!(mode(criterion));
}

criterion_group!(name = benches; config = common::criterion(); targets = pipe);
criterion_main!(benches);
