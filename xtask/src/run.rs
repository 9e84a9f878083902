//! Running other programs, in stages that are timed.

use std::env;
use std::fmt;
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

/// Whether a program is there and answers.
pub fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// Where what is built in a way of its own is built: a folder of cargo's.
pub fn target(folder: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| root().join("target"), PathBuf::from).join(folder)
}

/// Lets `cargo` build what is timed, in this folder of its own, with every function on a cache line: the same code
/// takes 0.38 or
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

/// A stage that passed.
struct Passed {
    name: String,
    /// By the clock.
    time: Duration,
    /// Of all processors together, where it is known: the same on a busy machine.
    cpu: Option<Duration>,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.1} s", self.time.as_secs_f64())?;
        match self.cpu {
            Some(cpu) => write!(f, " {:>8.1} s", cpu.as_secs_f64())?,
            None => write!(f, " {:>10}", "?")?,
        }
        write!(f, "  {}", self.name)
    }
}

/// The processor time of the programs that this one has run to their end, as Linux tells it.
pub fn cpu() -> Option<Duration> {
    /// In a second: for programs to read, it is the same on every machine.
    const TICKS: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may have anything in it. Of what follows, the 14th and 15th are these times.
    let (_, numbers) = stat.rsplit_once(") ")?;
    let numbers = numbers.split(' ').skip(13).take(2).map(str::parse::<u64>);
    let ticks = numbers.sum::<Result<u64, _>>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Stages of a longer task: each says its name, and its time when it has passed.
#[derive(Default)]
pub struct Stages {
    /// Those that passed.
    passed: Vec<Passed>,
    skipped: usize,
    /// The names of those that failed and did not end the task.
    failed: Vec<String>,
    goes_on: bool,
}

impl Stages {
    /// From here on a stage that fails does not end the task: for stages of which each takes long.
    pub fn go_on_after_failures(&mut self) {
        self.goes_on = true;
    }

    /// One stage; the first that fails ends the task.
    pub fn stage(&mut self, name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
        self.attempt(name, || body().map(|()| None))
    }

    /// One stage that finds out, while it runs, whether it can run here: if not, it says why.
    pub fn attempt(
        &mut self,
        name: &str,
        body: impl FnOnce() -> Result<Option<&'static str>>,
    ) -> Result<()> {
        println!("== {name}");
        let (start, before) = (Instant::now(), cpu());
        let done = body().with_context(|| format!("stage `{name}` failed"));
        if let (true, Err(error)) = (self.goes_on, &done) {
            println!("== {name}: failed, {error:#}");
            self.failed.push(name.into());
            return Ok(());
        }
        if let Some(why) = done? {
            self.skip(name, why);
            return Ok(());
        }
        let time = start.elapsed();
        let cpu = cpu().zip(before).map(|(now, before)| now - before);
        println!("== {name}: {:.1} s", time.as_secs_f64());
        self.passed.push(Passed { name: name.into(), time, cpu });
        Ok(())
    }

    /// A stage that cannot run here.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("== {name}: skipped, {why}");
        self.skipped += 1;
    }

    /// The last lines of a task that came this far: the times again, the sums, and what failed.
    pub fn done(self) -> Result<()> {
        println!("\n     clock  processors  stage");
        self.passed.iter().for_each(|stage| println!("{stage}"));
        let time = self.passed.iter().map(|stage| stage.time).sum();
        let cpu = self.passed.iter().map(|stage| stage.cpu).sum();
        println!("{}", Passed { name: "in all".into(), time, cpu });
        let Stages { passed, skipped, failed, .. } = self;
        print!("{} passed, {} failed", passed.len(), failed.len());
        match skipped {
            0 => println!(),
            skipped => println!(", {skipped} skipped"),
        }
        ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
        Ok(())
    }
}
