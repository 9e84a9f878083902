//! The gate: what must pass before a change goes in. At most 15 minutes on two quiet cores.
//!
//! Its stages build in one folder, one after the other. What builds in folders of its own runs beside them, in a
//! process of its own: `beside`.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::beside::{Beside, DLOPEN, KERNEL, NO_STD};
use super::extra::{LIVENESS, QUIC, RUNTIMES};
use super::parts::{BUILDS, echo, runs_dry, tests};
use super::shown;
use crate::run::{Stages, cargo, executable, root, run, target};
use crate::{demo, instructions, prevented, tidy};

/// The crate without the packages that test it.
const ALONE: &[&str] = &["-p", "pagesheaf"];
/// The packages that have no features, and so one build.
const TOOLS: [&str; 22] = [
    "-p",
    "xtask",
    "-p",
    "matrix",
    "-p",
    "rss",
    "-p",
    "benches",
    "-p",
    "packets",
    "-p",
    "service",
    "-p",
    "storage",
    "-p",
    "udp_echo",
    "-p",
    "virtio_hal",
    "-p",
    "loom-tests",
    "-p",
    "shuttle-tests",
];

pub fn gate(stages: &mut Stages) -> Result<()> {
    let mut beside = Beside::begin()?;
    stages.stage("format", || {
        run(&mut cargo(["fmt", "--all", "--", "--check"]))?;
        ["fuzz/Cargo.toml", NO_STD, DLOPEN, LIVENESS, RUNTIMES, KERNEL, QUIC]
            .into_iter()
            .try_for_each(
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
        beside.look()?;
    }
    stages.stage("clippy, tools and models", || {
        let mut clippy = cargo(["clippy", "-q", "--all-targets"]);
        run(clippy.args(TOOLS).args(["--", "-D", "warnings"]))
    })?;
    stages.stage("what must not compile, by its error", prevented::prevented)?;
    stages.stage("docs", || {
        let docs = ["doc", "-q", "-p", "pagesheaf", "--no-deps", "--all-features"];
        run(cargo(docs).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    programs(stages)?;
    beside.look()?;
    stages.stage("pagesheaf-buf", buffers)?;
    stages.stage("tests of the tools", || {
        run(&mut cargo(["test", "-q", "-p", "xtask", "-p", "matrix"]))
    })?;
    beside.look()?;
    measuring(stages)?;
    beside.end(stages)
}

/// The tests to which it makes a difference which mode the features choose: those that name their modes, and the
/// packages that only do so, ran with the default features. The chosen mode hardens in every way.
fn of_the_chosen_mode(features: &[&str]) -> Result<()> {
    let of = |which: &[&str]| tests(&mut cargo([]), &[features, ALONE, which].concat());
    of(&["--lib", "--test", "modes"])?;
    of(&["--doc"])?;
    let chosen = "every_mode::hardened";
    few_modes(features, ("pagesheaf", "."), "contract", &[chosen, "faults::", "tracking"])?;
    // Calls that a plan makes fail, among all others.
    few_modes(features, ("model", "tests/model"), "model", &[chosen])
}

/// Tests of a program that have these names, of the modes that differ most: the program is built over no others. It
/// runs where Cargo would run it.
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
    for features in ["", "alloc,bytes"] {
        let alone = ["clippy", "-q", "-p", "pagesheaf-buf", "--no-default-features", "--features"];
        run(cargo(alone).arg(features).args(["--", "-D", "warnings"]))?;
    }
    run(of("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
    run(of("doc").arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings"))?;
    run(&mut of("test"))
}

/// Programs that use the crate.
fn programs(stages: &mut Stages) -> Result<()> {
    stages.stage("commands of the README", shown::run_all)?;
    stages.stage("handover", || run(&mut cargo(["run", "-q", "--example", "handover"])))?;
    stages.stage("virtio_hal", || run(&mut cargo(["run", "-q", "-p", "virtio_hal"])))?;
    if !cfg!(target_os = "linux") {
        stages.skip("udp_echo, and demos", "they are for Linux");
        return Ok(());
    }
    stages.stage("demo packets", || demo::quick("packets"))?;
    stages.stage("demo storage", || demo::quick("storage"))?;
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
    stages.stage("matrix, one round", matrix)?;
    stages.stage("benches, each once", || {
        run(cargo(["test", "-q", "-p", "benches", "--benches"]).stdout(Stdio::null()))
    })
}

/// The matrix runs and writes what it says that it writes. No figure of it is judged.
fn matrix() -> Result<()> {
    let files = ["json", "html"].map(|kind| target(&format!("matrix-quick.{kind}")));
    let [json, html] = &files;
    // As its tests are built: to have it optimised would take longer than it runs.
    let mut matrix = cargo(["run", "-q", "-p", "matrix", "--", "--quick", "--rounds", "1"]);
    run(matrix.arg("--json").arg(json).arg("--html").arg(html))?;
    for file in &files {
        let written = std::fs::metadata(file).is_ok_and(|file| file.len() > 0);
        ensure!(written, "{} is empty", file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
