//! Whether what must not compile fails with the error that is named, and not for some other reason.
//!
//! A stable rustdoc accepts any error in a `compile_fail` block, whatever code it names. It knows how to look at the
//! code all the same, and does so where it may do what a nightly one does.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, run};

/// Says to this program that it is called in place of rustdoc.
const BY_CODE: &str = "PAGESHEAF_BY_CODE";

/// It fails, but with another error than it says.
const WRONG: &str = "```compile_fail,E0308\nlet x = y;\n```\n";

/// Runs the blocks of `tests/misuse/prevented.md`, and looks at their codes.
pub fn prevented() -> Result<()> {
    ensure!(!passes(WRONG)?, "rustdoc does not look at the codes of errors");
    ensure!(passes(&WRONG.replace("E0308", "E0425"))?, "rustdoc does not find the code");
    let tests = ["test", "-q", "-p", "pagesheaf", "--doc", "--", "Prevented"];
    // rustdoc alone: packages that look whether the compiler is a nightly one would be built again.
    run(cargo(tests).env("RUSTDOC", std::env::current_exe()?).env(BY_CODE, "1"))
}

/// If cargo has called this program in place of rustdoc: what came of it.
pub fn as_rustdoc() -> Option<Result<()>> {
    std::env::var_os(BY_CODE)?;
    Some(run(rustdoc().args(std::env::args_os().skip(1)).env_remove(BY_CODE)))
}

/// rustdoc, the one of the stable compiler, which may do what a nightly one does.
fn rustdoc() -> Command {
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.env("RUSTC_BOOTSTRAP", "1");
    rustdoc
}

/// Whether a document's blocks do what they say.
fn passes(document: &str) -> Result<bool> {
    let file = std::env::temp_dir().join(format!("pagesheaf-{}.md", std::process::id()));
    std::fs::write(&file, document).with_context(|| file.display().to_string())?;
    let mut rustdoc = rustdoc();
    rustdoc.args(["--test", "--edition", "2024"]).arg(&file);
    let status = rustdoc.stdout(Stdio::null()).stderr(Stdio::null()).status();
    std::fs::remove_file(&file).with_context(|| file.display().to_string())?;
    Ok(status.context("rustdoc did not start")?.success())
}
