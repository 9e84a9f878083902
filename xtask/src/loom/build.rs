//! Building the models.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run;

/// The models as a program, built for loom.
pub fn models() -> Result<PathBuf> {
    run::executable(&mut command(&folder()))
}

/// Where models are built: apart, because the flag makes everything another program.
fn folder() -> PathBuf {
    run::target("loom")
}

fn command(folder: &Path) -> Command {
    let mut cargo =
        run::cargo(["test", "--quiet", "--profile", "models", "--package", "loom-tests"]);
    cargo
        .args(["--test", "models", "--no-run", "--message-format", "json-render-diagnostics"])
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "--cfg pagesheaf_loom")
        .env("CARGO_TARGET_DIR", folder);
    cargo
}
