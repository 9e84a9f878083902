//! `cargo xtask stress`: the stress programs for longer than `cargo test` gives them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::run::{cargo, executable, run};

/// The programs: those of `tests/stress`.
const PROGRAMS: [&str; 11] = [
    "larson",
    "xmalloc",
    "mstress",
    "cache-thrash",
    "storm",
    "turns",
    "sleepers",
    "waiters",
    "upkeep",
    "device",
    "blocks",
];

/// Which programs, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// For how long each program runs, in each mode, with two threads and with eight.
    #[arg(long, default_value_t = 30.0)]
    pub seconds: f64,
    /// Only these programs.
    #[arg(value_name = "PROGRAM", value_parser = PossibleValuesParser::new(PROGRAMS))]
    pub programs: Vec<String>,
}

/// Builds the programs, or what stands beside them by another name, by a cargo that is told how, and finds out where
/// they are.
pub fn built(cargo: &mut Command, name: &str) -> Result<PathBuf> {
    let build = ["-q", "--release", "-p", "stress", "--no-run", "--test", name];
    executable(cargo.args(build).args(["--message-format", "json-render-diagnostics"]))
}

/// Runs them, and prints what each has handled.
pub fn stress(args: &Args) -> Result<()> {
    let seconds = args.seconds.to_string();
    let program = built(&mut cargo(["test"]), "stress")?;
    run(Command::new(program).args(["--seconds", &seconds]).args(&args.programs))
}
