//! Running other programs, in stages that are timed.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The folder of the workspace; every task runs there.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// A path that was given as an argument, meant from where the task was called.
pub fn path(argument: &str) -> io::Result<PathBuf> {
    std::path::absolute(argument)
}

/// `cargo`, the one that runs this task, with these arguments.
pub fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(args);
    command
}

/// Where what is built in a way of its own is built: a folder of cargo's.
pub fn target(folder: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| root().join("target"), PathBuf::from).join(folder)
}

/// Lets `cargo` build what is timed, in this folder of its own, with every function on a cache line: the same code takes 0.38 or
/// 0.44 ns a page, in pairs of calls for eight, by where it happens to lie.
pub fn to_be_timed<'a>(cargo: &'a mut Command, folder: &str) -> &'a mut Command {
    let mut flags = env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(" -C llvm-args=-align-all-functions=6");
    cargo.env("CARGO_TARGET_DIR", target(folder)).env("RUSTFLAGS", flags)
}

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} did not start"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// Has cargo build a program, and finds out where it is. The arguments say `--message-format json-render-diagnostics`.
pub fn executable(cargo: &mut Command) -> Result<PathBuf> {
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{cargo:?} did not start"))?;
    ensure!(output.status.success(), "{cargo:?}: {}", output.status);
    let executable = |line: &str| -> Option<PathBuf> {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    let messages = String::from_utf8(output.stdout)?;
    messages.lines().rev().find_map(executable).context("cargo does not say where the program is")
}

/// Stages of a longer task: each says its name, and its time when it has passed.
#[derive(Default)]
pub struct Stages {
    /// The names and the times of those that passed.
    passed: Vec<(String, Duration)>,
    skipped: usize,
}

impl Stages {
    /// One stage; the first that fails ends the task.
    pub fn stage(&mut self, name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("== {name}");
        let start = Instant::now();
        body().with_context(|| format!("stage `{name}` failed"))?;
        let time = start.elapsed();
        println!("== {name}: {:.1} s", time.as_secs_f64());
        self.passed.push((name.into(), time));
        Ok(())
    }

    /// A stage that cannot run here.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("== {name}: skipped, {why}");
        self.skipped += 1;
    }

    /// The last lines of a task that came this far: the times again, and the sums.
    pub fn done(self) {
        println!();
        for (name, time) in &self.passed {
            println!("{:>8.1} s  {name}", time.as_secs_f64());
        }
        let total: Duration = self.passed.iter().map(|(_, time)| time).sum();
        println!("{:>8.1} s  in all", total.as_secs_f64());
        match self.skipped {
            0 => println!("{} passed, 0 failed", self.passed.len()),
            skipped => println!("{} passed, 0 failed, {skipped} skipped", self.passed.len()),
        }
    }
}
