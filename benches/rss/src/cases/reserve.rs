//! 64 GiB on a machine that has less: mapped where nothing is reserved, and refused otherwise.

use std::fs::read_to_string;
use std::time::Instant;

use pagesheaf::{Bare, Mode, Pool, Region};

use crate::resident::resident;
use crate::rows::Rows;

const PAGES: usize = 64 << 30 >> 12;

/// How long building may take, in milliseconds: as for a pool of 1 TiB.
const BUILD: f64 = 50.0;

/// What may be resident of a region that nobody has touched, in KiB.
const RESIDENT: f64 = 0.0;

pub fn reserve(rows: &mut Rows) {
    every_mode!(one(rows));
    if let Some(why) = allowed() {
        eprintln!("reserve: no figure of the refusal, for {why}");
        return;
    }
    let built = Pool::builder(PAGES).mode::<Bare>().region(Region::mapped()).build();
    let built = f64::from(u8::from(built.is_ok()));
    rows.bounded("pools of 64 GiB that are reserved", "Bare", built, "pools", 0.0);
}

fn one<M: Mode>(rows: &mut Rows, mode: &str) {
    let start = Instant::now();
    let region = Region::mapped().no_reserve();
    let pool = Pool::builder(PAGES).mode::<M>().region(region).build().expect("a pool");
    let took = start.elapsed().as_secs_f64() * 1000.0;
    rows.bounded("building 64 GiB, not reserved", mode, took, "ms", BUILD);
    rows.bounded("resident of 64 GiB, not reserved", mode, resident(&pool), "KiB", RESIDENT);
}

/// Why this system would not refuse the region, if so.
fn allowed() -> Option<&'static str> {
    let policy = read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
    if policy.trim() == "1" {
        return Some("the system reserves nothing");
    }
    let text = read_to_string("/proc/meminfo").unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0)
    };
    let kib = of("MemTotal:") + of("SwapTotal:");
    (kib >= PAGES * 4).then_some("the machine has 64 GiB")
}
