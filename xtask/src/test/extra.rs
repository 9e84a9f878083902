//! What `--full` adds to the gate: as long as it takes.

use std::process::Command;

use anyhow::{Context, Result};

use super::parts::{BUILDS, echo, forced, loom, runs_dry, shuttle, tests};
use super::sets;
use crate::run::{Stages, answers, cargo, run, target};
use crate::{demo, fuzz, numa, package, peers, platforms, prove, sanitize, stress};

/// For how long each stress program runs in each mode, and each fuzz target, in seconds.
const STRESS: f64 = 2.0;
const FUZZ: u32 = 20;

/// Who waits is served in the end: a package that only this builds.
pub const LIVENESS: &str = "tests/liveness/Cargo.toml";
/// Other runtimes read into buffers: a package that only this builds, as well.
pub const RUNTIMES: &str = "tests/runtimes/Cargo.toml";

/// quiche sends from pages: a package that only this builds, because BoringSSL takes minutes.
pub const QUIC: &str = "examples/quic/Cargo.toml";

pub fn extra(stages: &mut Stages) -> Result<()> {
    for (name, features) in BUILDS {
        stages.stage(&format!("tests in every mode, {name}"), || {
            let mut cargo = cargo([]);
            // What takes half an hour, in one of them.
            if features.is_empty() {
                cargo.env("PAGESHEAF_EVERY_BIT", "1");
            }
            tests(in_every_mode(&mut cargo), features)
        })?;
    }
    stages.stage("tests with forced checks", || {
        forced(&["-p", "pagesheaf", "--lib", "--test", "contract", "--test", "misuse"])?;
        forced(&["-p", "pagesheaf", "--test", "modes"])
    })?;
    stages.stage("all or none, and beside a hog, 100,000 tries in every mode", || {
        let test = ["-p", "pagesheaf", "--test", "contract", "--"];
        let test = [&test[..], &["of_many_that_want_all", "beside_a_hog"]].concat();
        tests(in_every_mode(&mut cargo([])).env("PAGESHEAF_TRIES", "100000"), &test)
    })?;
    stages.stage("check, every set of mode features", sets::every)?;
    stages.stage("models on threads", || tests(&mut cargo([]), &["-p", "loom-tests"]))?;
    stages.stage("proofs for every value", prove::prove)?;
    stages.stage("whole pools, schedules by chance", || shuttle(&[]))?;
    stages.stage("shuttle --defects", || shuttle(&["--defects"]))?;
    stages.stage("liveness", || alone(LIVENESS, &["--release"]))?;
    if cfg!(target_os = "linux") {
        stages.stage("buffers in other runtimes", || {
            let mut clippy = cargo(["clippy", "-q", "-p", "pagesheaf-buf", "--all-features"]);
            run(clippy.args(["--all-targets", "--", "-D", "warnings"]))?;
            alone(RUNTIMES, &[])
        })?;
    }
    if cfg!(target_os = "linux") {
        for mode in ["bare", "hardened"] {
            stages.stage(&format!("udp_echo, {mode}"), || {
                run(echo(mode).arg("--lossless"))?;
                runs_dry(echo(mode).args(["--pages", "16"]))
            })?;
        }
    }
    stages.stage("demo service", || demo::quick("service"))?;
    stages.stage("a public pool, rebuilt", || {
        let mut clippy = cargo(["clippy", "-q", "-p", "sharded", "--all-targets"]);
        run(clippy.args(["--", "-D", "warnings"]))?;
        run(&mut cargo(["test", "-q", "-p", "sharded"]))?;
        demo::quick("sharded")
    })?;
    if ["cmake", "c++", "clang"].into_iter().all(|it| answers(it, &["--version"])) {
        stages.stage("quic", quic)?;
    } else {
        stages.skip("quic", "BoringSSL needs CMake, a C++ compiler and clang");
    }
    stages.stage("platforms", || platforms::platforms(&Default::default()))?;
    stages.stage("numa", || numa::numa(&Default::default()))?;
    package::extra(stages)?;
    stages.stage("clippy, peers", peers::check)?;
    stages.stage("stress", || {
        stress::stress(&stress::Args { seconds: STRESS, programs: Vec::new() })
    })?;
    stages.stage("sanitize", || sanitize::sanitize(&Default::default()))?;
    match fuzz::missing() {
        Some(why) => stages.skip("fuzz", why),
        None => stages.stage("fuzz", || {
            fuzz::fuzz(&fuzz::Args { seconds: FUZZ, record: false, targets: Vec::new() })
        })?,
    }
    // Last, because it takes longer than all else together.
    stages.stage("loom, every mode", || loom(&[]))?;
    stages.stage("loom --defects", || loom(&["--defects"]))?;
    Ok(())
}

/// In a build that stamps every mode.
fn in_every_mode(cargo: &mut Command) -> &mut Command {
    cargo.env("RUSTFLAGS", "--cfg pagesheaf_full").env("CARGO_TARGET_DIR", target("full"));
    // As `.ci/run` does: what is built once need not be built for a next time.
    cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0")
}

/// A package outside of the workspace: what clippy says of it, and its tests.
fn alone(manifest: &str, how: &[&str]) -> Result<()> {
    let folder = std::path::Path::new(manifest).parent().and_then(|folder| folder.file_name());
    let folder = folder.and_then(|name| name.to_str()).context("a folder")?;
    let of = |command| {
        let mut cargo = cargo([command, "--manifest-path", manifest]);
        cargo.args(how).env("CARGO_TARGET_DIR", target(folder));
        cargo
    };
    run(of("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
    run(&mut of("test"))
}

/// Streams and datagrams of quiche come from pages, of which none is out at the end.
fn quic() -> Result<()> {
    let of = |command| {
        let mut cargo = cargo([command, "-q", "--manifest-path", QUIC]);
        cargo.env("CARGO_TARGET_DIR", target("quic"));
        cargo
    };
    run(of("clippy").args(["--", "-D", "warnings"]))?;
    run(&mut of("run"))
}
