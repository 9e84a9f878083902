//! `cargo xtask matrix`: the benchmark matrix, a program of its own, so that it alone is built for speed.

use anyhow::Result;

use crate::run::{cargo, run};

/// What the matrix is told; `--help` says more.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the matrix and runs it.
pub fn matrix(args: &Args) -> Result<()> {
    run(cargo(["run", "-q", "--release", "-p", "matrix", "--"]).args(&args.args))
}
