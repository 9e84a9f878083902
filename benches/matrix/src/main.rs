//! `cargo xtask matrix`: what each mode costs per page, measured interleaved in one process.

mod clock;
mod floor;
mod meta;
mod pages;
mod report;
mod ring;
mod sample;
mod shapes;

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

/// Measures what each mode costs, in ns and cycles per page (allocated and freed).
#[derive(Parser)]
#[command(name = "cargo xtask matrix", bin_name = "cargo xtask matrix")]
struct Args {
    /// Fewer rounds: below twenty seconds.
    #[arg(long)]
    quick: bool,
    /// Write every figure to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // Before the work, so that a mistake in the path costs nothing.
    let json = match &args.json {
        Some(path) => {
            let file = File::create(path);
            Some(file.with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => None,
    };
    let start = std::time::Instant::now();
    let count = std::thread::available_parallelism()?.get();
    let cores = clock::pin();
    let mut meta = meta::Meta::read(count, cores);
    println!("{meta}");
    let rows = shapes::measure(if args.quick { 15 } else { 75 }, cores, meta.cycles_per_ns);
    meta.finish(start.elapsed(), &rows);
    report::print(&rows, &meta);
    if let Some(file) = json {
        report::json(file, &rows, &meta)?;
    }
    Ok(())
}
