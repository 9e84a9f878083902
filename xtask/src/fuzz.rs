//! `cargo xtask fuzz`: the targets of `fuzz/`, each for some seconds.
//!
//! The targets are laid out as cargo-fuzz wants them. They are built here with the flags that it passes, so that
//! nothing but a nightly compiler need be there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::builder::PossibleValuesParser;

use crate::figures;
use crate::run::{cargo, run, target};

/// The targets.
const TARGETS: [&str; 7] = ["ops", "two_threads", "sizes", "raw", "corrupt", "nodes", "waiters"];

/// Coverage that libFuzzer can read, and AddressSanitizer.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Which targets, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// For how long each target runs.
    #[arg(long, default_value_t = 60)]
    pub seconds: u32,
    /// Add how long it took, on how many inputs, to the figures of the project.
    #[arg(long)]
    pub record: bool,
    /// Only these targets.
    #[arg(value_name = "TARGET", value_parser = PossibleValuesParser::new(TARGETS))]
    pub targets: Vec<String>,
}

/// Why nothing can be fuzzed here, if so.
pub fn missing() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("targets are built for x86-64 Linux");
    }
    let mut rustc = Command::new("rustc");
    let nightly = rustc.args(["+nightly", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    let there = nightly.status().is_ok_and(|status| status.success());
    (!there).then_some("no nightly compiler is installed")
}

/// Builds the targets and runs them, one after the other.
///
/// What they find beyond the committed corpus goes to a folder beside the build; inputs that fail stay in
/// `fuzz/artifacts`.
pub fn fuzz(args: &Args) -> Result<()> {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return Ok(());
    }
    let folder = build()?;
    let named =
        |target: &&str| args.targets.is_empty() || args.targets.iter().any(|it| it == target);
    for target in TARGETS.iter().filter(|target| named(target)) {
        let inputs = one(&folder, target, args.seconds)?;
        if args.record {
            figures::record_fuzzing(args.seconds.into(), inputs)?;
        }
    }
    Ok(())
}

/// The targets have no warnings, whichever compiler there is.
pub fn check() -> Result<()> {
    let clippy = ["clippy", "-q", "--manifest-path", "fuzz/Cargo.toml", "--all-targets"];
    let mut clippy = cargo(clippy);
    // Nothing is linked, so that libFuzzer need not be built.
    clippy.env("CUSTOM_LIBFUZZER_PATH", "none/libfuzzer.a").env("CARGO_TARGET_DIR", folder()?);
    run(clippy.args(["--", "-D", "warnings"]))
}

/// Where the targets are built.
fn folder() -> Result<PathBuf> {
    std::path::absolute(target("fuzz")).context("no place for the targets")
}

fn build() -> Result<PathBuf> {
    let folder = folder()?;
    let triple = "x86_64-unknown-linux-gnu";
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", "build", "-q", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        // With a target named, build scripts are built without the flags.
        .args(["--target", triple])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // This task may itself run under a stable cargo, which names its compiler to what it starts.
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    run(&mut cargo)?;
    Ok(folder.join(triple).join("release"))
}

/// Runs a target, and says on how many inputs.
fn one(folder: &Path, target: &str, seconds: u32) -> Result<u64> {
    let found = folder.join("corpus").join(target);
    let artifacts = Path::new("fuzz/artifacts").join(target);
    for folder in [&found, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut program = Command::new(folder.join(target));
    program
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-max_len=600", "-len_control=0", "-timeout=20", "-print_final_stats=1"])
        .arg(found)
        .arg(Path::new("fuzz/corpus").join(target));
    let output = program.output().with_context(|| format!("{program:?} did not start"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{target} failed: {}\n{said}", output.status);
    let units = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let units = units.context("no statistics")?.trim();
    println!("{target}: {units} inputs, no failure");
    units.parse().with_context(|| format!("{units} is no number of inputs"))
}
