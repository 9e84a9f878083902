//! `cargo xtask figures`: the figures that README.md and features.md show, measured, counted and written.
//!
//! All of them stand in one file, `docs/figures.json`. The parts of README.md and features.md between
//! marks and the picture `docs/matrix.svg` are made from it; `cargo xtask tidy` and the tests of `matrix` compare.

mod bounds;
mod faster;
mod ladder;
mod machines;
mod parts;
mod prices;
mod proof;
mod record;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{cargo, path, run, target};
use crate::tidy::{Fault, File};
use record::Record;

pub use record::record_fuzzing;

/// The file of figures, and the picture of them.
const FIGURES: &str = "docs/figures.json";
const PICTURE: &str = "docs/matrix.svg";

/// The shapes that are measured.
const SHAPES: [&str; 13] = [
    "hot_pair",
    "keep_2048",
    "two_threads",
    "pipe",
    "pipe_into_7",
    "pipe_from_7",
    "random",
    "mixed",
    "outstanding",
    "outstanding_random",
    "block_pair_3",
    "block_pair_9",
    "wait",
];

/// `two_threads` with so many pages out in each of them, which the documents tell apart from the hot pair.
const OUT: (&str, u64) = ("two_threads_2048", 2048);

/// Where a shape stands among the others, by the name that documents give it.
fn rank(shape: &str) -> Option<usize> {
    let shape = match shape {
        _ if shape == OUT.0 => "two_threads",
        _ if shape == record::FEW_OUT.0 => "outstanding",
        shape => shape,
    };
    SHAPES.iter().position(|it| *it == shape)
}

/// Where the measured figures come from.
#[derive(clap::Args)]
pub struct Args {
    /// Take the figures of this file, as `cargo xtask peers --json` wrote them, and measure nothing. Given again,
    /// it is for a later run, whose shapes replace those of the first.
    #[arg(long, value_name = "FILE")]
    from: Vec<String>,
    /// Keep the measured figures; count the rest, and write all that is made from them.
    #[arg(long, conflicts_with = "from")]
    keep: bool,
}

/// Measures or reads, counts, and writes.
pub fn figures(args: &Args, from: &Path) -> Result<()> {
    let mut record = if args.keep {
        Record::read()?
    } else {
        let files = match &args.from[..] {
            [] => vec![measure()?],
            files => files.iter().map(|file| from.join(file)).collect(),
        };
        let mut runs = files.iter().map(|file| {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            Record::of_run(&text)
        });
        let mut record = runs.next().context("no run")??;
        runs.try_for_each(|run| run.map(|run| record.replace(run)))?;
        record.whole()?.after(Record::read()?)
    };
    record.proof = proof::count(|file| std::fs::read_to_string(file).context(file.to_owned()))?;
    record.write()?;
    let mut draw = cargo(["run", "-q", "-p", "matrix", "--bin", "matrix", "--"]);
    run(draw.args(["--from", FIGURES, "--svg", PICTURE]))?;
    parts::PARTS.iter().try_for_each(|part| part.section.write(&(part.text)(&record)?))
}

/// Measures everybody that can be built here, and says where the figures are.
fn measure() -> Result<std::path::PathBuf> {
    let file = path(&target("figures.json").to_string_lossy())?;
    let mut peers = Command::new(std::env::current_exe()?);
    peers.arg("peers").args(SHAPES.iter().flat_map(|shape| ["--shape", shape]));
    run(peers.arg("--json").arg(&file))?;
    Ok(file)
}

/// What does not agree with the figures, or with what is counted now.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let fault = |file: &str, what: String| Fault { path: file.into(), line: 1, what };
    let text = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.map(|file| file.text.clone()).with_context(|| format!("{path} is missing"))
    };
    let record = match text(FIGURES).and_then(|text| Record::parse(&text)) {
        Ok(record) => record,
        Err(error) => return vec![fault(FIGURES, format!("{error:#}"))],
    };
    let mut faults = Vec::new();
    match proof::count(text) {
        Ok(proof) if proof == record.proof => {}
        Ok(_) => faults.push(fault(FIGURES, format!("what it counts has changed: {AGAIN}"))),
        Err(error) => faults.push(fault(FIGURES, format!("{error:#}"))),
    }
    for part in parts::PARTS {
        let file = part.section.file;
        let shown = text(file).and_then(|text| Ok(part.section.find(&text)?.to_owned()));
        match shown.and_then(|shown| Ok(shown == (part.text)(&record)?)) {
            Ok(true) => {}
            Ok(false) => {
                let name = part.section.name;
                faults.push(fault(file, format!("`{name}` is not that of {FIGURES}: {AGAIN}")));
            }
            Err(error) => faults.push(fault(file, format!("{error:#}"))),
        }
    }
    faults
}

const AGAIN: &str = "`cargo xtask figures --keep` writes it anew";

#[cfg(test)]
mod tests;
