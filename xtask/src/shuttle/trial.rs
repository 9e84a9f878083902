//! Trying programs: each in a process of its own, because one that fails may end it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::loom::DEFECT;
use crate::run;

/// The flag that takes the crate to shuttle's arm.
const FLAG: &str = "--cfg pagesheaf_shuttle";

/// Where the programs are built, apart from other builds, and where failures are kept.
fn folder() -> PathBuf {
    run::target("shuttle")
}

/// The programs, built for shuttle.
pub fn build() -> Result<PathBuf> {
    let build = ["build", "--quiet", "--profile", "models", "--package", "shuttle-tests"];
    let mut cargo = run::cargo(build);
    cargo
        .args(["--message-format", "json-render-diagnostics"])
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", FLAG)
        .env("CARGO_TARGET_DIR", folder());
    run::executable(&mut cargo)
}

/// What shuttle advises of a failure: it does not know of `cargo xtask`, nor that its file is moved.
const ADVICE: [&str; 6] = [
    "failing schedule persisted",
    "pass that path",
    "failing seed",
    "To replay the failure",
    "    1) pass the seed",
    "    2) set the environment",
];

/// What a program said, without that.
fn without_advice(said: &str) -> String {
    let lines = said.lines().filter(|line| !ADVICE.iter().any(|it| line.starts_with(it)));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A program in one mode.
#[derive(Clone)]
pub struct Test {
    name: String,
    /// How tasks are chosen.
    chooser: &'static str,
}

impl Test {
    /// By a line of the list: the program, and the mode.
    pub fn new(line: &str) -> Self {
        Test { name: line.into(), chooser: "random" }
    }

    /// Once with each way to choose tasks.
    pub fn by_both(&self) -> [Self; 2] {
        ["random", "pct"].map(|chooser| Test { name: self.name.clone(), chooser })
    }

    pub fn program(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    pub fn mode(&self) -> &str {
        self.name.split(' ').nth(1).unwrap_or_default()
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}, {}]", self.program(), self.mode(), self.chooser)
    }
}

/// How far each is tried.
pub struct Extent {
    pub iterations: usize,
    pub seed: u64,
}

/// What was tried, in the program's own words.
#[derive(Deserialize)]
pub struct Row {
    pub executions: u64,
    pub steps: u64,
    pub seconds: f64,
}

/// What came of trying a program.
pub struct Trial {
    pub test: Test,
    /// Missing if it failed.
    pub row: Option<Row>,
    /// What it said to whoever looks for the reason.
    pub said: String,
}

impl Trial {
    /// The command that fails in the same way.
    pub fn again(&self, extent: &Extent) -> String {
        let kept = self.said.lines().find_map(|line| line.strip_prefix("Error: replay: "));
        kept.map_or_else(
            // A crash leaves no schedule. The same seed comes to it again.
            || {
                format!(
                    "cargo xtask shuttle --program {} --mode {} --iterations {} --seed {}",
                    self.test.program(),
                    self.test.mode(),
                    extent.iterations,
                    extent.seed
                )
            },
            str::to_owned,
        )
    }

    /// What it said when it failed, in so many words as a table has room for.
    pub fn reason(&self) -> &str {
        let mut lines = self.said.lines();
        let panic = lines.find(|line| line.contains("panicked at")).and_then(|_| lines.next());
        let said = panic.or(self.said.lines().last()).unwrap_or_default().trim();
        said.char_indices().nth(60).map_or(said, |(end, _)| &said[..end])
    }
}

/// The programs, each in each of its modes.
pub fn list(programs: &Path) -> Result<Vec<Test>> {
    let output = Command::new(programs).arg("--list").output()?;
    Ok(String::from_utf8(output.stdout)?.lines().map(Test::new).collect())
}

/// Tries one, over a core with this defect.
pub fn one(programs: &Path, test: &Test, extent: &Extent, defect: Option<&str>) -> Result<Trial> {
    let mut command = Command::new(programs);
    command
        .args([test.program(), test.mode(), "--chooser", test.chooser])
        .args(["--executions", &extent.iterations.to_string(), "--seed", &extent.seed.to_string()])
        .arg("--failures")
        .arg(folder().join("failures").join(defect.unwrap_or("none")))
        .env("RUST_BACKTRACE", "0")
        .env_remove(DEFECT)
        .envs(defect.map(|name| (DEFECT, name)));
    let output = command.output().with_context(|| format!("{command:?} did not start"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let row = printed.lines().find(|line| line.starts_with('{')).map(serde_json::from_str);
    let row = row.transpose().with_context(|| format!("{test} printed something else"))?;
    Ok(Trial {
        test: test.clone(),
        row: row.filter(|_| output.status.success()),
        said: without_advice(&String::from_utf8_lossy(&output.stderr)) + &output.status.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuttles_own_advice_is_left_out() {
        let said = "a page has two owners\nfailing schedule persisted to file: /a.txt\nError: b";
        assert_eq!(without_advice(said), "a page has two owners\nError: b\n");
    }

    #[test]
    fn what_failed_can_be_run_again() {
        let trial = |said: &str| Trial {
            test: Test::new("idle bare"),
            row: None,
            said: format!("thread panicked at a.rs:1:1:\n page 7 has two owners\n{said}"),
        };
        let extent = Extent { iterations: 5, seed: 7 };
        let kept =
            trial("Error: replay: cargo xtask shuttle --replay target/a.txt\nexit status: 1");
        assert_eq!(kept.again(&extent), "cargo xtask shuttle --replay target/a.txt");
        let crashed = trial("signal: 11");
        let again = "cargo xtask shuttle --program idle --mode bare --iterations 5 --seed 7";
        assert_eq!(crashed.again(&extent), again);
        assert_eq!(crashed.reason(), "page 7 has two owners");
    }
}
