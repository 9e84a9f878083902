//! What a text search can see of the laws of the project.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Where a `cfg(feature)` may stand.
const FEATURES_IN: [&str; 2] = ["src/lib.rs", "src/mode.rs"];
/// Where atomics may be named.
const ATOMICS_IN: [&str; 2] = ["src/sync.rs", "src/sync/"];
/// Lines that a file may have.
const LINES: usize = 400;

/// Looks at every source file of the crate, and prints what is wrong with each.
pub fn tidy() -> Result<()> {
    let mut faults = Vec::new();
    for path in files(Path::new("src"), "rs")? {
        let (text, path) = (std::fs::read_to_string(&path)?, path.display().to_string());
        let mut fault = |what: &str| faults.push(format!("{path}: {what}"));
        if text.lines().count() > LINES {
            fault("more than 400 lines");
        }
        if text.contains("feature = \"") && !FEATURES_IN.contains(&&*path) {
            fault("names a feature outside lib.rs and mode.rs");
        }
        if text.contains("sync::atomic") && !ATOMICS_IN.iter().any(|place| path.starts_with(place))
        {
            fault("names atomics outside sync.rs");
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// The files below a folder that end so.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, end)?);
        } else if path.extension().is_some_and(|it| it == end) {
            found.push(path);
        }
    }
    Ok(found)
}
