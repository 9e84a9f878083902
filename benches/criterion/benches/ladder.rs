//! What each safety step adds to the one before, at 64 pages a call: to the hot pair, and with
//! 2,048 pages out. Each hardening switch stands alone first, and then they are added one by one;
//! poison comes last, because beside it no other could be seen.

#[macro_use]
mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pagesheaf::hardening::{CLAIM, POISON, QUARANTINE, SHUFFLE};
use pagesheaf::{Bare, Checked, Hardened, Mode, NoStats, PageBatch, Select};

const N: usize = 64;

fn step<M: Mode>(name: &str, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ladder");
    let mut cache = common::pool::<M>().cache().expect("a cache");
    let mut batch = PageBatch::new();
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function(format!("hot_pair/{name}"), |bencher| {
        bencher.iter(|| common::pair(&mut cache, &mut batch, N));
    });
    let mut batches = common::batches::<M>(N);
    group.throughput(Throughput::Elements(2048));
    group.bench_function(format!("keep_2048/{name}"), |bencher| {
        bencher.iter(|| common::keep(&mut cache, &mut batches, N));
    });
}

/// `Checked` with these hardening switches.
fn switch<const HARDENING: u8>(name: &str, criterion: &mut Criterion) {
    step::<Select<true, true, true, HARDENING>>(name, criterion);
}

fn ladder(criterion: &mut Criterion) {
    step::<Bare>("1 bare", criterion);
    step::<Select<true, false, false, 0>>("2 + refcount", criterion);
    step::<NoStats>("3 + checks", criterion);
    step::<Checked>("4 + stats", criterion);
    switch::<CLAIM>("5 claim alone", criterion);
    switch::<QUARANTINE>("5 quarantine alone", criterion);
    switch::<SHUFFLE>("5 shuffle alone", criterion);
    switch::<POISON>("5 poison alone", criterion);
    switch::<{ CLAIM | QUARANTINE }>("6 claim, quarantine", criterion);
    switch::<{ CLAIM | QUARANTINE | SHUFFLE }>("7 claim, quarantine, shuffle", criterion);
    step::<Hardened>("8 hardened", criterion);
}

criterion_group!(name = benches; config = common::criterion(); targets = ladder);
criterion_main!(benches);
