//! `cargo xtask test`: everything that must pass.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{Stages, cargo, run};
use crate::{fuzz, instructions, peers, prevented, tidy};

/// The program without `std`, which is outside the workspace.
const NO_STD: &str = "tests/no_std/Cargo.toml";
/// The library that is loaded at run time, and its host, outside the workspace as well.
const DLOPEN: &str = "tests/dlopen/Cargo.toml";
/// The features that choose a mode.
const MODE_FEATURES: [&str; 4] = ["refcount", "checks", "stats", "hardened"];
/// The builds that are tested whole: their names, and what Cargo is told.
const BUILDS: [(&str, &[&str]); 3] = [
    ("no features", &["--no-default-features"]),
    ("default", &[]),
    ("all features", &["--all-features"]),
];

/// Runs every stage; the first that fails ends it.
pub fn test() -> Result<()> {
    let mut stages = Stages::default();
    stages.stage("format", || {
        run(&mut cargo(["fmt", "--all", "--", "--check"]))?;
        ["fuzz/Cargo.toml", NO_STD, DLOPEN].into_iter().try_for_each(|manifest| {
            run(cargo(["fmt", "--check", "--manifest-path"]).arg(manifest))
        })
    })?;
    stages.stage("tidy", tidy::tidy)?;
    stages.stage("xtask and matrix", || {
        let both = ["-q", "-p", "xtask", "-p", "matrix"];
        run(cargo(["clippy"]).args(both).args(["--all-targets", "--", "-D", "warnings"]))?;
        run(cargo(["test"]).args(both))
    })?;
    for (name, features) in BUILDS {
        stages.stage(&format!("clippy, {name}"), || {
            let packages = ["clippy", "-q", "-p", "pagesheaf", "-p", "loom-tests", "--all-targets"];
            run(cargo(packages).args(features).args(["--", "-D", "warnings"]))
        })?;
        stages.stage(&format!("tests and doctests, {name}"), || tests(&mut cargo([]), features))?;
    }
    stages.stage("what must not compile, by its error", prevented::prevented)?;
    stages.stage("check, every set of features", every_set)?;
    stages.stage("tests without debug assertions", || {
        tests(cargo([]).env("CARGO_PROFILE_TEST_DEBUG_ASSERTIONS", "false"), &[])
    })?;
    stages.stage("benches, each once", || {
        run(cargo(["test", "-q", "-p", "pagesheaf", "--benches"]).stdout(Stdio::null()))
    })?;
    stages.stage("tests with forced checks", || {
        let forced = |args: &[&str]| {
            let flags = "--cfg pagesheaf_force_checks";
            let mut cargo = cargo([]);
            tests(cargo.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", "target/forced"), args)
        };
        let can_change = ["calls", "checks", "misuse", "modes", "threads"];
        forced(&[&["--lib"], &can_change.map(|test| ["--test", test]).concat()[..]].concat())?;
        // Only without features can it be seen that checks come from there.
        forced(&["--no-default-features", "--test", "modes"])
    })?;
    stages.stage("docs", || {
        let docs = ["doc", "-q", "-p", "pagesheaf", "--no-deps", "--all-features"];
        run(cargo(docs).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        stages.stage("no_std, no heap, linked and run", no_std)?;
    } else {
        stages.skip("no_std, no heap, linked and run", "the program has the start of x86-64 Linux");
    }
    let thread_pointer = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    if thread_pointer && cfg!(all(target_os = "linux", target_env = "gnu")) {
        stages.stage("a first touch in a handler, in a library loaded at run time", dlopen)?;
    } else {
        let why = "it is for the GNU C library, where the thread pointer is read";
        stages.skip("a first touch in a handler, in a library loaded at run time", why);
    }
    match instructions::missing() {
        Some(why) => stages.skip("instructions", why),
        None => {
            stages.stage("instructions", || instructions::instructions(&Default::default()))?;
        }
    }
    examples(&mut stages)?;
    stages.stage("models on threads", || run(&mut cargo(["test", "-q", "-p", "loom-tests"])))?;
    for args in [&["loom"][..], &["loom", "--defects"]] {
        stages.stage(&args.join(" "), || run(Command::new(std::env::current_exe()?).args(args)))?;
    }
    stages.stage("matrix, in its quick form", matrix)?;
    stages.stage("peers", peers::check)?;
    stages.stage("clippy, fuzz targets", fuzz::check)?;
    fuzz(&mut stages)?;
    msrv(&mut stages)?;
    stages.done();
    Ok(())
}

/// The crate's tests.
fn tests(cargo: &mut Command, features: &[&str]) -> Result<()> {
    run(cargo.args(["test", "-q", "-p", "pagesheaf"]).args(features))
}

/// The crate builds with every set of mode features, with and without `std`.
fn every_set() -> Result<()> {
    for set in 0..1 << MODE_FEATURES.len() {
        let chosen = MODE_FEATURES.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        let chosen: Vec<_> = chosen.map(|(_, name)| *name).collect();
        for std in ["", "std"] {
            let features = [&chosen[..], &[std]].concat().join(",");
            let check = ["check", "-q", "-p", "pagesheaf", "--no-default-features", "--features"];
            run(cargo(check).arg(features))?;
        }
    }
    Ok(())
}

/// A program without `std` and without a heap links, runs, and has nothing of either in it.
fn no_std() -> Result<()> {
    for mode in ["", "refcount,checks,stats"] {
        let release = ["-q", "--release", "--target-dir", "target/no_std", "--manifest-path"];
        let cargo = |command| {
            let mut cargo = cargo([command]);
            cargo.args(release).args([NO_STD, "--features", mode]);
            cargo
        };
        run(cargo("clippy").args(["--", "-D", "warnings"]))?;
        run(&mut cargo("build"))?;
        run(&mut Command::new("target/no_std/release/no_std"))?;
        let program = std::fs::read("target/no_std/release/no_std").context("the program")?;
        let heap = b"__rust_alloc";
        ensure!(!program.windows(heap.len()).any(|bytes| bytes == heap), "it has a heap");
    }
    Ok(())
}

/// A thread touches the pool of a library for the first time in a handler that interrupted `malloc`.
fn dlopen() -> Result<()> {
    let build = ["-q", "--target-dir", "target/dlopen", "--manifest-path", DLOPEN];
    run(cargo(["clippy"]).args(build).args(["--", "-D", "warnings"]))?;
    run(cargo(["build"]).args(build))?;
    run(&mut Command::new("target/dlopen/debug/host"))
}

fn examples(stages: &mut Stages) -> Result<()> {
    let example = |name| cargo(["run", "-q", "--release", "--example", name, "--"]);
    stages.stage("quickstart", || run(&mut example("quickstart")))?;
    if !cfg!(target_os = "linux") {
        stages.skip("udp_echo", "it is for Linux");
        return Ok(());
    }
    for mode in ["bare", "checked", "hardened"] {
        stages.stage(&format!("udp_echo, {mode}, --lossless"), || {
            run(example("udp_echo").args(["--mode", mode, "--lossless"]))
        })?;
        stages.stage(&format!("udp_echo, {mode}, --pages 16"), || {
            runs_dry(example("udp_echo").args(["--mode", mode, "--pages", "16"]))
        })?;
    }
    Ok(())
}

/// The example comes to a good end, and has dropped datagrams because it had no page for them.
fn runs_dry(echo: &mut Command) -> Result<()> {
    let output = echo.stderr(Stdio::inherit()).output().context("the example did not start")?;
    let said = String::from_utf8(output.stdout)?;
    print!("{said}");
    ensure!(output.status.success(), "{echo:?}: {}", output.status);
    let number = |text: &str| text.rsplit(['(', ' ']).next()?.parse::<u64>().ok();
    let dropped = said.split_once(" no page").and_then(|(before, _)| number(before));
    ensure!(dropped.context("it does not say how many")? > 0, "the pool never ran dry");
    Ok(())
}

/// The matrix runs and writes what it says that it writes. No figure of it is judged.
fn matrix() -> Result<()> {
    let files = ["json", "html"].map(|kind| format!("target/matrix-quick.{kind}"));
    let [json, html] = &files;
    let args = ["matrix", "--quick", "--json", json, "--html", html];
    run(Command::new(std::env::current_exe()?).args(args))?;
    for file in &files {
        ensure!(std::fs::metadata(file).is_ok_and(|file| file.len() > 0), "{file} is empty");
    }
    Ok(())
}

/// The fuzz targets in their short form.
fn fuzz(stages: &mut Stages) -> Result<()> {
    if let Some(why) = fuzz::missing() {
        stages.skip("fuzz", why);
        return Ok(());
    }
    stages.stage("fuzz", || fuzz::fuzz(&fuzz::Args { seconds: 20, targets: Vec::new() }))
}

/// The oldest compiler that is promised, where it is installed; clippy's `incompatible_msrv` looks everywhere.
fn msrv(stages: &mut Stages) -> Result<()> {
    let toolchain = format!("+{}", env!("CARGO_PKG_RUST_VERSION"));
    let known = Command::new("cargo").args([&toolchain, "--version"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        stages.skip("oldest compiler", "it is not installed");
        return Ok(());
    }
    stages.stage("oldest compiler", || {
        let check = [&*toolchain, "check", "-q", "-p", "pagesheaf", "--all-features"];
        run(Command::new("cargo").args(check).env("CARGO_TARGET_DIR", "target/msrv"))
    })
}
