//! `cargo xtask platforms`: the crate is built, and where an emulator runs it also tested, for other processors and
//! systems.
//!
//! Nothing is installed for it. A platform whose compiler or linker is not there is skipped, with the name of what is
//! missing.

mod table;
mod tools;
mod wine;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::run::{answers, path, run, target};
use table::{PLATFORMS, Platform, What};
use tools::Compiler;

/// Which platforms, and how much.
#[derive(clap::Args, Default)]
pub struct Args {
    /// The platforms; all of them if none is named.
    names: Vec<String>,
    /// How much to do: the unit tests where they run, or only a look for what does not compile.
    #[arg(long, value_enum, default_value_t)]
    depth: Depth,
    /// Also run this test program of the crate. Can be given more than once.
    #[arg(long, value_name = "PROGRAM")]
    test: Vec<String>,
    /// Write the rows to this file.
    #[arg(long, value_name = "FILE", value_parser = path)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Depth {
    Check,
    #[default]
    Tests,
}

/// What came of a platform.
#[derive(Serialize)]
struct Row {
    platform: &'static str,
    target: &'static str,
    done: &'static str,
    compiler: Option<String>,
    /// Why less was done than could be.
    why: Option<String>,
    failed: bool,
}

/// Tries each, prints a table, and fails if one failed. All are tried before.
pub fn platforms(args: &Args) -> Result<()> {
    for name in &args.names {
        let known = PLATFORMS.iter().any(|it| it.name == name);
        ensure!(known, "no such platform: {name}");
    }
    let compilers = tools::compilers();
    let chosen = |it: &&Platform| args.names.is_empty() || args.names.iter().any(|n| n == it.name);
    let rows: Vec<_> =
        PLATFORMS.iter().filter(chosen).map(|it| row(it, args, &compilers)).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["platform", "target", "done", "rustc", "why"]);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
    for row in &rows {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let Row { platform, target, done, compiler, why, .. } = row;
        table.add_row([*platform, target, done, &text(compiler), &text(why)]);
    }
    println!("{table}");
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_string_pretty(&rows)? + "\n").context("the file of rows")?;
    }
    let count = |done: &str| rows.iter().filter(|row| row.done == done).count();
    if count(SKIPPED) == rows.len() {
        println!(
            "skipped: no compiler here has the standard library of another platform, or its source"
        );
    }
    let failed: Vec<_> = rows.iter().filter(|it| it.failed).map(|it| it.platform).collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

const SKIPPED: &str = "skipped";

/// The first compiler that can build for a target, and is new enough, if one is.
fn best<'a>(compilers: &'a [Compiler], target: &str) -> Option<&'a Compiler> {
    let able = || compilers.iter().filter(|it| it.knows(target));
    able().find(|it| it.is_new_enough()).or_else(|| able().next())
}

fn row(platform: &'static Platform, args: &Args, compilers: &[Compiler]) -> Row {
    let Platform { name, target, .. } = *platform;
    println!("== {name}");
    let row = |done, compiler: Option<&Compiler>, why, failed| Row {
        platform: name,
        target,
        done,
        compiler: compiler.map(|it| it.version.clone()),
        why,
        failed,
    };
    let Some(compiler) = best(compilers, target) else {
        let why = "no rustc has its standard library, or the source of that (Debian: rust-web-src)";
        return row(SKIPPED, None, Some(why.into()), false);
    };
    if !compiler.is_new_enough() {
        let why =
            "the rustc that has its standard library is older than the crate asks (apt-get update)";
        return row(SKIPPED, Some(compiler), Some(why.into()), false);
    }
    let (done, why, result) = tried(platform, args, compiler);
    match result {
        Ok(()) => row(done, Some(compiler), why, false),
        Err(error) => {
            println!("{error:#}");
            row("FAILED", Some(compiler), Some("what it said is above".into()), true)
        }
    }
}

/// What is done for it, why no more, and what came of it.
fn tried(
    platform: &Platform,
    args: &Args,
    compiler: &Compiler,
) -> (&'static str, Option<String>, Result<()>) {
    let cargo = |command: &str| {
        let mut cargo = compiler.cargo(command, platform.target, platform.needs_std());
        cargo.env("CARGO_TARGET_DIR", self::target("platforms")).args(["-q", "-p", "pagesheaf"]);
        cargo
    };
    let check = |features: &[&str]| run(cargo("check").args(features));
    match platform.what {
        What::Refused(text) => {
            // Without `std`, which need not be built to see it.
            let result = refused(cargo("check").arg("--no-default-features"), text);
            ("refused, as it should", None, result)
        }
        What::Core => {
            let features = ["", "refcount,checks,stats", "hardened"];
            let result = features
                .into_iter()
                .try_for_each(|it| check(&["--no-default-features", "--features", it]));
            ("checked without std", None, result)
        }
        What::Tests { .. } if args.depth == Depth::Check => {
            ("checked", Some("only a look".into()), check(&["--all-features"]))
        }
        What::Tests { linker, .. } if !answers(linker, &["--version"]) => {
            let why = format!("{linker} is not installed, so nothing is linked");
            ("checked", Some(why), check(&["--all-features"]))
        }
        What::Tests { linker, emulator } => {
            let runs = !emulator.is_empty() && answers(emulator[0], &["--version"]);
            let mut cargo = cargo("test");
            cargo.env(variable(platform.target, "LINKER"), linker).arg("--lib");
            for name in &args.test {
                cargo.args(["--test", name]);
            }
            if !runs {
                let why = match emulator.first() {
                    Some(program) => format!("{program} is not installed, so nothing is run"),
                    None => "nothing here runs its programs".into(),
                };
                return ("built", Some(why), run(cargo.arg("--no-run")));
            }
            if emulator[0] == wine::PROGRAM {
                let folder = self::target("platforms");
                let prepared = wine::prepare(&mut cargo, &folder, platform.target, linker);
                if prepared.is_err() {
                    return ("built", None, prepared);
                }
            }
            cargo.env(variable(platform.target, "RUNNER"), emulator.join(" ")).arg("--");
            let result = run(cargo.args(table::LEFT_OUT.iter().flat_map(|it| ["--skip", it])));
            ("tested", None, result)
        }
    }
}

/// The compiler says this, and builds nothing.
fn refused(cargo: &mut Command, text: &str) -> Result<()> {
    let output = cargo.output().with_context(|| format!("{cargo:?} did not start"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it was built, and should be refused");
    ensure!(said.contains(text), "it does not say `{text}`:\n{said}");
    Ok(())
}

/// The variable by which Cargo is told something of a target.
fn variable(target: &str, what: &str) -> String {
    format!("CARGO_TARGET_{}_{what}", target.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_by_the_targets_own_variable() {
        let linker = variable("armv7-unknown-linux-gnueabihf", "LINKER");
        assert_eq!(linker, "CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER");
    }

    #[test]
    fn a_build_that_passes_or_says_something_else_is_not_refused() {
        let said = |script: &str| refused(Command::new("sh").args(["-c", script]), "no atomics");
        assert!(said("echo no atomics >&2; exit 1").is_ok());
        assert!(said("echo no atomics >&2").is_err());
        assert!(said("echo no linker >&2; exit 1").is_err());
    }

    #[test]
    fn a_platform_without_a_compiler_is_skipped_and_not_failed() {
        let row = row(&PLATFORMS[0], &Args::default(), &[]);
        assert_eq!((row.done, row.failed), (SKIPPED, false));
    }
}
