//! `cargo xtask peers`: the matrix with rivals. Which of them can be built here is found out, and said.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::run::{answers, cargo, root, run, to_be_timed};

/// What the matrix is told; `--help` says more.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// A program that says whether something is there, and what to say if it is not.
type Probe = (&'static [&'static str], &'static str);

/// The features of the package, and what they need to be built.
const RIVALS: [(&str, Option<Probe>); 7] = [
    ("queues", None),
    ("pools", None),
    ("frame-alloc", None),
    ("mimalloc", None),
    ("jemalloc", None),
    ("snmalloc", Some((&["cmake", "--version"], "cmake is not installed"))),
    ("dpdk", Some((&["pkg-config", "--exists", "libdpdk"], "libdpdk-dev is not installed"))),
];

/// Rivals that the registry does not have.
const ABSENT: [(&str, &str); 1] = [("llfree", "it is not in the registry")];

/// Builds what can be built, says what cannot, and runs the matrix where the task was called.
pub fn peers(args: &Args, from: &Path) -> Result<()> {
    let (features, left_out) = buildable();
    let left_out: Vec<_> = left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let left_out = left_out.join("\n");
    // Now, because the report, which says it too, takes a while.
    println!("Left out:\n{left_out}");
    let mut run_peers = peers_cargo(&["run", "-q", "--release"], &features.join(","));
    run_peers.env("PEERS_LEFT_OUT", left_out);
    run(run_peers.arg("--").args(&args.args).current_dir(from))
}

/// The package has no warnings, and each rival does its shapes and loses no page: those that are written in Rust and,
/// where it is installed, DPDK. The others would be built for it.
pub fn check() -> Result<()> {
    run(cargo(["fmt", "--check", "--manifest-path"]).arg(manifest()))?;
    let installed = |(name, probe): &(&str, Option<Probe>)| {
        *name == "dpdk" && probe.is_some_and(|(probe, _)| succeeds(probe))
    };
    let dpdk = if RIVALS.iter().any(installed) { ",dpdk" } else { "" };
    let features = format!("queues,pools,frame-alloc{dpdk}");
    let mut clippy = peers_cargo(&["clippy", "-q", "--all-targets"], &features);
    run(clippy.args(["--", "-D", "warnings"]))?;
    run(&mut peers_cargo(&["test", "-q"], &features))
}

fn manifest() -> std::path::PathBuf {
    root().join("benches/peers/Cargo.toml")
}

/// cargo on the package, with these features.
fn peers_cargo(command: &[&str], features: &str) -> Command {
    let mut cargo = cargo(command.iter().copied());
    cargo.arg("--manifest-path").arg(manifest());
    cargo.args(["--no-default-features", "--features", features]);
    to_be_timed(&mut cargo, "peers");
    cargo
}

/// The features that build here, and why the others do not. All are tried at once, and one by one only if that fails:
/// each build takes minutes.
fn buildable() -> (Vec<&'static str>, Vec<(&'static str, String)>) {
    let mut features = Vec::new();
    let mut left_out: Vec<_> = ABSENT.iter().map(|&(name, why)| (name, why.into())).collect();
    for (name, probe) in RIVALS {
        match probe {
            Some((probe, why)) if !succeeds(probe) => left_out.push((name, why.into())),
            _ => features.push(name),
        }
    }
    if build(&features.join(",")).is_err() {
        features.retain(|name| build(name).map_err(|why| left_out.push((name, why))).is_ok());
    }
    (features, left_out)
}

/// Builds the program with these features, or says what the first error is.
fn build(features: &str) -> Result<(), String> {
    match peers_cargo(&["build", "-q", "--release"], features).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(first_error(&output.stderr)),
        Err(error) => Err(error.to_string()),
    }
}

fn succeeds(probe: &[&str]) -> bool {
    answers(probe[0], &probe[1..])
}

fn first_error(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let error = said.lines().find(|line| line.trim_start().starts_with("error"));
    format!("it does not build: {}", error.unwrap_or("no reason given").trim())
}
