//! Trying models: each in a process of its own, as many at once as there are cores.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::extent::Extent;

/// What loom says when it gives up, which says nothing about the claim.
const GAVE_UP: [&str; 5] = [
    "Model exceeded maximum number of branches",
    "[loom internal bug]",
    "Reached unexpected exploration state",
    "cannot access Loom execution state",
    "threads.len() < self.max",
];

/// Names the deliberate defect that a run of the models, or of whole pools, has.
pub const DEFECT: &str = "PAGESHEAF_DEFECT";

/// A model in one mode: `mechanism::model::mode`.
#[derive(Clone)]
pub struct Test(String);

impl Test {
    fn part(&self, at: usize) -> &str {
        self.0.split("::").nth(at).unwrap_or_default()
    }

    #[cfg(test)]
    pub fn new(mechanism: &str, model: &str, mode: &str) -> Self {
        Test([mechanism, model, mode].join("::"))
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        self.part(1)
    }

    /// The name of the mode.
    pub fn mode(&self) -> &str {
        self.part(2)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.model(), self.mode())
    }
}

/// Whether a mode, by its name in the models, is a preset, or stands for all of them.
pub fn is_preset(mode: &str) -> bool {
    !mode.ends_with("_only")
}

/// What a model explored, in its own words.
#[derive(Clone, Deserialize, Serialize)]
pub struct Row {
    pub model: String,
    pub mode: String,
    pub executions: u64,
    pub least: u64,
    pub bound: Option<u64>,
    pub seconds: f64,
}

/// What came of trying a model.
pub struct Trial {
    pub test: Test,
    pub passed: bool,
    /// Missing if the model did not come to its end.
    pub row: Option<Row>,
    /// What it said to whoever looks for the reason.
    pub said: String,
}

impl Trial {
    /// Whether the claim was found not to hold: a model that comes to its end, and then finds that it has fewer
    /// executions than it should have, has not found that; neither has one that loom could not explore.
    pub fn failed_the_claim(&self) -> bool {
        let gave_up = GAVE_UP.iter().any(|why| self.said.contains(why));
        !self.passed && self.row.is_none() && !gave_up
    }
}

/// The tests of the program.
pub fn list(models: &Path) -> Result<Vec<Test>> {
    let output = Command::new(models).args(["--list", "--format", "terse"]).output()?;
    let lines = String::from_utf8(output.stdout)?;
    let tests = lines.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(tests.map(|name| Test(name.into())).collect())
}

/// Tries all of these, in this order. Those that fail say so at once: the whole takes an hour.
pub fn all(models: &Path, tests: &[Test], extent: &Extent) -> Result<Vec<Trial>> {
    at_once(tests, Test::to_string, |test| {
        let trial = one(models, test, extent, None)?;
        if !trial.passed {
            eprintln!("\n{test} failed:\n{}", trial.said);
        }
        Ok(trial)
    })
}

/// Does all of these, as many at once as there are cores, and says which are done: in place on a terminal, else once a
/// minute. The results are in their order.
pub fn at_once<T: Sync, R: Send>(
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let progress = ProgressBar::new(items.len() as u64).with_style(
        ProgressStyle::with_template("{pos}/{len} [{elapsed}] {wide_msg}").expect("a template"),
    );
    let next = AtomicUsize::new(0);
    let said = AtomicU64::new(0);
    let work = || {
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return Ok(results) };
            progress.set_message(name(item));
            results.push((at, work(item)?));
            progress.inc(1);
            let minutes = progress.elapsed().as_secs() / 60;
            if progress.is_hidden() && said.fetch_max(minutes, Ordering::Relaxed) < minutes {
                eprintln!("{minutes} min: {} of {} are done", progress.position(), items.len());
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut results = thread::scope(|scope| -> Result<Vec<_>> {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|worker| worker.join().expect("a worker"));
        Ok(done.collect::<Result<Vec<Vec<_>>>>()?.into_iter().flatten().collect())
    })?;
    progress.finish_and_clear();
    results.sort_by_key(|&(at, _)| at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Tries one, over a core with this defect.
pub fn one(models: &Path, test: &Test, extent: &Extent, defect: Option<&str>) -> Result<Trial> {
    let mut command = Command::new(models);
    // Two threads, though there is one test: with one, libtest writes the name before the model's own line.
    command
        .args([&test.0, "--exact", "--nocapture", "--test-threads=2"])
        .env("RUST_BACKTRACE", "0")
        .env_remove(DEFECT)
        .envs(defect.map(|name| (DEFECT, name)));
    extent.tell(test, &mut command);
    let output = command.output().with_context(|| format!("{command:?} did not start"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let row = printed.lines().find(|line| line.starts_with('{')).map(serde_json::from_str);
    Ok(Trial {
        test: test.clone(),
        passed: output.status.success(),
        row: row
            .transpose()
            .with_context(|| format!("{test} printed something else:\n{printed}"))?,
        said: format!("{}{}", String::from_utf8_lossy(&output.stderr), output.status),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(passed: bool, said: &str) -> Trial {
        Trial { test: Test("zone::a_model::Bare".into()), passed, row: None, said: said.into() }
    }

    #[test]
    fn what_loom_cannot_explore_is_no_failure_of_the_claim() {
        assert!(
            trial(false, "panicked at models.rs:1:1:\na page has two owners").failed_the_claim()
        );
        assert!(!trial(true, "").failed_the_claim());
        for why in GAVE_UP {
            assert!(!trial(false, &format!("panicked at path.rs:1:1:\n{why}")).failed_the_claim());
        }
    }
}
