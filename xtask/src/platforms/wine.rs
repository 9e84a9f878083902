//! Programs of Windows, run by wine.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{root, run};

/// Who runs them.
pub const PROGRAM: &str = "wine";

/// Puts the library that an older wine lacks beside the programs that are built in `target`, and has wine keep what it
/// writes there. `linker` is a C compiler, too.
pub fn prepare(cargo: &mut Command, target: &Path, platform: &str, linker: &str) -> Result<()> {
    let programs = target.join(platform).join("debug/deps");
    fs::create_dir_all(&programs).with_context(|| programs.display().to_string())?;
    let library = programs.join("bcryptprimitives.dll");
    let source = root().join("xtask/src/platforms/wine.c");
    run(Command::new(linker).arg("-shared").arg("-o").arg(library).arg(source).arg("-ladvapi32"))?;
    cargo.env("WINEPREFIX", target.join("wine")).env("WINEDEBUG", "-all");
    Ok(())
}
