//! `cargo xtask rss`: how much memory a pool has the system back, as figures with bounds.
//!
//! The program is `benches/rss`, which has a module for each case. Each case runs in a process of
//! its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use crate::run::{cargo, executable, path};

/// What to measure.
#[derive(clap::Args)]
pub struct Args {
    /// The cases; all of them if none is named.
    cases: Vec<String>,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE", value_parser = path)]
    json: Option<PathBuf>,
}

/// A figure, as the program prints it.
#[derive(Deserialize, Serialize)]
struct Row {
    case: String,
    figure: String,
    mode: String,
    value: f64,
    unit: String,
    at_most: Option<f64>,
}

impl Row {
    fn passes(&self) -> bool {
        self.at_most.is_none_or(|most| self.value <= most)
    }

    fn cells(&self) -> [String; 5] {
        let Row { figure, mode, value, unit, at_most, .. } = self;
        let most = at_most.map_or("-".into(), |most| format!("{most}"));
        let verdict = if self.passes() { "" } else { "TOO MUCH" };
        [figure.clone(), mode.clone(), format!("{value} {unit}"), most, verdict.into()]
    }
}

/// Measures the cases, prints the figures, and fails if one is beyond its bound.
pub fn rss(args: &Args) -> Result<()> {
    let build = ["build", "-q", "--release", "-p", "rss", "--message-format"];
    let program = executable(cargo(build).arg("json-render-diagnostics"))?;
    let known = said(&program, None)?;
    let known: Vec<_> = known.lines().collect();
    if known.is_empty() {
        println!("skipped: the figures are for Linux");
        return Ok(());
    }
    for case in &args.cases {
        ensure!(known.contains(&&**case), "no case is called `{case}`: there are {known:?}");
    }
    let wanted = |case: &&str| args.cases.is_empty() || args.cases.iter().any(|it| it == case);
    let mut rows = Vec::new();
    for case in known.into_iter().filter(wanted) {
        rows.extend(figures(&said(&program, Some(case))?)?);
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["figure", "mode", "value", "at most", ""]);
    rows.iter().for_each(|row| _ = table.add_row(row.cells()));
    println!("{table}");
    if let Some(json) = &args.json {
        fs::write(json, serde_json::to_string_pretty(&rows)? + "\n")
            .with_context(|| format!("cannot write {}", json.display()))?;
    }
    let too_much = rows.iter().filter(|row| !row.passes()).count();
    ensure!(too_much == 0, "{too_much} figures are beyond their bounds");
    Ok(())
}

/// What the program prints for a case.
fn said(program: &Path, case: Option<&str>) -> Result<String> {
    let output = Command::new(program).args(case).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{case:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The figures that a case prints, of which there is one at the least.
fn figures(said: &str) -> Result<Vec<Row>> {
    let rows: Vec<Row> = said
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no figure: {line}")))
        .collect::<Result<_>>()?;
    ensure!(!rows.is_empty(), "a case without a figure");
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"case":"a","figure":"b","mode":"Bare","value":3.5,"unit":"KiB","at_most":3.5}"#;

    #[test]
    fn a_figure_passes_up_to_its_bound() {
        let mut row = figures(LINE).expect("a figure").remove(0);
        assert!(row.passes() && row.cells()[2] == "3.5 KiB");
        row.value = 3.6;
        assert!(!row.passes() && row.cells()[4] == "TOO MUCH");
        row.at_most = None;
        assert!(row.passes() && row.cells()[3] == "-");
    }

    #[test]
    fn a_case_that_prints_no_figure_fails() {
        assert!(figures("").is_err() && figures("ready").is_err());
        assert_eq!(figures(&format!("{LINE}\n{LINE}\n")).expect("figures").len(), 2);
    }
}
