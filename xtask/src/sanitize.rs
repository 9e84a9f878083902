//! `cargo xtask sanitize`: the stress programs under AddressSanitizer, ThreadSanitizer and valgrind's memcheck.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{answers, cargo, run, target};
use crate::{fuzz, stress};

/// For how long each case runs, if nothing else is said.
const SECONDS: f64 = 0.1;

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

/// The programs, built by a nightly compiler with these flags.
fn nightly(folder: &str, flags: &str) -> Result<std::path::PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", "test", "--target", "x86_64-unknown-linux-gnu"])
        .env("CARGO_TARGET_DIR", std::path::absolute(target(folder))?)
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    stress::built(&mut cargo)
}

/// Freed pages are poisoned by the programs' oracle; a touch of one must be found.
fn address(seconds: &str) -> Result<()> {
    let program = nightly("asan", "-Zsanitizer=address --cfg pagesheaf_asan")?;
    let mut touch = Command::new(&program);
    let output = touch.arg("--touch-a-freed-page").output().context("the program did not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let found = !output.status.success() && said.contains("use-after-poison");
    ensure!(found, "AddressSanitizer does not see the touch of a freed page:\n{said}");
    quietly(Command::new(&program).args(["--seconds", seconds]))?;
    println!("AddressSanitizer: a touch of a freed page is found; in the programs there is none");
    Ok(())
}

/// The standard library is not instrumented: the programs only spawn and join, which ThreadSanitizer sees in the C
/// library.
fn thread(seconds: &str) -> Result<()> {
    let flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    let program = nightly("tsan", flags)?;
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
    let program = stress::built(&mut cargo(["test"]))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--fair-sched=yes"]);
    quietly(
        valgrind.arg("--errors-for-leak-kinds=definite").arg(program).args(["--seconds", seconds]),
    )?;
    println!("memcheck: no error");
    Ok(())
}

/// Runs to a good end; what is printed matters only if it is not.
fn quietly(command: &mut Command) -> Result<()> {
    run(command.stdout(Stdio::null()))
}
