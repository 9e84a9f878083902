//! The counts that were accepted last, and what has grown since.

use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::figures::Figures;
use crate::section::Section;

const FILE: &str = "benches/instructions.json";
const TABLE: Section = Section { file: "features.md", name: "instructions" };

/// The share by which a count may grow where there are more processors, or fewer, than the baseline's machine
/// has: a pool has slots by their number, and its caches refill accordingly.
const GROWTH: f64 = 0.02;

/// Instructions per page that are nobody's: the same program took 1.892 on one machine and 1.893 on another of as many
/// processors. One more for each call of 256 pages is 0.004, and is seen.
const LOOSE: f64 = 0.002;

#[derive(Deserialize, Serialize)]
struct Baseline {
    /// Another compiler writes other instructions.
    rustc: String,
    processors: usize,
    /// Instructions per page outside the C library, by `shape mode order bulk`.
    own: std::collections::BTreeMap<String, f64>,
}

fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("rustc")?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

impl Baseline {
    fn of(figures: &Figures) -> Result<Self> {
        // Hardened modes do what random numbers say.
        let rows = figures.all().filter(|row| row.mode != "Hardened");
        let own = rows.map(|row| {
            (format!("{} {} {} {:03}", row.shape, row.mode, row.order, row.bulk), row.own)
        });
        let processors = std::thread::available_parallelism()?.get();
        Ok(Baseline { rustc: rustc()?, processors, own: own.collect() })
    }
}

/// Makes these counts the baseline.
pub fn write(figures: &Figures) -> Result<()> {
    let text = serde_json::to_string_pretty(&Baseline::of(figures)?)?;
    std::fs::write(FILE, text + "\n").context(FILE)?;
    TABLE.write(&figures.markdown())
}

/// What has grown by more than [`LOOSE`], in words: the counts of one compiler's code are the same each time. With
/// another number of processors, what has grown by more than [`GROWTH`] as well.
pub fn compare(figures: &Figures) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(FILE).context(FILE)?;
    let before: Baseline = serde_json::from_str(&text).context(FILE)?;
    let now = Baseline::of(figures)?;
    if now.rustc != before.rustc {
        // So a claim that is judged by this is not taken for one that holds.
        println!("skipped: {FILE} is of {}, this is {}", before.rustc, now.rustc);
        return Ok(Vec::new());
    }
    let mut growth = 0.0;
    if now.processors != before.processors {
        growth = GROWTH;
        let (were, are) = (before.processors, now.processors);
        println!("growth of {GROWTH} passes: {FILE} is of {were} processors, here are {are}");
    }
    let mut faults = grown(&before, &now, growth);
    if !faults.is_empty() {
        faults.push(format!(
            "{FILE} says what they were. `cargo asm`, or `valgrind --tool=callgrind` on the program `count` of the package \
             `matrix`, shows where they went. If the growth is meant, `cargo xtask \
             instructions --write` makes it the baseline; say why in the commit."
        ));
    }
    Ok(faults)
}

fn grown(before: &Baseline, now: &Baseline, growth: f64) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, own) in &now.own {
        match before.own.get(name) {
            None => faults.push(format!("{name} is not in the baseline")),
            Some(was) if *own > was * (1.0 + growth) + LOOSE => {
                faults.push(format!("{name}: {own} instructions per page, {was} before"));
            }
            Some(_) => {}
        }
    }
    let gone = before.own.keys().filter(|name| !now.own.contains_key(*name));
    faults.extend(gone.map(|name| format!("{name} is in the baseline, and was not counted")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(own: &[(&str, f64)]) -> Baseline {
        let own = own.iter().map(|&(name, own)| (name.into(), own)).collect();
        Baseline { rustc: "rustc".into(), processors: 2, own }
    }

    #[test]
    fn what_grew_by_an_instruction_a_call_is_named() {
        let before = baseline(&[("a", 9.644), ("b", 0.227), ("c", 100.0)]);
        let now = baseline(&[("a", 9.645), ("b", 0.231), ("c", 50.0)]);
        assert_eq!(grown(&before, &now, 0.0), ["b: 0.231 instructions per page, 0.227 before"]);
    }

    #[test]
    fn what_grew_by_more_than_a_share_is_named() {
        let before = baseline(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let now = baseline(&[("a", 102.0), ("b", 102.1), ("c", 50.0)]);
        assert_eq!(grown(&before, &now, GROWTH), ["b: 102.1 instructions per page, 100 before"]);
    }

    #[test]
    fn what_comes_or_goes_is_named() {
        let (before, now) = (baseline(&[("a", 1.0)]), baseline(&[("b", 1.0)]));
        assert_eq!(grown(&before, &now, 0.0).len(), 2);
    }
}
