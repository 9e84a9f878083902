//! Building the models, as they are or with a deliberate defect.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// Says to this program that it is called in place of rustc, and which defect to build.
const DEFECT: &str = "PAGESHEAF_DEFECT";

/// The models as a program, built for loom.
pub fn models() -> Result<PathBuf> {
    run::executable(&mut command(&folder()))
}

/// The models as a program, over a core with a defect.
///
/// Only the packages of the workspace get the flag, from this program in place of rustc. cargo keeps what a stand-in
/// has built apart by the stand-in's path, so each defect has a path of its own, and all share what they depend on.
pub fn with_defect(name: &str) -> Result<PathBuf> {
    let folder = folder();
    let stand_in =
        folder.join("defects").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    link(&std::env::current_exe()?, &stand_in)
        .with_context(|| format!("cannot write {}", stand_in.display()))?;
    let mut cargo = command(&folder);
    cargo
        .env("RUSTC_WORKSPACE_WRAPPER", std::path::absolute(stand_in)?)
        .env(DEFECT, name)
        // Built once and run for a moment: that is soonest done without optimising.
        .env("CARGO_PROFILE_MODELS_OPT_LEVEL", "0");
    run::executable(&mut cargo)
}

/// If cargo has called this program in place of rustc: what came of it.
pub fn as_rustc() -> Option<Result<()>> {
    let defect = std::env::var(DEFECT).ok()?;
    let mut rustc: Vec<OsString> = std::env::args_os().skip(1).collect();
    rustc.extend(["--cfg".into(), format!("pagesheaf_defect=\"{defect}\"").into()]);
    Some(run::run(Command::new(&rustc[0]).args(&rustc[1..])))
}

/// Where models are built: apart, because the flag makes everything another program.
fn folder() -> PathBuf {
    run::target("loom")
}

fn link(program: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to.parent().expect("a file in a folder"))?;
    if to.exists() {
        std::fs::remove_file(to)?;
    }
    std::fs::hard_link(program, to).or_else(|_| std::fs::copy(program, to).map(drop))
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
