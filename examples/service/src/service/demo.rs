//! The demo: the load against both sides by turns, their memory, a pool that is too small, and what is left at the end.

use std::net::TcpListener;
use std::time::Duration;

use pagesheaf::Pool;

use super::args::Options;
use super::heap::Heap;
use super::paged::Paged;
use super::report::{Peak, Report};
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
    if let Err(error) = TcpListener::bind("127.0.0.1:0") {
        println!("the system refuses a port of loopback: {error}");
        println!("demo: {{\"skipped\": \"no port of loopback\"}}");
        return Ok(true);
    }
    let (connections, rounds, peaks) = if options.quick { (60, 5, 1) } else { (1000, 10, 9) };
    let scale = Scale { rounds, peaks };
    let mut load = Loader::new(running::runtime()?, connections, CLIENTS);
    let (mut ample, mut small) = (Report::default(), Report::default());
    let mut out = with_ample_memory(options, &mut load, &scale, &mut ample)?;
    out += with_a_small_pool(options, &mut load, &scale, &mut small)?;
    let [connections, transfers, left] = {
        let sums = [&ample.pages, &ample.heap, &small.pages, &small.heap].map(|side| side.sums());
        [0, 1, 2].map(|of| sums.map(|sum| sum[of]).iter().sum::<u64>())
    };
    println!("\n{connections} connections, {transfers} transfers verified, {left} left early");
    let ratio = ample.throughput();
    println!("demo: {{\"ran\": {transfers}, \"out\": {out}, \"ratio\": {ratio:.3}}}");
    Ok(out == 0)
}

/// Nobody waits. Returns how many pages are missing at the end.
fn with_ample_memory(
    options: &Options,
    load: &mut Loader,
    scale: &Scale,
    report: &mut Report,
) -> Outcome<u64> {
    let sides = Sides::start(options.pages, options.page_size)?;
    Report::default().round(&sides, load, Duration::ZERO)?; // to warm up
    for _ in 0..scale.rounds {
        report.round(&sides, load, Duration::ZERO)?;
    }
    for _ in 0..scale.peaks {
        report.pages.peaks.push(peak(&sides, load, &sides.pages)?);
        report.heap.peaks.push(peak(&sides, load, &sides.heap)?);
        load.next();
    }
    println!("limit {} MiB, {CLIENTS} clients at once:\n{report}", sides.limit >> 20);
    if let Some(peak) = report.pages.peaks.last() {
        println!("resident with pagesheaf: {peak}");
    }
    sides.finish()
}

/// Uploads wait, and some leave while they do. Returns how many pages are missing at the end.
fn with_a_small_pool(
    options: &Options,
    load: &mut Loader,
    scale: &Scale,
    report: &mut Report,
) -> Outcome<u64> {
    let sides = Sides::start(SMALL / options.page_size, options.page_size)?;
    let served = load.runtime.block_on(order::check(&sides.pages, &load.material))?;
    println!("\nlimit {} KiB: {served} uploads of that size were served in order", SMALL >> 10);
    for _ in 0..scale.rounds {
        report.round(&sides, load, LINGERS)?;
    }
    println!("{report}{}", sides.pages.service.line);
    sides.finish()
}

impl Sides {
    fn start(pages: usize, page_size: usize) -> Outcome<Self> {
        let (limit, paged) = (pages * page_size, Paged::new(pool(pages, page_size)?));
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
        if out > 0 || !audit.is_clean() || pool.is_tainted() {
            println!("something is wrong: {audit}");
            return Ok(out.max(1));
        }
        pool.close()?;
        Ok(0)
    }
}

impl Report {
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

/// A round for the sake of its memory.
fn peak<S: Staging>(sides: &Sides, load: &Loader, on: &Running<S>) -> Outcome<Peak> {
    settle(sides.pool());
    let before = system::resident()?;
    let (done, most) = system::most_resident(|| load.round(on, Duration::ZERO))?;
    done?;
    settle(sides.pool());
    Ok(Peak { before, most, after: system::resident()? })
}
