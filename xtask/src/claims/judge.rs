//! What came of a command.

use std::fmt;

/// What is known of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The command succeeded and left nothing out.
    Passed,
    /// The command succeeded and says that it left something out: what it says.
    Skipped(String),
    /// The command failed, or ran no test: why.
    Failed(String),
    /// There is no command.
    Missing,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("passed"),
            Verdict::Skipped(why) => write!(f, "skipped ({why})"),
            Verdict::Failed(why) => write!(f, "FAILED ({why})"),
            Verdict::Missing => f.write_str("NO COMMAND"),
        }
    }
}

/// The variables that a command sets first, as in a shell (`NAME=value`), and its words.
pub fn parts(command: &str) -> (Vec<(&str, &str)>, Vec<&str>) {
    let mut words = command.split_whitespace().peekable();
    let mut variables = Vec::new();
    while let Some(variable) = words.peek().and_then(|word| word.split_once('=')) {
        variables.push(variable);
        words.next();
    }
    (variables, words.collect())
}

/// Whether a command runs Rust tests.
pub fn is_test(command: &str) -> bool {
    let (_, words) = parts(command);
    let mut words = words.into_iter().filter(|word| !word.starts_with('+'));
    words.next() == Some("cargo") && words.next() == Some("test")
}

/// Judges a command by whether it succeeded and what it printed.
///
/// - A command that fails has failed.
/// - `cargo test` must have run a test that passed: a filter that matches none has failed, and so
///   has one that matches only ignored tests.
/// - A command that succeeds and prints a line `skipped: WHY`, or a stage `== NAME: skipped, WHY`,
///   counts as skipped.
pub fn judge(command: &str, success: bool, printed: &str) -> Verdict {
    let failed = |why: &str| Verdict::Failed(why.to_owned());
    if !success {
        return failed("it failed");
    }
    if is_test(command) {
        let (passed, ignored) = tests(printed);
        if passed == 0 {
            return failed(if ignored > 0 { "its tests are ignored" } else { "no test ran" });
        }
    }
    match printed.lines().find_map(skipped) {
        Some(why) => Verdict::Skipped(why.to_owned()),
        None => Verdict::Passed,
    }
}

/// How many tests passed, and how many were ignored, over all test programs that ran.
fn tests(printed: &str) -> (usize, usize) {
    let mut sums = (0, 0);
    for line in printed.lines() {
        let Some(counts) = line.strip_prefix("test result: ") else { continue };
        let count = |what: &str| {
            let words: Vec<_> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| *word == what);
            at.and_then(|at| words[at.checked_sub(1)?].parse::<usize>().ok()).unwrap_or(0)
        };
        sums.0 += count("passed");
        sums.1 += count("ignored");
    }
    sums
}

/// What a line says was skipped.
fn skipped(line: &str) -> Option<&str> {
    let stage = || line.strip_prefix("== ").filter(|stage| stage.contains(": skipped, "));
    let told = line.strip_prefix("skipped:").or_else(stage)?;
    Some(told.trim())
}
