//! `cargo xtask demo`: the programs that show real uses, each on the interface that it is for.
//!
//! Each prints, as its last line, `demo: ` and what came of it, as JSON: `{"ran", "out", "ratio"}`, or `{"skipped"}`.
//! One with several comparisons adds `"ratios"`, by name.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::builder::PossibleValuesParser;
use serde::{Deserialize, Serialize};

use crate::run::{cargo, path, target};

/// The programs: packages in `examples`.
const PROGRAMS: [&str; 5] = ["kernel", "packets", "service", "sharded", "storage"];
/// The one that is no member of the workspace: it is linked in a way of its own.
const ALONE: &str = "kernel";
/// All of them.
const ALL: &str = "all";
/// In place of a file: the standard output.
const STDOUT: &str = "-";
/// What starts the last line of a program.
const SAYS: &str = "demo: ";

/// Which programs to run, and how.
#[derive(clap::Args)]
pub struct Args {
    /// The program, or `all`.
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new([ALL].into_iter().chain(PROGRAMS)))]
    name: String,
    /// Fewer operations: some seconds each.
    #[arg(long)]
    quick: bool,
    /// Write what came of each to this file, or to the standard output if none is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT, value_parser = destination)]
    json: Option<PathBuf>,
}

/// What came of a program, as it says it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Said {
    Skipped {
        skipped: String,
    },
    Ran {
        ran: u64,
        out: u64,
        ratio: Option<f64>,
        #[serde(default)]
        ratios: BTreeMap<String, f64>,
    },
}

/// What came of a program, for others.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    name: String,
    /// How many operations there were.
    ran: u64,
    /// Why there were none.
    skipped: Option<String>,
    /// How many pages were out, or lent, at the end.
    out: u64,
    /// How fast it was, as a multiple of the pool that it replaces.
    ratio: Option<f64>,
    /// The same of each comparison, if it says so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ratios: BTreeMap<String, f64>,
}

impl Row {
    fn new(name: &str, said: Said) -> Self {
        let name = name.into();
        match said {
            Said::Skipped { skipped } => {
                let ratios = BTreeMap::new();
                Row { name, ran: 0, skipped: Some(skipped), out: 0, ratio: None, ratios }
            }
            Said::Ran { ran, out, ratio, ratios } => {
                Row { name, ran, skipped: None, out, ratio, ratios }
            }
        }
    }
}

/// Runs the programs, and fails if one of them does, or leaves pages behind.
pub fn demo(args: &Args) -> Result<()> {
    let rows = PROGRAMS.into_iter().filter(|name| args.name == ALL || args.name == *name);
    let rows = rows.map(|name| one(name, args.quick, "release")).collect::<Result<Vec<_>>>()?;
    let json = serde_json::to_string_pretty(&rows)?;
    match &args.json {
        Some(file) if file.as_os_str() == STDOUT => println!("{json}"),
        Some(file) => fs::write(file, json + "\n").with_context(|| file.display().to_string())?,
        None => {}
    }
    Ok(())
}

/// A file, meant from where the task was called, or the standard output.
fn destination(argument: &str) -> io::Result<PathBuf> {
    if argument == STDOUT { Ok(argument.into()) } else { path(argument) }
}

/// Runs a program in its quick form: whether it works, and not how fast. So it is built as tests are.
pub fn quick(name: &str) -> Result<()> {
    one(name, true, if name == ALONE { "release" } else { "dev" }).map(drop)
}

/// Runs a program, and shows what it prints.
fn one(name: &str, quick: bool, profile: &str) -> Result<Row> {
    println!("== {name}");
    let mut command = cargo(["run", "-q", "--profile", profile]);
    if name == ALONE {
        let folder = format!("examples/{name}/Cargo.toml");
        command.args(["--manifest-path", &folder]).env("CARGO_TARGET_DIR", target(name));
    } else {
        command.args(["-p", name]);
    }
    command.args(quick.then_some(["--", "--quick"]).into_iter().flatten());
    let said = shown(&mut command).with_context(|| format!("the program {name}"))?;
    let row = Row::new(name, read(&said)?);
    ensure!(row.out == 0, "{name} left {} pages behind", row.out);
    ensure!(row.ran > 0 || row.skipped.is_some(), "{name} did nothing");
    match &row.skipped {
        Some(why) => println!("== {name}: skipped, {why}"),
        None => println!("== {name}: {} operations", row.ran),
    }
    Ok(row)
}

/// Runs a program to a good end, shows its lines as they come, and returns the last one.
fn shown(command: &mut Command) -> Result<String> {
    let mut program = command.stdout(Stdio::piped()).spawn().context("it did not start")?;
    let output = BufReader::new(program.stdout.take().context("its output")?);
    let mut last = String::new();
    for line in output.lines() {
        last = line?;
        println!("{last}");
        io::stdout().flush()?;
    }
    let status = program.wait()?;
    ensure!(status.success(), "{status}");
    Ok(last)
}

/// What the last line of a program says.
fn read(line: &str) -> Result<Said> {
    let said = line.strip_prefix(SAYS).with_context(|| format!("no result, but `{line}`"))?;
    serde_json::from_str(said).with_context(|| format!("no result: `{said}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read() {
        let ran = read(r#"demo: {"ran": 1000, "out": 0, "ratio": 1.25}"#).expect("a result");
        let row = Row::new("packets", ran);
        let json = serde_json::to_string(&row).expect("a row");
        let written = r#"{"name":"packets","ran":1000,"skipped":null,"out":0,"ratio":1.25}"#;
        assert_eq!(json, written);
        let several = r#"demo: {"ran": 1, "out": 0, "ratio": 1.5, "ratios": {"a, b": 1.5}}"#;
        let row = Row::new("storage", read(several).expect("a result"));
        assert_eq!(row.ratios, BTreeMap::from([("a, b".into(), 1.5)]));
        let json = serde_json::to_string(&row).expect("a row");
        assert!(json.ends_with(r#""ratio":1.5,"ratios":{"a, b":1.5}}"#), "{json}");
        let skipped = read(r#"demo: {"skipped": "no qemu"}"#).expect("a result");
        assert_eq!(Row::new("kernel", skipped).skipped.as_deref(), Some("no qemu"));
        let alone = read(r#"demo: {"ran": 1, "out": 2, "ratio": null}"#).expect("a result");
        assert_eq!(alone, Said::Ran { ran: 1, out: 2, ratio: None, ratios: BTreeMap::new() });
        for wrong in
            ["", "done", "demo: done", r#"demo: {"ran": 1}"#, r#"demo: {"ran": -1, "out": 0}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
