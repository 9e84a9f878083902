//! A pool of 1 TiB is built, used a little, and looked at.

use std::time::Instant;

use pagesheaf::{Builder, Checked, Mode, Pool, Region};

use crate::rows::Rows;

/// Pages of 4 KiB: 1 TiB.
const PAGES: usize = 1 << 28;

/// No memory of this process lies here.
const NOWHERE: usize = 1 << 44;

/// What may be resident, in KiB.
const RESIDENT: f64 = 65_536.0;

/// How long building may take, in milliseconds.
const BUILD: f64 = 50.0;

pub fn large(rows: &mut Rows) {
    let regions: [(_, fn() -> Region); 2] = [
        ("addresses", || Region::addresses(NOWHERE, PAGES * 4096)),
        ("mapped, not reserved", || Region::mapped().no_reserve().into()),
    ];
    for (what, region) in regions {
        every_mode!(one(rows, what, Pool::builder(PAGES).region(region())));
    }
    for (what, online) in [("none online", 0), ("all online", PAGES)] {
        let region = Region::addresses(NOWHERE, PAGES * 4096);
        let builder = Pool::builder(PAGES).region(region).initially(online);
        drop(built::<Checked>(rows, &format!("addresses, {what}"), "Checked", builder.mode()));
    }
}

/// KiB of this process that the system has in memory.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    4.0 * pages.expect("a number")
}

/// Builds a pool, and says what it took and what was resident before.
fn built<M: Mode>(rows: &mut Rows, what: &str, mode: &str, builder: Builder<M>) -> (Pool<M>, f64) {
    let (before, start) = (resident(), Instant::now());
    let pool = builder.build().expect("a pool");
    let took = start.elapsed().as_secs_f64() * 1000.0;
    let built = (resident() - before).max(0.0);
    rows.bounded(&format!("building 1 TiB, {what}"), mode, took, "ms", BUILD);
    rows.bounded(&format!("resident of 1 TiB, {what}"), mode, built, "KiB", RESIDENT);
    (pool, before)
}

fn one<M: Mode>(rows: &mut Rows, what: &str, builder: Builder, mode: &str) {
    let (pool, before) = built(rows, what, mode, builder.mode::<M>());
    let mut ids = [std::mem::MaybeUninit::uninit(); 256];
    let mut cache = pool.cache().expect("a cache");
    let (got, _) = cache.alloc_bulk_raw(&mut ids);
    // SAFETY: the pages were just allocated, and are freed once.
    unsafe { cache.free_bulk_raw(got) }.expect("they were out");
    drop(cache);
    pool.drain();
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.untouched > 0, "{audit}");
    let used = (resident() - before).max(0.0);
    let figure = format!("resident of 1 TiB after use and an audit, {what}");
    rows.bounded(&figure, mode, used, "KiB", RESIDENT);
}
