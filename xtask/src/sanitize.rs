//! `cargo xtask sanitize`: the stress programs under AddressSanitizer, ThreadSanitizer and valgrind's memcheck; and
//! under two of these the program that touches pages which nobody has.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{answers, cargo, run, target};
use crate::{fuzz, stress};

/// For how long each case runs, if nothing else is said.
const SECONDS: f64 = 0.1;

/// The tools are told which pages may be touched.
const HOOKS: &[&str] = &["--features", "sanitizer-hooks"];

/// For how long each case runs.
#[derive(clap::Args)]
pub struct Args {
    /// For how long each program runs, in each mode, with two threads and with eight.
    #[arg(long, default_value_t = SECONDS)]
    seconds: f64,
}

impl Default for Args {
    fn default() -> Self {
        Args { seconds: SECONDS }
    }
}

/// Runs all three; what is not on the machine is reported as skipped.
pub fn sanitize(args: &Args) -> Result<()> {
    let seconds = args.seconds.to_string();
    match fuzz::missing() {
        Some(why) => println!("AddressSanitizer, ThreadSanitizer: skipped, {why}"),
        None => {
            address(&seconds)?;
            thread(&seconds)?;
        }
    }
    memory(&seconds)
}

/// A program of this name, built by a nightly compiler with these flags.
fn nightly(folder: &str, flags: &str, features: &[&str], name: &str) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", "test", "--target", "x86_64-unknown-linux-gnu"])
        .args(features)
        .env("CARGO_TARGET_DIR", std::path::absolute(target(folder))?)
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    stress::built(&mut cargo, name)
}

/// No program touches a page that it does not have; the misuses that do are found.
fn address(seconds: &str) -> Result<()> {
    let build = |name| nightly("asan", "-Zsanitizer=address", HOOKS, name);
    let tool = Tool {
        name: "AddressSanitizer",
        start: |program| Command::new(program),
        says: |kind| match kind {
            "reads" => &["use-after-poison", "READ of size"],
            "writes" => &["use-after-poison", "WRITE of size"],
            _ => &[],
        },
    };
    tool.tries(&build("touches")?)?;
    quietly(Command::new(build("stress")?).args(["--seconds", seconds]))?;
    println!("AddressSanitizer: no free page is touched by the programs");
    Ok(())
}

/// The standard library is not instrumented: the programs only spawn and join, which ThreadSanitizer sees in the C
/// library.
fn thread(seconds: &str) -> Result<()> {
    let flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    let program = nightly("tsan", flags, &[], "stress")?;
    quietly(Command::new(&program).args(["--seconds", seconds]))?;
    println!("ThreadSanitizer: no race");
    Ok(())
}

/// Reads of what was never written, and memory that is lost.
fn memory(seconds: &str) -> Result<()> {
    if !answers("valgrind", &["--version"]) {
        println!("memcheck: skipped, valgrind is not installed");
        return Ok(());
    }
    let build = |name| stress::built(cargo(["test"]).args(HOOKS), name);
    let start = |program: &Path| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--fair-sched=yes"]);
        valgrind.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
        valgrind.arg(program);
        valgrind
    };
    let tool = Tool {
        name: "memcheck",
        start,
        says: |kind| match kind {
            "reads" => &["Invalid read of size"],
            "writes" => &["Invalid write of size"],
            _ => &["depends on uninitialised value"],
        },
    };
    tool.tries(&build("touches")?)?;
    quietly(start(&build("stress")?).args(["--seconds", seconds]))?;
    println!("memcheck: no error in the programs");
    Ok(())
}

/// What looks at who touches a page.
struct Tool {
    name: &'static str,
    start: fn(&Path) -> Command,
    /// What it says of a misuse of this kind, all of it; nothing if it cannot see it.
    says: fn(&str) -> &'static [&'static str],
}

impl Tool {
    /// The program `touches`: of what is legal the tool says nothing, and each misuse is found, in each mode.
    fn tries(&self, program: &Path) -> Result<()> {
        quietly(&mut (self.start)(program))?;
        let list = Command::new(program).arg("--list").output().context("no list")?;
        let list = String::from_utf8(list.stdout)?;
        let mut found = 0;
        for line in list.lines() {
            let fields: Vec<_> = line.splitn(4, '\t').collect();
            let &[number, modes, kind, what] = &fields[..] else { bail!("no line: {line}") };
            let says = (self.says)(kind);
            if says.is_empty() {
                continue;
            }
            for mode in modes.split(',') {
                let mut touch = (self.start)(program);
                let output = touch.args(["--touch", number, "--mode", mode]).output();
                let output = output.with_context(|| format!("{touch:?} did not start"))?;
                let said = String::from_utf8_lossy(&output.stderr);
                let is_found =
                    !output.status.success() && says.iter().all(|text| said.contains(text));
                ensure!(is_found, "{} does not find, in {mode}: {what}\n{said}", self.name);
                found += 1;
            }
        }
        ensure!(found > 0, "no misuse was tried");
        println!("{}: finds {found} of {found} touches of pages that nobody has", self.name);
        Ok(())
    }
}

/// Runs to a good end; what is printed matters only if it is not.
fn quietly(command: &mut Command) -> Result<()> {
    run(command.stdout(Stdio::null()))
}
