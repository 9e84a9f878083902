//! The benchmark matrix: what each mode of pagesheaf costs per page, beside floors, recyclers and whatever rivals the
//! caller brings, measured interleaved in one process.
//!
//! A rival is a [`Contender`]; [`main`] is the whole program with it:
//!
//! ```no_run
//! use std::sync::{Arc, Mutex};
//!
//! use matrix::{Contender, Entry, Items, Kind, Setup, Shape};
//!
//! /// A stack of page numbers behind a lock.
//! struct Locked(Arc<Mutex<Vec<u32>>>);
//!
//! impl Contender for Locked {
//!     type Bulk<const N: usize> = Items<u32, N>;
//!
//!     fn pair(setup: &Setup) -> anyhow::Result<(Self, Self)> {
//!         let stack = Arc::new(Mutex::new((0..setup.pages as u32).collect()));
//!         Ok((Locked(Arc::clone(&stack)), Locked(stack)))
//!     }
//!
//!     fn bulk<const N: usize>() -> Items<u32, N> {
//!         Items([0; N])
//!     }
//!
//!     #[inline(always)]
//!     fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
//!         let mut stack = self.0.lock().expect("nobody panics");
//!         let Some(rest) = stack.len().checked_sub(n) else { return 0 };
//!         bulk.first(n).copy_from_slice(&stack[rest..]);
//!         stack.truncate(rest);
//!         n
//!     }
//!
//!     #[inline(always)]
//!     fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
//!         self.0.lock().expect("nobody panics").extend_from_slice(bulk.first(n));
//!     }
//! }
//!
//! # fn main() -> anyhow::Result<()> {
//! let locked = Entry::new::<Locked>("Mutex<Vec>", Kind::Rival, &[Shape::HotPair, Shape::Pipe]);
//! let mut everybody = matrix::entries::<false>();
//! everybody.push(locked.untouched());
//! matrix::main("cargo xtask peers", everybody, Vec::new())
//! # }
//! ```

mod baseline;
mod bulks;
mod case;
mod clock;
mod contender;
mod contenders;
mod count;
mod entry;
mod measure;
mod meta;
mod partner;
mod price;
mod rehearsal;
mod report;
mod ring;
mod sample;
mod shapes;
mod stand;
mod two_cores;

use std::fs::File;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, FromArgMatches, Parser};

pub use case::{Case, Shape};
pub use clock::Distance;
pub use contender::{Bulk, Contender, Items, Order, Setup, TOUCHED};
pub use contenders::{Memory, PAGE};
pub use count::count;
pub use entry::{BY_HAND, Entry, FEW_OUT, Kind, OF_PAGES, entries};
pub use rehearsal::rehearse;
pub use two_cores::TwoCores;

use baseline::Baseline;
use case::Extent;
use measure::{Measurement, Results};
use partner::Partner;

/// Measures what each mode costs, in ns and cycles per page (allocated and freed). At 64 pages a call, every run has
/// the ladder of hardening too: each switch alone, then one after the other, sampled poison, and what plain writing and
/// comparing of the same pages takes.
#[derive(Parser)]
struct Args {
    /// Fewer sizes and rounds: below twenty seconds.
    #[arg(long, conflicts_with = "all")]
    quick: bool,
    /// Every shape at every size, in both orders, touched or not: some minutes, and some gigabytes.
    #[arg(long)]
    all: bool,
    /// So many rounds, in place of 50, or of 15 with `--quick`: few say little.
    #[arg(long, value_name = "N")]
    rounds: Option<NonZero<usize>>,
    /// Only these shapes.
    #[arg(long, value_name = "SHAPE")]
    shape: Vec<Shape>,
    /// Only these contenders.
    #[arg(long, value_name = "NAME")]
    contender: Vec<String>,
    /// Measure this commit too, by turns, and give each row the figure that it has there. `before` is
    /// the commit before the last change of the sources.
    #[arg(long, value_name = "COMMIT")]
    baseline: Option<String>,
    /// Fail if rows take more than so many times the baseline: all of them, or those of one shape, by
    /// their geometric mean.
    #[arg(long, value_name = "TIMES", requires = "baseline")]
    within: Option<f64>,
    /// Judge the price of hardening at 64 pages a call, and measure nothing else: fail if `Hardened`
    /// takes more than 1.3 times what plain writing and comparing of the same pages takes; or, with
    /// one page in 16 poisoned, of one page in 16 and two claims for each.
    #[arg(long, conflicts_with_all = ["quick", "all", "shape", "contender", "baseline"])]
    price: bool,
    /// Write every figure to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with charts and tables to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Draw the matrix as one picture, in light and dark, into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the figures of this file, as `--json` wrote them, and measure nothing.
    #[arg(long, value_name = "FILE", requires = "svg", conflicts_with_all = ["json", "html", "baseline"])]
    from: Option<PathBuf>,
}

/// The program: `program` is what its help calls it, and `entries` are those who take part. `absent` says, a line
/// for each, which rivals could not be had, and why; the report names them.
///
/// # Errors
/// When a file cannot be written, or nothing is left to measure.
pub fn main(program: &'static str, mut entries: Vec<Entry>, absent: Vec<String>) -> Result<()> {
    let names = PossibleValuesParser::new(entries.iter().map(|entry| entry.name));
    let command = Args::command().name(program).bin_name(program);
    let mut command = command.mut_arg("contender", |arg| arg.value_parser(names));
    let args = Args::from_arg_matches(&command.get_matches_mut())?;
    let named = &args.contender;
    entries.retain(|entry| named.is_empty() || named.iter().any(|name| name == entry.name));
    let extent = match (args.quick, args.all) {
        (true, _) => Extent::Quick,
        (_, true) => Extent::All,
        _ => Extent::Usual,
    };
    let mut cases = case::cases(extent);
    cases.retain(|case| args.shape.is_empty() || args.shape.contains(&case.shape));
    if args.price {
        entries.retain(|entry| price::names(entry.name));
        cases.retain(price::judges);
    }
    // Before the work, so that a mistake in the path costs nothing.
    let figures = args.from.as_deref().map(read).transpose()?;
    let json = args.json.as_deref().map(create).transpose()?;
    let html = args.html.as_deref().map(create).transpose()?;
    let svg = args.svg.as_deref().map(create).transpose()?;
    if let (Some(figures), Some(svg)) = (figures, &svg) {
        return report::svg(svg, figures);
    }
    let start = std::time::Instant::now();
    let count = std::thread::available_parallelism()?.get();
    let (entries, cases) = (&entries[..], &cases[..]);
    // First, because other programs would share the core that this one keeps to.
    let beside = args.baseline.is_some().then(|| beside(&args, entries, cases)).transpose()?;
    let cores = clock::pin();
    let partner = Partner::new(cores)?;
    let mut meta = meta::Meta::read(program, count, cores, &partner);
    meta.left_out = absent;
    meta.crates = entries.iter().filter_map(Entry::crate_line).collect();
    meta.baseline.clone_from(&args.baseline);
    println!("{meta}");
    let rounds = args.rounds.map_or(if args.quick { 15 } else { 50 }, NonZero::get);
    let (cycles_per_ns, partner) = (meta.cycles_per_ns, &partner);
    let measurement = Measurement { entries, cases, rounds, cores, partner, cycles_per_ns };
    let results = beside.unwrap_or_else(|| measurement.run());
    ensure!(!results.rows.is_empty(), "nobody does any of it");
    meta.finish(start.elapsed(), clock::line_round_trip(cores, partner), &results);
    report::print(&results.rows, &meta);
    if let Some(baseline) = &args.baseline {
        report::beside::print(&results.rows, baseline);
    }
    if let Some(file) = json {
        report::json(file, &results.rows, &meta)?;
    }
    if let Some(file) = html {
        report::html(file, &results.rows, &meta)?;
    }
    if let Some(file) = svg {
        report::svg(&file, report::all(&results.rows, &meta))?;
    }
    // Last, so that the figures are there also where they are too high.
    if args.price {
        price::judge(&results.rows)?;
    }
    if let Some(most) = args.within {
        report::beside::judge(&results.rows, most)?;
    }
    Ok(())
}

/// Measures in this program and in that of the baseline, by turns.
fn beside(args: &Args, entries: &[Entry], cases: &[Case]) -> Result<Results> {
    let program = std::env::var_os(baseline::PROGRAM);
    let program = program.context("only `cargo xtask matrix` builds the baseline")?.into();
    let extent = [(args.quick, "--quick"), (args.all, "--all")];
    let extent = extent.into_iter().filter(|(chosen, _)| *chosen).map(|(_, arg)| arg.to_owned());
    let named = args.contender.iter().flat_map(|name| ["--contender".to_owned(), name.clone()]);
    let turns = if args.quick { 5 } else { 3 };
    let args = extent.chain(named).collect();
    let done = |case: &&Case| entries.iter().any(|entry| entry.does(case));
    let done: Vec<_> = cases.iter().filter(done).map(|case| case.shape).collect();
    let shapes: Vec<_> = Shape::ALL.into_iter().filter(|shape| done.contains(shape)).collect();
    Baseline { program, entries, args, turns }.run(&shapes)
}

/// The figures of a file.
fn read(path: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// A file to write to.
fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}
