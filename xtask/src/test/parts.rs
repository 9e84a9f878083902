//! What the gate and what is beyond it both run.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, run, target};

/// The builds that are tested whole: their names, and what Cargo is told.
pub const BUILDS: [(&str, &[&str]); 3] = [
    ("no features", &["--no-default-features"]),
    ("default", &[]),
    ("all features", &["--all-features"]),
];

/// The tests that a plain `cargo test` runs.
pub fn tests(cargo: &mut Command, features: &[&str]) -> Result<()> {
    run(cargo.args(["test", "-q"]).args(features))
}

/// Some tests, with checks in every mode.
pub fn forced(args: &[&str]) -> Result<()> {
    let mut cargo = cargo([]);
    cargo.env("RUSTFLAGS", "--cfg pagesheaf_force_checks");
    tests(cargo.env("CARGO_TARGET_DIR", target("forced")), args)
}

/// The models, explored.
pub fn loom(args: &[&str]) -> Result<()> {
    run(Command::new(std::env::current_exe()?).arg("loom").args(args))
}

/// Whole pools, under schedules by chance.
pub fn shuttle(args: &[&str]) -> Result<()> {
    run(Command::new(std::env::current_exe()?).arg("shuttle").args(args))
}

/// The larger example, in a mode.
pub fn echo(mode: &str) -> Command {
    let mut echo = cargo(["run", "-q", "-p", "udp_echo", "--"]);
    echo.args(["--mode", mode]);
    echo
}

/// The example comes to a good end, and has dropped datagrams because it had no page for them.
pub fn runs_dry(echo: &mut Command) -> Result<()> {
    let output = echo.stderr(Stdio::inherit()).output().context("the example did not start")?;
    let said = String::from_utf8(output.stdout)?;
    print!("{said}");
    ensure!(output.status.success(), "{echo:?}: {}", output.status);
    let number = |text: &str| text.rsplit(['(', ' ']).next()?.parse::<u64>().ok();
    let dropped = said.split_once(" no page").and_then(|(before, _)| number(before));
    ensure!(dropped.context("it does not say how many")? > 0, "the pool never ran dry");
    Ok(())
}
