//! `cargo xtask fresh`: how long the first two commands of the README take from a fresh clone.
//!
//! The clone is of what is committed, lies in the target folder, and has a target folder of its own
//! for each command, which is empty. Dependencies are fetched before the clock starts. Times are by
//! the clock, as a reader sees them; processor time stands beside them, which is much less where other
//! programs keep the machine busy.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, cpu, root, run, target};

/// The most that a command may take.
struct Bound {
    command: &'static [&'static str],
    time: Duration,
    crates: Option<usize>,
}

const BOUNDS: [Bound; 2] = [
    Bound {
        command: &["run", "--example", "quickstart"],
        time: Duration::from_secs(15),
        crates: Some(12),
    },
    Bound { command: &["test"], time: Duration::from_secs(240), crates: None },
];

/// What a command took.
struct Taken<'a> {
    bound: &'a Bound,
    time: Duration,
    /// Of all processors together, where it is known.
    cpu: Option<Duration>,
    crates: usize,
}

impl Taken<'_> {
    /// Whether it is no more than allowed.
    fn is_within(&self) -> bool {
        let Bound { time, crates, .. } = *self.bound;
        self.time < time && crates.is_none_or(|most| self.crates <= most)
    }
}

impl fmt::Display for Taken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bound { command, time, crates } = self.bound;
        let most = crates.map_or(String::new(), |most| format!(" (at most {most})"));
        let (own, end) = (self.time.as_secs_f64(), time.as_secs());
        let command = command.join(" ");
        write!(f, "cargo {command}: {own:.1} s (under {end}), {} crates{most}", self.crates)?;
        if let Some(cpu) = self.cpu {
            write!(f, ", {:.1} s of processor time", cpu.as_secs_f64())?;
        }
        f.write_str(if self.is_within() { "" } else { ": TOO MUCH" })
    }
}

/// Clones the project, runs both commands there, and fails if one fails or takes too much.
pub fn fresh() -> Result<()> {
    let folder = target("fresh");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "clone", "-q"]).arg(root()).arg(&folder);
    run(&mut git)?;
    run(in_clone(&folder, &["fetch"]).arg("-q"))?;
    let taken = BOUNDS.iter().map(|bound| take(&folder, bound));
    let taken: Vec<_> = taken.collect::<Result<_>>()?;
    fs::remove_dir_all(&folder)?;
    taken.iter().for_each(|taken| println!("{taken}"));
    let over = taken.iter().filter(|taken| !taken.is_within()).count();
    ensure!(over == 0, "{over} of {} commands took too much", taken.len());
    Ok(())
}

/// Runs a command in the clone, and times it.
fn take<'a>(folder: &Path, bound: &'a Bound) -> Result<Taken<'a>> {
    let built = folder.join("target");
    if built.exists() {
        fs::remove_dir_all(&built)?;
    }
    let mut cargo = in_clone(folder, bound.command);
    // What it prints to its other output is of no interest: a test that fails is named here too.
    cargo.stdout(Stdio::null()).stderr(Stdio::piped());
    let (start, before) = (Instant::now(), cpu());
    let output = cargo.output().with_context(|| format!("{cargo:?} did not start"))?;
    let time = start.elapsed();
    let cpu = cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{cargo:?}: {}\n{}", output.status, said.trim());
    Ok(Taken { bound, time, cpu, crates: crates(&said) })
}

/// cargo in the clone, as if nothing had been set up for this one.
fn in_clone(folder: &Path, args: &[&'static str]) -> Command {
    let mut cargo = cargo(args.iter().copied());
    cargo.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
    cargo.envs([("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_QUIET", "false")]);
    cargo
}

/// How many crates cargo says that it compiled.
fn crates(said: &str) -> usize {
    let compiled = said.lines().filter_map(|line| line.trim_start().strip_prefix("Compiling "));
    compiled.collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_says_how_long_the_tests_take() {
        let readme = include_str!("../../README.md");
        let said = format!("at most {} minutes", BOUNDS[1].time.as_secs() / 60);
        let line = readme.lines().find(|line| line.starts_with("cargo test ")).expect("a command");
        assert!(line.contains(&said), "{line}");
    }

    /// What measures is never built by a plain `cargo test`.
    #[test]
    fn the_default_members_need_no_bench() {
        let mut tree = cargo(["tree", "--edges", "all", "--prefix", "none", "--format", "{p}"]);
        let output = tree.current_dir(root()).output().expect("cargo");
        let said = String::from_utf8_lossy(&output.stdout);
        let names: BTreeSet<_> = said.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(names.contains("pagesheaf") && names.contains("stress"), "{names:?}");
        for bench in ["matrix", "peers", "benches", "rss", "criterion", "xtask"] {
            assert!(!names.contains(bench), "{bench} is built");
        }
    }

    #[test]
    fn crates_are_counted_once() {
        let said = "   Compiling a v1.0.0\n   Compiling b v1.0.0 (/b)\n   Compiling a v1.0.0\n\
            warning: Compiling\n    Finished `dev` profile\n     Running `target/debug/b`\n";
        assert_eq!(crates(said), 2);
    }

    #[test]
    fn too_long_and_too_many_are_too_much() {
        let taken = |millis, crates| Taken {
            bound: &BOUNDS[0],
            time: Duration::from_millis(millis),
            cpu: Some(Duration::from_secs(20)),
            crates,
        };
        assert_eq!(
            taken(14_900, 12).to_string(),
            "cargo run --example quickstart: 14.9 s (under 15), 12 crates (at most 12), \
             20.0 s of processor time"
        );
        for much in [taken(15_000, 12), taken(9000, 13)] {
            assert!(!much.is_within() && much.to_string().ends_with(": TOO MUCH"));
        }
        let test = Taken { bound: &BOUNDS[1], ..taken(239_000, 90) };
        assert!(test.is_within(), "{test}");
    }
}
