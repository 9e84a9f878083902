//! What `cargo xtask instructions` runs under callgrind: cases one after the other, each between two calls of a
//! function at which callgrind writes down what it has counted.
//!
//! For each case it prints a line that says what was counted, in the same order.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Duration;

use anyhow::{Result, ensure};
use pagesheaf::{Cache, Calls, Checked, Mode, NoChecks, PageId, Pool, Region};
use serde::Serialize;

use crate::case::{BULKS, Case, OUT, Shape};
use crate::clock;
use crate::contender::Order;
use crate::entry::{Entry, Kind};
use crate::partner::Partner;

/// What stands between two counts.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Counted<'a> {
    /// Reading the clock, which every sample does: to be taken off the others.
    Clock,
    /// A sample of a case of the matrix.
    Sample {
        /// The shape's name.
        shape: &'a str,
        /// The contender's name.
        mode: &'a str,
        /// Pages to a call.
        bulk: usize,
        /// The order of the pages.
        order: Order,
        /// Pages that came and went.
        pages: usize,
    },
    /// Pages that moved between a cache and the depot or the zone.
    Moved {
        /// From where to where.
        shape: &'a str,
        /// The mode's name.
        mode: &'a str,
        /// Magazines that moved.
        magazines: u64,
        /// Words of the zone that pages came from or went to, and summary words that it made empty, or no longer empty.
        words: u64,
    },
}

/// How long another thread may take to start or to end.
const SETTLE: Duration = Duration::from_millis(200);

/// Callgrind writes down what it has counted, and starts anew, when this is called.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn matrix_count_mark() {
    black_box(());
}

/// Of two dumps of callgrind the second is the one for `body`.
fn counted<R>(body: impl FnOnce() -> R) -> R {
    matrix_count_mark();
    let result = body();
    matrix_count_mark();
    result
}

fn say(counted: &Counted<'_>) -> Result<()> {
    println!("{}", serde_json::to_string(counted)?);
    Ok(())
}

/// The program, of those whose instructions are counted.
///
/// # Errors
/// When pages cannot be had.
pub fn count(entries: &[Entry]) -> Result<()> {
    counted(|| clock::time(|| ()));
    say(&Counted::Clock)?;
    samples(entries)?;
    // Until the other thread has ended: what it does as it ends would be counted.
    std::thread::sleep(SETTLE);
    moves::<NoChecks>("NoChecks")?;
    moves::<Checked>("Checked")
}

/// The hot pair and `keep_2048`, of the floor and all modes, at all sizes, in both orders; `outstanding_random` at two
/// sizes, with 64 k pages out; calls for one page each; and at three sizes the hot pair of pages that go to a device.
fn samples(entries: &[Entry]) -> Result<()> {
    let partner = Partner::new((None, None))?;
    // Until the other thread sleeps: what it does as it starts would be counted.
    std::thread::sleep(SETTLE);
    let case = |shape, bulk, order, out| {
        let (touched, colour) = (false, false);
        Case { shape, bulk, out, order, touched, colour }
    };
    for entry in entries.iter().filter(|entry| entry.kind != Kind::Calls) {
        for order in [Order::Scattered, Order::Neighbours] {
            let case = |shape, bulk| case(shape, bulk, order, None);
            let shapes = [Shape::HotPair, Shape::Keep2048];
            let cases: Vec<_> =
                shapes.iter().flat_map(|shape| BULKS.map(|bulk| case(*shape, bulk))).collect();
            sample(entry, &cases, &partner)?;
        }
        let random = |bulk| case(Shape::OutstandingRandom, bulk, Order::Scattered, Some(OUT[0]));
        sample(entry, &[1, 64].map(random), &partner)?;
    }
    for entry in entries.iter().filter(|entry| entry.name == "single") {
        let single = |(shape, bulk)| case(shape, bulk, Order::Scattered, None);
        let cases = [(Shape::HotPair, 1), (Shape::HotPair, 64), (Shape::Keep2048, 1)];
        sample(entry, &cases.map(single), &partner)?;
    }
    for entry in entries.iter().filter(|entry| entry.lends()) {
        let lent = |bulk| case(Shape::HotPair, bulk, Order::Scattered, None);
        sample(entry, &[1, 8, 64].map(lent), &partner)?;
    }
    Ok(())
}

/// A sample of each of these cases, which are on the same pages.
fn sample(entry: &Entry, cases: &[Case], partner: &Partner) -> Result<()> {
    let mut stand = entry.make(&cases[0].setup())?;
    for case in cases {
        let mut ready = stand.prepare(case, entry.slowness)?;
        ready.sample(partner);
        if case.shape == Shape::OutstandingRandom {
            // Other pages, in another order.
            ready.warm();
        }
        let (_, pages) = counted(|| ready.sample(partner));
        let &Case { shape, bulk, order, .. } = case;
        let (shape, mode) = (shape.name(), entry.name);
        say(&Counted::Sample { shape, mode, bulk, order, pages })?;
    }
    Ok(())
}

/// Pages of a pool for which the depot is too small.
const MANY: usize = 1 << 18;
/// Pages to a call there.
const BULK: usize = 256;

/// Moves pages from the zone, then to the depot, then to the zone, and from the depot again.
fn moves<M: Mode>(mode: &str) -> Result<()> {
    let region = Region::addresses(0, MANY << 12);
    let pool: Pool<M> =
        Pool::builder(MANY).mode::<M>().region(region).magazine_capacity(BULK).build()?;
    let mut cache = pool.cache()?;
    let mut ids = vec![MaybeUninit::uninit(); MANY];
    let quarter = MANY / 4;
    let say = |shape: &str, before: Calls, after: Calls| {
        let depot =
            after.depot_refills + after.depot_flushes - before.depot_refills - before.depot_flushes;
        let zone =
            after.zone_refills + after.zone_flushes - before.zone_refills - before.zone_flushes;
        // All pages of each word move, and all words below a summary word.
        let words = zone * (BULK / 64) as u64;
        let words = words + words / 64;
        say(&Counted::Moved { shape, mode, magazines: depot + zone, words })
    };
    let step = |shape: &str, cache: &mut Cache<M>, body: &mut dyn FnMut(&mut Cache<M>)| {
        let before = pool.stats().map_or_else(Calls::default, |stats| stats.calls);
        counted(|| body(cache));
        let after = pool.stats().map_or_else(Calls::default, |stats| stats.calls);
        say(shape, before, after)
    };
    // The thread comes to the pool, which is a locked instruction once, and takes nothing.
    black_box(pool.alloc_bulk_raw(&mut []));
    let mut got = 0;
    step("zone_refill", &mut cache, &mut |cache| {
        for out in ids.chunks_exact_mut(BULK) {
            got += cache.alloc_bulk_raw(out).0.len();
        }
    })?;
    ensure!(got == MANY, "the pool has {got} pages");
    // SAFETY: all of them were just written.
    let ids: Vec<PageId> = ids.into_iter().map(|id| unsafe { id.assume_init() }).collect();
    let free = |cache: &mut Cache<M>, ids: &[PageId]| {
        for ids in ids.chunks_exact(BULK) {
            // SAFETY: the pages were allocated here, and each is freed once.
            unsafe { cache.free_bulk_raw(ids) }.expect("they are good");
        }
    };
    step("depot_flush", &mut cache, &mut |cache| free(cache, &ids[..quarter / 2]))?;
    free(&mut cache, &ids[quarter / 2..2 * quarter]);
    step("zone_flush", &mut cache, &mut |cache| free(cache, &ids[2 * quarter..]))?;
    step("depot_refill", &mut cache, &mut |cache| {
        let mut out = [MaybeUninit::uninit(); BULK];
        for _ in 0..quarter / 2 / BULK {
            let got = cache.alloc_bulk_raw(&mut out).0;
            black_box(got);
        }
    })
}
