//! `cargo xtask mutants`: cargo-mutants over the core, and the share that the tests find.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::run::{answers, root, run, target};

/// What cargo-mutants is told.
#[derive(clap::Args)]
pub struct Args {
    /// Only one mutant in N, spread over all files: a sample, where all of them take hours
    #[arg(long, value_name = "N")]
    one_in: Option<NonZero<usize>>,
    /// Passed on, such as `-f src/depot.rs`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// The share of the mutants that build which must be found.
const FOUND: f64 = 0.95;

/// First the unit tests, which are built and run in no time; then all tests against what those did not find. Those are
/// of two packages, and cargo-mutants looks for them in one where nothing is changed yet: [`unchanged`] does so.
const STAGES: [&[&str]; 2] = [
    &["--cargo-arg=--lib"],
    &[
        "--cargo-arg=--lib",
        "--cargo-arg=--test=mutants",
        "--cargo-arg=--test=model",
        "--iterate",
        "--baseline=skip",
        "--timeout=120",
    ],
];

/// Where cargo-mutants writes.
const OUTPUT: &str = "target/mutants.out";

#[derive(Default, Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    summary: String,
    scenario: Scenario,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String },
}

/// Runs cargo-mutants, prints how many mutants were found, and fails if they are too few.
pub fn mutants(args: &Args) -> Result<()> {
    if !answers("cargo", &["mutants", "--version"]) {
        println!(
            "skipped: cargo-mutants is not installed (`cargo install --locked cargo-mutants`)"
        );
        return Ok(());
    }
    if Path::new(OUTPUT).exists() {
        std::fs::remove_dir_all(OUTPUT).context(OUTPUT)?;
    }
    let config: Config = toml::from_str(&std::fs::read_to_string(root().join(CONFIG))?)?;
    let names = listed(&args.args, &config)?;
    let chosen: BTreeSet<_> = names.iter().step_by(args.one_in.map_or(1, NonZero::get)).collect();
    println!("{} of {} mutants are tried", chosen.len(), names.len());
    let mut passed_on = args.args.clone();
    if args.one_in.is_some() {
        passed_on.extend(only(&chosen));
    }
    unchanged(config)?;
    let stage = |of: &[&str]| stage(of, &passed_on, &chosen);
    let (first, second) = (stage(STAGES[0])?, stage(STAGES[1])?);
    // What the first stage missed, or let run out of time, the second has tried again.
    let both = |name| count(&first, name) + count(&second, name);
    let (caught, late) = (both("CaughtMutant"), count(&second, "Timeout"));
    let (missed, unviable) = (count(&second, "MissedMutant"), both("Unviable"));
    let (found, viable) = (caught + late, caught + late + missed);
    println!("{unviable} mutants did not build, {late} ran out of time, {missed} were missed");
    ensure!(viable > 0, "no mutant built");
    let share = found as f64 / viable as f64;
    println!("{found} of {viable} mutants that build were found: {:.1} %", 100.0 * share);
    ensure!(share >= FOUND, "{OUTPUT}/missed.txt names those that were missed");
    Ok(())
}

/// The names of all mutants that these arguments leave. cargo-mutants tries those that leave out a field whatever
/// `exclude_re` and `--re` say. So the configuration is applied here once more; `--re` of the caller's is not.
fn listed(args: &[String], config: &Config) -> Result<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["mutants", "--list"]).args(args).stderr(Stdio::inherit());
    let output = cargo.output().context("cargo-mutants did not start")?;
    ensure!(output.status.success(), "{cargo:?}: {}", output.status);
    let left_out = regex::RegexSet::new(&config.exclude_re)?;
    let names = String::from_utf8(output.stdout)?;
    Ok(names.lines().filter(|name| !left_out.is_match(name)).map(str::to_owned).collect())
}

/// Arguments that leave these mutants: by name, since what the first stage found is not counted again by the second.
fn only(names: &BTreeSet<&String>) -> Vec<String> {
    let pattern = |name: &&String| ["--re".to_owned(), format!("^{}$", regex::escape(name))];
    names.iter().flat_map(pattern).collect()
}

/// Where it stands what is passed on to each build and test.
const CONFIG: &str = ".cargo/mutants.toml";

#[derive(Deserialize)]
struct Config {
    exclude_re: Vec<String>,
    features: Vec<String>,
    additional_cargo_args: Vec<String>,
    additional_cargo_test_args: Vec<String>,
}

/// Sees that all tests pass while nothing is changed, within the limits that a mutant has: else they would find every
/// mutant.
fn unchanged(config: Config) -> Result<()> {
    let mut test = Command::new("cargo");
    test.args(["test", "-q", "--profile", "mutants", "-p", "pagesheaf", "-p", "model"]);
    test.args(["--lib", "--test", "mutants", "--test", "model"]);
    test.arg("--features").arg(config.features.join(","));
    test.args(config.additional_cargo_args).args(config.additional_cargo_test_args);
    run(for_mutants(&mut test).env("CARGO_TARGET_DIR", target("mutants")))
}

/// In the builds that are tried.
fn for_mutants(cargo: &mut Command) -> &mut Command {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", format!("{flags} --cfg pagesheaf_mutants --cfg pagesheaf_few_modes"));
    // The tests' harness knows `--fail-fast`, but says so to nightly compilers only.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUST_BACKTRACE", "0")
}

/// Runs cargo-mutants once. Returns how many of the mutants that were chosen came to which end.
fn stage(
    stage: &[&str],
    args: &[String],
    chosen: &BTreeSet<&String>,
) -> Result<BTreeMap<String, usize>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["mutants", "--output", "target"]).args(stage).args(args);
    for_mutants(&mut cargo);
    // It fails for a single mutant that is missed; what counts is the share.
    let status = cargo.status().context("cargo-mutants did not start")?;
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "{cargo:?}: {status}");
    let outcomes = match std::fs::read_to_string(Path::new(OUTPUT).join("outcomes.json")) {
        Ok(text) => serde_json::from_str(&text)?,
        // Nothing was left to try.
        Err(_) => Outcomes::default(),
    };
    let mut counts = BTreeMap::new();
    for Outcome { summary, scenario } in outcomes.outcomes {
        if let Scenario::Mutant { name } = scenario
            && chosen.contains(&name)
        {
            *counts.entry(summary).or_default() += 1;
        }
    }
    Ok(counts)
}

fn count(counts: &BTreeMap<String, usize>, name: &str) -> usize {
    counts.get(name).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_chosen_by_its_whole_name() {
        let names: Vec<_> = (0..5).map(|n| format!("src/a.rs:{n}:1: replace + with *")).collect();
        let chosen = only(&names.iter().step_by(2).collect());
        assert_eq!((chosen.len(), chosen[0].as_str()), (6, "--re"));
        let only = regex::Regex::new(&chosen[3]).expect("legal");
        let found: Vec<_> = names.iter().filter(|name| only.is_match(name)).collect();
        assert_eq!(found, [&names[2]]);
    }

    #[test]
    fn what_cargo_mutants_writes_is_read() {
        let text = r#"{"outcomes": [{"scenario": "Baseline", "summary": "Success"}, {"scenario":
            {"Mutant": {"name": "src/a.rs:1:1: replace", "file": ""}}, "summary": "MissedMutant"}]}"#;
        let read: Outcomes = serde_json::from_str(text).expect("legal");
        let names: Vec<_> = read.outcomes.into_iter().map(|it| it.scenario).collect();
        assert!(
            matches!(&names[..], [Scenario::Baseline, Scenario::Mutant { name }] if name.ends_with("replace"))
        );
    }
}
