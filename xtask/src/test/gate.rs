//! The gate: what must pass before a change goes in. At most 15 minutes on two quiet cores.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::extra::{LIVENESS, RUNTIMES};
use super::parts::{BUILDS, echo, forced, loom, runs_dry, tests};
use super::shown;
use crate::run::{Stages, cargo, executable, root, run, target};
use crate::{fuzz, instructions, package, prevented, tidy};

/// The program without `std`, which is outside the workspace.
const NO_STD: &str = "tests/no_std/Cargo.toml";
/// The library that is loaded at run time, and its host, outside the workspace as well.
const DLOPEN: &str = "tests/dlopen/Cargo.toml";
/// The features that choose a mode, and those that harden it, which turn `checks` on.
const MODE_FEATURES: [&str; 3] = ["refcount", "stats", "checks"];
const HARDENING: [&str; 5] = ["claim", "poison", "quarantine", "shuffle", "hardened"];
/// The crate without the packages that test it.
const ALONE: &[&str] = &["-p", "pagesheaf"];
/// The packages that have no features, and so one build.
const TOOLS: [&str; 14] = [
    "-p",
    "xtask",
    "-p",
    "matrix",
    "-p",
    "rss",
    "-p",
    "benches",
    "-p",
    "udp_echo",
    "-p",
    "virtio_hal",
    "-p",
    "loom-tests",
];

pub fn gate(stages: &mut Stages) -> Result<()> {
    stages.stage("format", || {
        run(&mut cargo(["fmt", "--all", "--", "--check"]))?;
        ["fuzz/Cargo.toml", NO_STD, DLOPEN, LIVENESS, RUNTIMES].into_iter().try_for_each(
            |manifest| run(cargo(["fmt", "--check", "--manifest-path"]).arg(manifest)),
        )
    })?;
    stages.stage("tidy", tidy::tidy)?;
    for (name, features) in BUILDS {
        stages.stage(&format!("clippy, {name}"), || {
            let clippy = ["clippy", "-q", "--all-targets"];
            run(cargo(clippy).args(features).args(["--", "-D", "warnings"]))
        })?;
        stages.stage(&format!("tests and doctests, {name}"), || {
            if features.contains(&"--all-features") {
                return of_the_chosen_mode(features);
            }
            tests(&mut cargo([]), features)
        })?;
    }
    stages.stage("clippy, tools and models", || {
        let mut clippy = cargo(["clippy", "-q", "--all-targets"]);
        run(clippy.args(TOOLS).args(["--", "-D", "warnings"]))
    })?;
    stages.stage("clippy, fuzz targets", fuzz::check)?;
    stages.stage("what must not compile, by its error", prevented::prevented)?;
    stages.stage("check, every set of features", every_set)?;
    // Only without features can it be seen that checks come from there.
    stages.stage("modes with forced checks", || {
        forced(&["-p", "pagesheaf", "--no-default-features", "--test", "modes"])
    })?;
    stages.stage("docs", || {
        let docs = ["doc", "-q", "-p", "pagesheaf", "--no-deps", "--all-features"];
        run(cargo(docs).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    package::gate(stages)?;
    programs(stages)?;
    stages.stage("pagesheaf-buf", buffers)?;
    stages.stage("tests of the tools, models on threads", || {
        run(&mut cargo(["test", "-q", "-p", "xtask", "-p", "matrix", "-p", "loom-tests"]))
    })?;
    stages.stage("loom, presets", || loom(&["--presets", "--short"]))?;
    measuring(stages)?;
    msrv(stages)
}

/// The tests to which it makes a difference which mode the features choose: those that name their modes, and the packages
/// that only do so, ran with the default features. The chosen mode hardens in every way.
fn of_the_chosen_mode(features: &[&str]) -> Result<()> {
    let of = |which: &[&str]| tests(&mut cargo([]), &[features, ALONE, which].concat());
    of(&["--lib", "--test", "modes"])?;
    of(&["--doc"])?;
    let chosen = "every_mode::hardened";
    few_modes(features, ("pagesheaf", "."), "contract", &[chosen, "faults::", "tracking"])?;
    // Calls that a plan makes fail, among all others.
    few_modes(features, ("model", "tests/model"), "model", &[chosen])
}

/// Tests of a program that have these names, of the modes that differ most: the program is built over no others. It runs
/// where Cargo would run it.
fn few_modes(
    features: &[&str],
    (package, folder): (&str, &str),
    program: &str,
    names: &[&str],
) -> Result<()> {
    let mut rustc = cargo(["rustc", "-q", "--profile", "test", "-p", package, "--test", program]);
    rustc.args(features).args(["--message-format", "json-render-diagnostics"]);
    let program = executable(rustc.args(["--", "--cfg", "pagesheaf_few_modes"]))?;
    run(Command::new(program).arg("--quiet").args(names).current_dir(root().join(folder)))
}

/// The sibling crate of buffers, without any feature, and with all that need no runtime.
fn buffers() -> Result<()> {
    let of = |command| {
        let mut cargo = cargo([command, "-q", "-p", "pagesheaf-buf"]);
        cargo.args(["--features", "bytes,compio-buf,metrics,x86_64"]);
        cargo
    };
    let alone = ["clippy", "-q", "-p", "pagesheaf-buf", "--no-default-features"];
    run(cargo(alone).args(["--", "-D", "warnings"]))?;
    run(of("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
    run(of("doc").arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings"))?;
    run(&mut of("test"))
}

/// Programs that use the crate.
fn programs(stages: &mut Stages) -> Result<()> {
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
    stages.stage("commands of the README", shown::run_all)?;
    stages.stage("handover", || run(&mut cargo(["run", "-q", "--example", "handover"])))?;
    stages.stage("virtio_hal", || run(&mut cargo(["run", "-q", "-p", "virtio_hal"])))?;
    if !cfg!(target_os = "linux") {
        stages.skip("udp_echo", "it is for Linux");
        return Ok(());
    }
    stages.stage("udp_echo, checked", || {
        run(echo("checked").arg("--lossless"))?;
        runs_dry(echo("checked").args(["--pages", "16"]))
    })
}

/// What measures the crate: that it runs and, where that is exact, what it says.
fn measuring(stages: &mut Stages) -> Result<()> {
    match instructions::missing() {
        Some(why) => stages.skip("instructions", why),
        None => {
            stages.stage("instructions", || instructions::instructions(&Default::default()))?;
        }
    }
    stages.stage("matrix, in its quick form", matrix)?;
    stages.stage("benches, each once", || {
        run(cargo(["test", "-q", "-p", "benches", "--benches"]).stdout(Stdio::null()))
    })
}

/// The crate builds with every set of mode features, each hardened in every way, without `std`, and with it where
/// hardening is not one switch: which one, the code for `std` does not ask.
fn every_set() -> Result<()> {
    for set in sets() {
        let one = set.iter().any(|feature| HARDENING.contains(feature) && *feature != "hardened");
        for std in if one { &[""][..] } else { &["", "std"] } {
            let features = [&set[..], &[*std]].concat().join(",");
            let check = ["check", "-q", "-p", "pagesheaf", "--no-default-features", "--features"];
            run(cargo(check).arg(features))?;
        }
    }
    // The ages of records are others without a clock.
    let check = ["check", "-q", "-p", "pagesheaf", "--no-default-features", "--features", "track"];
    run(&mut cargo(check))
}

/// The sets of features that can differ: two switches of hardening are no more than each of them, and of references and
/// statistics none and both.
fn sets() -> Vec<Vec<&'static str>> {
    let mut sets = vec![vec![]];
    for feature in MODE_FEATURES {
        let with = |set: &Vec<_>| [&set[..], &[feature]].concat();
        sets.extend(sets.iter().map(with).collect::<Vec<_>>());
    }
    let hardened = |set: &Vec<_>| HARDENING.map(|switch| [&set[..], &[switch]].concat());
    sets.extend([vec![], vec!["refcount", "stats"]].iter().flat_map(hardened).collect::<Vec<_>>());
    sets
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

/// The matrix runs and writes what it says that it writes. No figure of it is judged.
fn matrix() -> Result<()> {
    let files = ["json", "html"].map(|kind| target(&format!("matrix-quick.{kind}")));
    let [json, html] = &files;
    // Built where instructions are counted, not where times are taken: most of it is there.
    let mut matrix = cargo(["run", "-q", "--release", "-p", "matrix", "--", "--quick", "--json"]);
    run(matrix.arg(json).arg("--html").arg(html))?;
    for file in &files {
        let written = std::fs::metadata(file).is_ok_and(|file| file.len() > 0);
        ensure!(written, "{} is empty", file.display());
    }
    Ok(())
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
        run(Command::new("cargo").args(check).env("CARGO_TARGET_DIR", target("msrv")))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_switch_is_tried_with_and_without_the_others() {
        let sets = sets();
        assert_eq!((sets.len(), sets.iter().collect::<BTreeSet<_>>().len()), (18, 18));
        for feature in MODE_FEATURES.into_iter().chain(HARDENING) {
            let with = sets.iter().filter(|set| set.contains(&feature)).count();
            assert!((2..sets.len()).contains(&with), "{feature} is in {with} sets");
        }
    }

    #[test]
    fn the_quickstart_compiles_at_most_12_crates() {
        let tree = ["tree", "-p", "pagesheaf", "-e", "normal,build,dev", "--prefix", "none"];
        let output =
            cargo(tree).args(["--no-dedupe", "--format", "{p}"]).current_dir(root()).output();
        let output = output.expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("names of crates");
        let crates: BTreeSet<_> = said.lines().filter(|line| !line.is_empty()).collect();
        assert!(crates.iter().any(|name| name.starts_with("pagesheaf ")), "{crates:?}");
        // The example itself is one more.
        assert!(crates.len() < 12, "{crates:?}");
    }
}
