//! Whether the public interface still is what the last release promised.

use std::process::Command;

use anyhow::{Context, Result};

use super::manifest::Sibling;
use crate::run::{answers, cargo, run};

/// Compares with the last tag. Or says why not.
pub fn semver() -> Result<Option<&'static str>> {
    if !answers("cargo", &["semver-checks", "--version"]) {
        return Ok(Some("cargo-semver-checks is not installed"));
    }
    let git = ["-c", "safe.directory=*", "describe", "--tags", "--abbrev=0"];
    let tag = Command::new("git").args(git).output().context("git did not start")?;
    if !tag.status.success() {
        return Ok(Some("no release has a tag"));
    }
    let tag = String::from_utf8(tag.stdout)?;
    println!("since {}", tag.trim());
    let mut checks = cargo(["semver-checks"]);
    checks.args(Sibling::ALL.iter().flat_map(|one| ["-p", one.name]));
    run(checks.args(["--baseline-rev", tag.trim()]))?;
    Ok(None)
}
