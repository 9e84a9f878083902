//! `cargo xtask matrix`: the benchmark matrix, a program of its own, so that it alone is built for speed.

use std::path::Path;

use anyhow::Result;

use crate::run::{cargo, root, run, to_be_timed};

/// What the matrix is told; `--help` says more.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the matrix and runs it, where the task was called: paths among its arguments are meant from there.
pub fn matrix(args: &Args, from: &Path) -> Result<()> {
    let mut cargo = cargo(["run", "-q", "--release", "-p", "matrix", "--manifest-path"]);
    cargo.arg(root().join("Cargo.toml")).arg("--").args(&args.args).current_dir(from);
    run(to_be_timed(&mut cargo, "matrix"))
}
