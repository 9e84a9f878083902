//! `cargo xtask tidy`: what a text search can see of the laws of the project.

mod changelog;
mod documents;
mod examples;
#[cfg(test)]
mod exports;
mod layers;
mod modules;
#[cfg(test)]
mod readme;
mod rules;
mod safety;
mod scan;
mod unsafety;

use std::fmt;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::figures;
use crate::run::root;

/// A file of the project.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// What is wrong with line `at`, counted from zero.
    fn fault(&self, at: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line: at + 1, what: what.into() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Something that has to be mended.
#[derive(Debug)]
pub struct Fault {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Looks at every file of the project, and says all that is wrong.
pub fn tidy() -> Result<()> {
    let files = files()?;
    let mut faults = rules::faults(&files);
    faults.extend(layers::faults(&files));
    faults.extend(documents::faults(&files));
    faults.extend(changelog::faults(&files));
    faults.extend(safety::faults(&files));
    faults.extend(examples::faults(&files));
    faults.extend(unsafety::faults(&files));
    faults.extend(figures::faults(&files));
    let list: Vec<_> = faults.iter().map(Fault::to_string).collect();
    ensure!(faults.is_empty(), "{} faults\n{}", faults.len(), list.join("\n"));
    println!("{} files: nothing to tidy", files.len());
    Ok(())
}

/// The texts that git knows or would take in.
fn files() -> Result<Vec<File>> {
    let read = |path: String| {
        // A file that is not there is about to be removed, and one that is not text has no lines.
        let text = std::fs::read_to_string(&path).ok()?;
        Some(File { path, text })
    };
    let files: Vec<_> = paths()?.into_iter().filter_map(read).collect();
    ensure!(files.iter().any(|file| file.path == "src/lib.rs"), "git does not know the project");
    Ok(files)
}

/// The paths of all files that git knows or would take in, from the root.
pub fn paths() -> Result<Vec<String>> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    // Only paths are read, so it does not matter whose the folder is.
    let mut git = Command::new("git");
    let git = git.args(["-c", "safe.directory=*"]).args(args).current_dir(root());
    let output = git.output();
    let output = output.context("git did not start")?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout)?;
    Ok(paths.split_terminator('\0').map(str::to_owned).collect())
}
