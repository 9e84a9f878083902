//! `cargo xtask shuttle`: whole pools under schedules by chance, which can be replayed.

mod defects;
mod trial;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};

use crate::loom::at_once;
use crate::run;
use trial::{Extent, Row, Test, Trial};

/// Which programs, and how far.
#[derive(clap::Args)]
pub struct Args {
    /// How often each program runs in each mode: so often with tasks that are chosen evenly, and so often with an
    /// order of tasks that changes seldom.
    #[arg(long, value_name = "N", default_value_t = 120)]
    iterations: usize,
    /// Make all choices from this number, as the run that printed it did. Otherwise each run has one of its own.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Run this program only. Can be given more than once.
    #[arg(long, value_name = "NAME")]
    program: Vec<String>,
    /// Run in this mode only. Can be given more than once.
    #[arg(long, value_name = "NAME")]
    mode: Vec<String>,
    /// Run an execution again that failed: by the file that was named then, or by what is in it.
    #[arg(long, value_name = "FILE|STRING", conflicts_with_all = ["iterations", "seed", "program", "mode"])]
    replay: Option<String>,
    /// Run programs with one deliberate defect of the core after another (all, or these), and see which are caught.
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with_all = ["program", "mode", "replay"])]
    defects: Option<Vec<String>>,
}

/// Runs the programs; an error if one fails.
pub fn shuttle(args: &Args) -> Result<()> {
    let programs = trial::build()?;
    if let Some(what) = &args.replay {
        return run::run(Command::new(programs).args(["--replay", what]));
    }
    if let Some(names) = &args.defects {
        return defects::defects(&programs, names, args.seed.unwrap_or(1));
    }
    let tests = chosen(trial::list(&programs)?, args)?;
    let seed = args.seed.unwrap_or_else(fresh);
    println!("seed {seed}");
    let extent = Extent { iterations: args.iterations, seed };
    let both: Vec<_> = tests.iter().flat_map(Test::by_both).collect();
    let trials = at_once(&both, Test::to_string, |test| {
        let trial = trial::one(&programs, test, &extent, None)?;
        if trial.row.is_none() {
            eprintln!("\n{test} failed:\n{}", trial.said);
        }
        Ok(trial)
    })?;
    println!("{}", table(&trials));
    let failed: Vec<_> = trials.iter().filter(|trial| trial.row.is_none()).collect();
    let again = |trial: &&Trial| trial.again(&extent);
    ensure!(
        failed.is_empty(),
        "{} of {} trials failed; once more:\n  {}",
        failed.len(),
        trials.len(),
        failed.iter().map(again).collect::<Vec<_>>().join("\n  ")
    );
    Ok(())
}

/// A seed that no run had before.
fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

/// The programs and modes that are named, or all; an error if there are none of these names.
fn chosen(tests: Vec<Test>, args: &Args) -> Result<Vec<Test>> {
    let wanted = |names: &[String], name: &str| {
        names.is_empty() || names.iter().any(|wanted| wanted == name)
    };
    for (names, of, what) in [
        (&args.program, Test::program as fn(&Test) -> &str, "program"),
        (&args.mode, Test::mode, "mode"),
    ] {
        if let Some(name) = names.iter().find(|name| tests.iter().all(|test| of(test) != **name)) {
            let mut known: Vec<_> = tests.iter().map(of).collect();
            known.sort_unstable();
            known.dedup();
            bail!("no {what} is called `{name}`; there are\n  {}", known.join("\n  "));
        }
    }
    let named =
        |test: &Test| wanted(&args.program, test.program()) && wanted(&args.mode, test.mode());
    let tests: Vec<_> = tests.into_iter().filter(named).collect();
    ensure!(!tests.is_empty(), "none of these programs has such a mode");
    Ok(tests)
}

/// A line for each program: in how many modes it ran, how often, and how long.
fn table(trials: &[Trial]) -> Table {
    let mut programs = BTreeMap::<&str, Vec<&Row>>::new();
    for trial in trials {
        programs.entry(trial.test.program()).or_default().extend(&trial.row);
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["program", "trials", "executions", "steps", "seconds"]);
    for column in 1..5 {
        table.column_mut(column).expect("five columns").set_cell_alignment(CellAlignment::Right);
    }
    for (program, rows) in programs {
        let sum = |of: fn(&Row) -> u64| rows.iter().map(|row| of(row)).sum::<u64>();
        table.add_row([
            program.to_owned(),
            rows.len().to_string(),
            sum(|row| row.executions).to_string(),
            sum(|row| row.steps).to_string(),
            format!("{:.1}", rows.iter().map(|row| row.seconds).sum::<f64>()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nothing_has_is_an_error() {
        let tests = || ["mixed bare", "idle bare", "shared checked"].map(Test::new).to_vec();
        let args = |program: &[&str], mode: &[&str]| Args {
            iterations: 1,
            seed: None,
            program: program.iter().map(|name| name.to_string()).collect(),
            mode: mode.iter().map(|name| name.to_string()).collect(),
            replay: None,
            defects: None,
        };
        let names = |args: &Args| chosen(tests(), args).map(|tests| tests.len()).ok();
        assert_eq!(names(&args(&[], &[])), Some(3));
        assert_eq!(names(&args(&["mixed", "shared"], &["bare"])), Some(1));
        assert_eq!(names(&args(&["shared"], &["bare"])), None);
        assert_eq!(names(&args(&["mix"], &[])), None);
        assert_eq!(names(&args(&[], &["hardened"])), None);
    }
}
