//! `cargo xtask claims`: every demand on the project names the test or command that shows it, and
//! this runs them all.
//!
//! The demands and their commands are in `xtask/claims.toml`; its head explains the form.

mod judge;
mod list;
mod table;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;

use crate::run::cargo;
use judge::{Verdict, judge};
use list::{Claim, List};

/// Where the demands are written down.
const LIST: &str = "xtask/claims.toml";
/// How much of the output of a failed command is shown, in lines.
const SHOWN: usize = 30;

/// What to run, and where to write what came of it.
#[derive(clap::Args)]
pub struct Args {
    /// Write the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Only the claims of this part.
    #[arg(long, value_name = "N")]
    part: Option<u32>,
    /// Only the claims of this item.
    #[arg(long, value_name = "ITEM")]
    item: Option<String>,
    /// Do not run this command, which counts as skipped: for what takes hours, and has just run by itself. Can be given
    /// more than once.
    #[arg(long, value_name = "COMMAND")]
    leave_out: Vec<String>,
    /// Print the claims, and run nothing.
    #[arg(long, conflicts_with = "json")]
    list: bool,
}

/// One line of the result.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    part: u32,
    item: String,
    command: Option<String>,
    passed: bool,
    skipped: bool,
}

/// Runs the claims, prints a table, and fails if a claim failed or has no command.
pub fn claims(args: &Args, from: &Path) -> Result<()> {
    let text = fs::read_to_string(LIST).context(LIST)?;
    let claims = List::read(&text).context(LIST)?.claims();
    let chosen = |claim: &Claim| {
        args.part.is_none_or(|part| part == claim.part)
            && args.item.as_ref().is_none_or(|item| *item == claim.item)
    };
    let claims: Vec<_> = claims.into_iter().filter(chosen).collect();
    ensure!(!claims.is_empty(), "{LIST} has no such claim");
    if args.list {
        println!("{}", table::list(&claims));
        return Ok(());
    }
    // Before the work, so that a mistake in the path costs nothing.
    let json = args.json.as_ref().map(|file| from.join(file));
    if let Some(file) = &json {
        fs::write(file, "").with_context(|| file.display().to_string())?;
    }
    for command in &args.leave_out {
        let known = claims.iter().any(|claim| claim.command.as_ref() == Some(command));
        ensure!(known, "no claim that is chosen has the command `{command}`");
    }
    let verdicts = verdicts(&claims, |command| {
        let left_out = args.leave_out.iter().any(|it| it == command);
        if left_out { Verdict::Skipped("left out".into()) } else { run(command) }
    });
    println!("{}", table::results(&claims, &verdicts));
    if let Some(file) = &json {
        let rows: Vec<_> = claims.iter().zip(&verdicts).map(|(claim, it)| row(claim, it)).collect();
        let text = serde_json::to_string_pretty(&json!({ "rows": rows }))?;
        fs::write(file, text + "\n").with_context(|| file.display().to_string())?;
    }
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|it| wanted(it)).count();
    let passed = count(|it| *it == Verdict::Passed);
    let skipped = count(|it| matches!(it, Verdict::Skipped(_)));
    let missing = count(|it| *it == Verdict::Missing);
    let failed = count(|it| matches!(it, Verdict::Failed(_)));
    let told = format!("{passed} passed, {skipped} skipped, {failed} failed, {missing} no command");
    ensure!(failed + missing == 0, "{told}");
    println!("{told}");
    Ok(())
}

/// The verdict on each claim. Equal commands run once.
fn verdicts(claims: &[Claim], mut run: impl FnMut(&str) -> Verdict) -> Vec<Verdict> {
    let mut known: HashMap<&str, Verdict> = HashMap::new();
    claims
        .iter()
        .map(|claim| match &claim.command {
            None => Verdict::Missing,
            Some(command) => known.entry(command).or_insert_with(|| run(command)).clone(),
        })
        .collect()
}

/// Runs a command to its end, and judges it. What it prints is shown if it fails.
fn run(command: &str) -> Verdict {
    println!("== {command}");
    let start = Instant::now();
    let (verdict, said) = match program(command).output() {
        Err(error) => (Verdict::Failed(format!("it did not start: {error}")), String::new()),
        Ok(output) => {
            let out = String::from_utf8_lossy(&output.stdout);
            let verdict = judge(command, output.status.success(), &out);
            (verdict, format!("{out}{}", String::from_utf8_lossy(&output.stderr)))
        }
    };
    if matches!(verdict, Verdict::Failed(_)) {
        let lines: Vec<_> = said.lines().collect();
        println!("{}", lines[lines.len().saturating_sub(SHOWN)..].join("\n"));
    }
    println!("== {command}: {verdict}, {:.1} s", start.elapsed().as_secs_f64());
    verdict
}

/// The program that a command names. `cargo xtask` is this program.
fn program(command: &str) -> Command {
    let (variables, words) = judge::parts(command);
    let mut program = match words[..] {
        ["cargo", "xtask", ref task @ ..] => {
            let this = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
            let mut program = Command::new(this);
            program.args(task).envs(variables);
            return program;
        }
        // Only rustup's `cargo` knows what `+nightly` is.
        ["cargo", first, ..] if !first.starts_with('+') => cargo([]),
        [first, ..] => Command::new(first),
        [] => Command::new(""),
    };
    program.args(&words[1..]).envs(variables);
    if judge::is_test(command) {
        // What a passed test prints says whether it skipped something.
        program.args((!words.contains(&"--")).then_some("--")).arg("--show-output");
    }
    program
}

fn row(claim: &Claim, verdict: &Verdict) -> Row {
    Row {
        part: claim.part,
        item: claim.item.clone(),
        command: claim.command.clone(),
        passed: *verdict == Verdict::Passed,
        skipped: matches!(verdict, Verdict::Skipped(_)),
    }
}

#[cfg(test)]
mod tests;
