//! The demo: the load against both sides by turns, their memory, a pool that is too small, and what is left at the end.

use std::time::Duration;

use pagesheaf::Pool;

use super::args::Options;
use super::heap::Heap;
use super::paged::Paged;
use super::report::Report;
use super::rounds::Loader;
use super::running::{self, Running};
use super::staging::Staging;
use super::{Outcome, order, pool, system};

/// Clients at once, each with two connections.
const CLIENTS: usize = 32;

/// Bytes of the pool that is too small: a part of what the clients would have at once.
const SMALL: usize = 512 * 1024;

/// How long a client stays in the line of the small pool before it leaves.
const LINGERS: Duration = Duration::from_millis(5);

/// Periods of upkeep after which what nobody needed has gone.
const PERIODS: usize = 16;

/// How much to do.
struct Scale {
    rounds: usize,
    peaks: usize,
}

/// The two servers, with the same limit.
struct Sides {
    pages: Running<Paged>,
    heap: Running<Heap>,
    limit: usize,
}

/// Runs it. False when something is wrong with the result.
pub fn run(options: &Options) -> Outcome<bool> {
    let (connections, rounds, peaks) = if options.quick { (60, 5, 1) } else { (1000, 10, 3) };
    let scale = Scale { rounds, peaks };
    let mut load = Loader::new(running::runtime()?, connections, CLIENTS);
    let (mut ample, mut small) = (Report::default(), Report::default());

    let before = system::resident()[0];
    let sides = Sides::start(options.pages, options.page_size)?;
    ample.measure(&sides, &mut load, &scale)?;
    let peak = ample.pages.peaks.iter().fold(0.0, |most: f64, &peak| most.max(peak));
    settle(sides.pool());
    let after = system::resident()[0];
    println!("limit {} MiB, {CLIENTS} clients at once:", sides.limit >> 20);
    println!("{ample}");
    let [before, after] = [before, after].map(|bytes| bytes as f64 / 1e6);
    println!(
        "resident: {before:.1} MB before, {:.1} MB more at the peak of pagesheaf's load, {after:.1} MB after maintain",
        peak / 1e6
    );
    let mut out = sides.finish()?;

    let sides = Sides::start(SMALL / options.page_size, options.page_size)?;
    let served = load.runtime.block_on(order::check(&sides.pages, &load.material))?;
    println!(
        "\nlimit {} KiB: {served} uploads that needed all of it were served in order",
        SMALL >> 10
    );
    for _ in 0..scale.rounds {
        small.round(&sides, &mut load, LINGERS)?;
    }
    println!("{small}{}", sides.pages.service.line);
    out += sides.finish()?;

    let sums = [&ample.pages, &ample.heap, &small.pages, &small.heap].map(|side| side.sums());
    let [connections, transfers, left] =
        [0, 1, 2].map(|of| sums.map(|sum| sum[of]).iter().sum::<u64>());
    println!(
        "\n{connections} connections, {transfers} transfers verified, {left} left in the middle"
    );
    println!(
        "demo: {{\"ran\": {transfers}, \"out\": {out}, \"ratio\": {:.3}}}",
        ample.throughput()
    );
    Ok(out == 0)
}

impl Sides {
    fn start(pages: usize, page_size: usize) -> Outcome<Self> {
        let (limit, paged) = (pages * page_size, Paged::new(pool(pages, page_size)?)?);
        let heap = Heap::new(limit, paged.most());
        Ok(Sides { pages: Running::start(paged)?, heap: Running::start(heap)?, limit })
    }

    fn pool(&self) -> &Pool {
        self.pages.service.staging.pool().expect("pages are of a pool")
    }

    /// Stops both. Returns how many pages are out or lent, and closes the pool if there are none.
    fn finish(self) -> Outcome<u64> {
        let missing = self.limit - self.heap.stop()?.left();
        if missing > 0 {
            return Err(format!("{missing} bytes of the heap's limit are missing").into());
        }
        let pool = self.pages.stop()?.into_pool();
        println!("{pool}");
        let audit = pool.audit();
        let out = audit.pages.out + audit.pages.lent;
        if out > 0
            || !audit.pages.adds_up()
            || audit.misplaced.unwrap_or(0) > 0
            || pool.is_tainted()
        {
            println!("something is wrong: {audit}");
            return Ok(out.max(1));
        }
        pool.close()?;
        Ok(0)
    }
}

impl Report {
    /// All rounds with ample memory, after one to warm up; then those that look at memory.
    fn measure(&mut self, sides: &Sides, load: &mut Loader, scale: &Scale) -> Outcome<()> {
        Report::default().round(sides, load, Duration::ZERO)?;
        for _ in 0..scale.rounds {
            self.round(sides, load, Duration::ZERO)?;
        }
        for _ in 0..scale.peaks {
            self.pages.peaks.extend(peak(sides, load, &sides.pages)?);
            self.heap.peaks.extend(peak(sides, load, &sides.heap)?);
            load.next();
        }
        Ok(())
    }

    /// A round of each. Every other time the heap is the first.
    fn round(&mut self, sides: &Sides, load: &mut Loader, lingers: Duration) -> Outcome<()> {
        let pages_first = self.pages.rounds.len().is_multiple_of(2);
        if pages_first {
            self.pages.rounds.push(load.round(&sides.pages, lingers)?);
        }
        self.heap.rounds.push(load.round(&sides.heap, lingers)?);
        if !pages_first {
            self.pages.rounds.push(load.round(&sides.pages, lingers)?);
        }
        load.next();
        Ok(())
    }
}

/// Gives back to the system what nobody needs.
fn settle(pool: &Pool) {
    (0..PERIODS).for_each(|_| _ = pool.maintain());
    system::trim_heap();
}

/// By how many bytes the process grows in a round; `None` where the system does not say.
fn peak<S: Staging>(sides: &Sides, load: &Loader, on: &Running<S>) -> Outcome<Option<f64>> {
    settle(sides.pool());
    let resets = system::reset_peak();
    let [before, _] = system::resident();
    load.round(on, Duration::ZERO)?;
    let [_, peak] = system::resident();
    Ok(resets.then_some(peak.saturating_sub(before) as f64))
}
