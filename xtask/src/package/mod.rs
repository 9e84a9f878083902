//! `cargo xtask package`: what is downloaded builds, has what it needs, and keeps its promises.

mod contents;
mod docs;
mod lowest;
mod manifest;
mod semver;

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
#[cfg(test)]
pub use manifest::Manifest;

use crate::run::Stages;
use manifest::Sibling;

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Package both crates, check which files there are, and run tests where they are unpacked.
    Contents,
    /// Build the documentation as it is built for readers; needs nightly.
    Docs,
    /// Build everything with the lowest versions of dependencies that are allowed; needs nightly.
    Lowest,
    /// Compare the public interface with that of the last release; needs cargo-semver-checks.
    Semver,
}

/// Which parts.
#[derive(clap::Args)]
pub struct Args {
    /// Only these parts.
    #[arg(value_enum, value_name = "PART")]
    parts: Vec<Part>,
}

/// Looks at the parts that are asked for, or at all.
pub fn package(args: &Args) -> Result<()> {
    let mut stages = Stages::default();
    for part in Part::value_variants() {
        if args.parts.is_empty() || args.parts.contains(part) {
            one(&mut stages, *part, Extent::All)?;
        }
    }
    stages.done()
}

/// How much of each part.
#[derive(Clone, Copy)]
enum Extent {
    /// The crate's tests over few modes where it is unpacked, its documentation, and its and its tests' lowest
    /// versions.
    Gate,
    All,
}

/// What the gate has of it: all parts.
pub fn gate(stages: &mut Stages) -> Result<()> {
    Part::value_variants().iter().try_for_each(|part| one(stages, *part, Extent::Gate))
}

/// What is beyond the gate: the tests of both packages over all presets, the sibling's documentation, the lowest
/// versions of everything.
pub fn extra(stages: &mut Stages) -> Result<()> {
    [Part::Contents, Part::Docs, Part::Lowest]
        .into_iter()
        .try_for_each(|part| one(stages, part, Extent::All))
}

fn one(stages: &mut Stages, part: Part, extent: Extent) -> Result<()> {
    let (tests, crates, lowest) = match extent {
        Extent::Gate => (contents::Tests::Few, &Sibling::ALL[..1], lowest::CRATE),
        Extent::All => (contents::Tests::All, &Sibling::ALL[..], lowest::ALL),
    };
    let name = match part {
        Part::Contents => "package, tested where it is unpacked",
        Part::Docs => "docs, as readers get them",
        Part::Lowest => "lowest versions of dependencies",
        Part::Semver => "public interface since the last release",
    };
    stages.attempt(name, || match part {
        Part::Contents => contents::contents(tests),
        Part::Docs => docs::docs(crates),
        Part::Lowest => lowest::lowest(lowest),
        Part::Semver => semver::semver(),
    })
}

/// Why a nightly compiler cannot be used here, if so.
fn no_nightly() -> Option<&'static str> {
    /// The first whose rustdoc marks what needs a feature by itself.
    const MINOR: u32 = 92;
    let output = Command::new("rustc").args(["+nightly", "--version"]).output();
    let said = output.ok().filter(|output| output.status.success());
    let Some(said) = said.and_then(|output| String::from_utf8(output.stdout).ok()) else {
        return Some("no nightly compiler is installed");
    };
    let minor = said.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor.is_none_or(|minor| minor < MINOR).then_some("the nightly compiler is too old")
}

/// `cargo`, the nightly one.
fn nightly(args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    // This task may itself run under a stable cargo, which names its compiler to what it starts.
    cargo.env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN").arg("+nightly").args(args);
    cargo
}
