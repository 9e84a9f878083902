//! What the gate runs beside its other stages: all that is built in folders of its own.
//!
//! One build of a large crate keeps one processor busy for most of its time. So these stages run in a process beside,
//! whose output is shown when it has ended.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};

use anyhow::{Context, Result, bail, ensure};

use super::parts::{forced, loom};
use super::{oldest, sets};
use crate::run::{Stages, cargo, run, target};
use crate::{demo, fuzz, package};

/// The program without `std`, which is outside the workspace.
pub const NO_STD: &str = "tests/no_std/Cargo.toml";
/// The library that is loaded at run time, and its host, outside the workspace as well.
pub const DLOPEN: &str = "tests/dlopen/Cargo.toml";
/// A kernel, which is linked in a way of its own.
pub const KERNEL: &str = "examples/kernel/Cargo.toml";

/// The stages, while they run.
pub struct Beside {
    process: Child,
    output: PathBuf,
}

impl Beside {
    pub fn begin() -> Result<Self> {
        let output = target("beside.log");
        fs::create_dir_all(output.parent().context("a file is in a folder")?)?;
        // Not the file that one before may still write to.
        let _ = fs::remove_file(&output);
        let file = File::create(&output).with_context(|| output.display().to_string())?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["test", "--beside"]).stdout(file.try_clone()?).stderr(file);
        let process = command.spawn().context("the stages beside did not start")?;
        println!("== beside: its output is in {}, and comes at the end", output.display());
        Ok(Beside { process, output })
    }

    /// An error if it has failed by now: then nothing else needs to run.
    pub fn look(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            Some(status) if !status.success() => bail!("{}", self.said()?),
            _ => Ok(()),
        }
    }

    /// Waits for its end, and shows what it said.
    pub fn end(mut self, stages: &mut Stages) -> Result<()> {
        stages.stage("what was left of the stages beside", || {
            let status = self.process.wait()?;
            println!("{}", self.said()?);
            ensure!(status.success(), "a stage beside failed");
            Ok(())
        })
    }

    fn said(&self) -> Result<String> {
        fs::read_to_string(&self.output).with_context(|| self.output.display().to_string())
    }
}

impl Drop for Beside {
    /// What is left of it has no use. What it has started comes to its end soon.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The stages.
pub fn beside(stages: &mut Stages) -> Result<()> {
    stages.stage("loom, presets", || loom(&["--presets", "--short"]))?;
    package::gate(stages)?;
    stages.stage("check, each feature alone", sets::alone)?;
    // Only without features can it be seen that checks come from there.
    stages.stage("modes with forced checks", || {
        forced(&["-p", "pagesheaf", "--no-default-features", "--test", "modes"])
    })?;
    stages.stage("clippy, fuzz targets", fuzz::check)?;
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        stages.stage("no_std, no heap, linked and run", no_std)?;
    } else {
        stages.skip("no_std, no heap, linked and run", "the program has the start of x86-64 Linux");
    }
    let first_touch = "a first touch in a handler, in a library loaded at run time";
    let thread_pointer = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    if thread_pointer && cfg!(all(target_os = "linux", target_env = "gnu")) {
        stages.stage(first_touch, dlopen)?;
    } else {
        stages.skip(first_touch, "it is for the GNU C library, where the thread pointer is read");
    }
    stages.stage("demo kernel", || {
        let mut clippy = cargo(["clippy", "-q", "--release", "--manifest-path", KERNEL]);
        clippy.env("CARGO_TARGET_DIR", target("kernel"));
        run(clippy.args(["--", "-D", "warnings"]))?;
        demo::quick("kernel")
    })?;
    oldest::oldest(stages)
}

/// A program without `std` and without a heap links, runs, and has nothing of either in it.
fn no_std() -> Result<()> {
    let folder = target("no_std");
    let program = folder.join("release/no_std");
    for mode in ["", "refcount,checks,stats"] {
        let cargo = |command| {
            let mut cargo = cargo([command, "-q", "--release", "--target-dir"]);
            cargo.arg(&folder).args(["--manifest-path", NO_STD, "--features", mode]);
            cargo
        };
        run(cargo("clippy").args(["--", "-D", "warnings"]))?;
        run(&mut cargo("build"))?;
        run(&mut Command::new(&program))?;
        let program = std::fs::read(&program).context("the program")?;
        let heap = b"__rust_alloc";
        ensure!(!program.windows(heap.len()).any(|bytes| bytes == heap), "it has a heap");
    }
    Ok(())
}

/// A thread touches the pool of a library for the first time in a handler that interrupted `malloc`.
fn dlopen() -> Result<()> {
    let folder = target("dlopen");
    let cargo = |command| {
        let mut cargo = cargo([command, "-q", "--target-dir"]);
        cargo.arg(&folder).args(["--manifest-path", DLOPEN]);
        cargo
    };
    run(cargo("clippy").args(["--", "-D", "warnings"]))?;
    run(&mut cargo("build"))?;
    run(&mut Command::new(folder.join("debug/host")))
}
