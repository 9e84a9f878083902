//! Building the models.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::run;

/// The models as a program, built for loom.
pub fn models() -> Result<PathBuf> {
    executable(&mut command())
}

/// How they are built: in a folder of their own, because the flag makes everything another program.
fn command() -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let mut cargo =
        run::cargo(["test", "--quiet", "--profile", "models", "--package", "loom-tests"]);
    cargo
        .args(["--test", "models", "--no-run", "--message-format", "json-render-diagnostics"])
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "--cfg pagesheaf_loom")
        .env("CARGO_TARGET_DIR", PathBuf::from(target).join("loom"));
    cargo
}

/// Builds, and finds out where the program is.
fn executable(command: &mut Command) -> Result<PathBuf> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{command:?} did not start"))?;
    ensure!(output.status.success(), "the models do not build: {}", output.status);
    let executable = |line: &str| -> Option<PathBuf> {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    let messages = String::from_utf8(output.stdout)?;
    messages.lines().rev().find_map(executable).context("cargo does not say where the models are")
}
