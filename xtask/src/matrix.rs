//! `cargo xtask matrix`: the benchmark matrix, a program of its own, so that it alone is built for
//! speed.
//!
//! With `--baseline COMMIT` there are two: that of the sources as they are, and that of the commit,
//! built from its own sources in `target/baseline`. The first is told where the second is, and runs
//! both by turns. `--baseline before` is the commit before the last change of the sources: so it
//! stays the right one as commits are added that only change tests or documents, which `HEAD~1` would
//! compare with themselves.
//!
//! With `--track` there are two as well: that of the sources as they are, with the feature `track`, and,
//! as its baseline, the same without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, executable, root, run, target, to_be_timed};

/// A name for a commit: see above.
const BEFORE: &str = "before";

/// What is measured.
const SOURCES: &str = "src";

/// What the baseline of `--track` is called.
const UNTRACKED: &str = "the same without `track`";

/// What the matrix is told; `--help` says more.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the matrix and runs it, where the task was called: paths among its arguments are meant
/// from there.
pub fn matrix(args: &Args, from: &Path) -> Result<()> {
    let mut args = args.args.clone();
    let mut program = None;
    if let Some(commit) = baseline(&mut args) {
        if commit == BEFORE {
            *commit = before()?;
        }
        // The report names the commit itself: what `HEAD` is changes.
        let named = format!("{commit}^{{commit}}");
        let found = git(["rev-parse", "--verify", "--end-of-options", &named]);
        let hash = found.with_context(|| format!("no commit {commit}"))?;
        let hash = hash.trim();
        program = Some(build(hash).with_context(|| format!("the matrix of {commit}"))?);
        hash.get(..12).unwrap_or(hash).clone_into(commit);
    }
    let mut cargo = cargo(["run", "-q", "--release", "-p", "matrix", "--manifest-path"]);
    cargo.arg(root().join("Cargo.toml"));
    let mut folder = "matrix";
    if let Some(at) = args.iter().position(|arg| arg == "--track") {
        ensure!(program.is_none(), "`--track` has a baseline of its own");
        args.splice(at..=at, ["--baseline".to_owned(), UNTRACKED.to_owned()]);
        program = Some(executable(to_be_timed(&mut build_of(root()), folder))?);
        // A folder of its own: there is one program of that name in each.
        (folder, _) = ("tracked", cargo.args(["--features", "track"]));
    }
    cargo.arg("--").args(&args).current_dir(from);
    cargo.envs(program.map(|program| ("MATRIX_BASELINE_PROGRAM", program)));
    run(to_be_timed(&mut cargo, folder))
}

/// The commit among the arguments, which is made an argument of its own.
fn baseline(args: &mut Vec<String>) -> Option<&mut String> {
    let option = "--baseline";
    let (at, _) = args.iter().enumerate().find(|(_, arg)| {
        arg.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })?;
    if let Some((_, commit)) = args[at].split_once('=') {
        let commit = commit.to_owned();
        args.splice(at..=at, [option.to_owned(), commit]);
    }
    args.get_mut(at + 1)
}

/// The commit before the last change of the sources; the last one, if there are changes that are not
/// committed. Of merges, the first parent is what was before.
fn before() -> Result<String> {
    if git(["status", "--porcelain", "--", SOURCES])?.trim().is_empty() {
        let last = git(["rev-list", "-1", "--first-parent", "HEAD", "--", SOURCES])?;
        ensure!(!last.trim().is_empty(), "no commit changes {SOURCES}");
        return Ok(format!("{}^", last.trim()));
    }
    Ok("HEAD".to_owned())
}

/// Builds the matrix of a commit from its own sources. Returns where the program is.
fn build(hash: &str) -> Result<PathBuf> {
    let folder = target("baseline");
    let source = folder.join("source");
    let known = folder.join("commit");
    // What is there already needs no new build.
    if fs::read_to_string(&known).ok().as_deref() != Some(hash) {
        println!("Building the matrix of {hash}");
        if source.exists() {
            fs::remove_dir_all(&source)?;
        }
        fs::create_dir_all(&source)?;
        check_out(hash, &folder.join("index"), &source)?;
        fs::write(&known, hash)?;
    }
    executable(to_be_timed(&mut build_of(&source), "baseline/build"))
}

/// The build of the matrix from these sources.
fn build_of(source: &Path) -> Command {
    let mut cargo = cargo(["build", "-q", "--release", "-p", "matrix", "--bin", "matrix"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).current_dir(source);
    cargo
}

/// Writes the files of a commit into a folder, with an index of its own: the repository does not
/// change.
fn check_out(hash: &str, index: &Path, folder: &Path) -> Result<()> {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        run(git.args(["-c", "safe.directory=*"]).args(args).env("GIT_INDEX_FILE", index))
    };
    git(&["read-tree", hash])?;
    let folder = folder.to_str().context("the folder has a name that is not text")?;
    git(&["checkout-index", "--all", "--force", &format!("--prefix={folder}/")])
}

/// What git says.
fn git<const N: usize>(args: [&str; N]) -> Result<String> {
    let output = Command::new("git").args(["-c", "safe.directory=*"]).args(args).output();
    let output = output.context("git did not start")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_found_among_the_arguments() {
        for (given, commit, left) in [
            ("--quick --baseline HEAD~1", Some("HEAD~1"), "--quick --baseline new"),
            ("--baseline=HEAD --quick", Some("HEAD"), "--baseline new --quick"),
            ("--quick --baselines HEAD", None, "--quick --baselines HEAD"),
            ("--baseline", None, "--baseline"),
        ] {
            let mut args: Vec<_> = given.split(' ').map(str::to_owned).collect();
            let found = baseline(&mut args);
            assert_eq!(found.as_ref().map(|it| it.as_str()), commit, "{given}");
            found.into_iter().for_each(|commit| "new".clone_into(commit));
            assert_eq!(args.join(" "), left);
        }
    }

    #[test]
    fn before_is_a_commit_with_other_sources() {
        let before = before().expect("a commit");
        // A shallow clone may not have it.
        if git(["rev-parse", "--is-shallow-repository"]).expect("git").trim() == "true" {
            return;
        }
        let changed = git(["diff", "--name-only", &before, "--", SOURCES]).expect("a commit");
        assert!(!changed.is_empty(), "{before} has the same sources");
    }

    #[test]
    fn a_commit_that_is_not_there_is_an_error() {
        assert!(git(["rev-parse", "--verify", "--end-of-options", "no-such^{commit}"]).is_err());
    }
}
