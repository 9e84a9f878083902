//! `cargo xtask mutants`: cargo-mutants over the core, and the share that the tests find.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What cargo-mutants is told.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on, such as `-f src/depot.rs`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// The share of the mutants that build which must be found.
const FOUND: f64 = 0.95;

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    summary: String,
}

/// Runs cargo-mutants, prints how many mutants were found, and fails if they are too few.
pub fn mutants(args: &Args) -> Result<()> {
    let version =
        Command::new("cargo").args(["mutants", "--version"]).stderr(Stdio::null()).output();
    if !version.is_ok_and(|output| output.status.success()) {
        println!(
            "skipped: cargo-mutants is not installed (`cargo install --locked cargo-mutants`)"
        );
        return Ok(());
    }
    // It fails for a single mutant that is missed; what counts is the share.
    let mut cargo = Command::new("cargo");
    cargo.args(["mutants", "--output", "target"]).args(&args.args);
    let status = cargo.status().context("cargo-mutants did not start")?;
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "{cargo:?}: {status}");
    let file = "target/mutants.out/outcomes.json";
    let outcomes: Outcomes = serde_json::from_str(&std::fs::read_to_string(file).context(file)?)?;
    let mut counts = BTreeMap::<&str, usize>::new();
    outcomes.outcomes.iter().for_each(|it| *counts.entry(&it.summary).or_default() += 1);
    let count = |name| counts.get(name).copied().unwrap_or_default();
    let found = count("CaughtMutant") + count("Timeout");
    let viable = found + count("MissedMutant");
    ensure!(viable > 0, "no mutant built");
    let share = found as f64 / viable as f64;
    println!("{found} of {viable} mutants that build were found: {:.1} %", 100.0 * share);
    ensure!(share >= FOUND, "target/mutants.out/missed.txt names those that were missed");
    Ok(())
}
