//! The counts that were accepted last, and what has grown since.

use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::figures::Figures;
use crate::section::Section;

const FILE: &str = "benches/instructions.json";
const TABLE: Section = Section { file: "features.md", name: "instructions" };

/// The share by which a count may grow.
const GROWTH: f64 = 0.02;

#[derive(Deserialize, Serialize)]
struct Baseline {
    /// Another compiler writes other instructions.
    rustc: String,
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
        Ok(Baseline { rustc: rustc()?, own: own.collect() })
    }
}

/// Makes these counts the baseline.
pub fn write(figures: &Figures) -> Result<()> {
    let text = serde_json::to_string_pretty(&Baseline::of(figures)?)?;
    std::fs::write(FILE, text + "\n").context(FILE)?;
    TABLE.write(&figures.markdown())
}

/// What has grown, in words.
pub fn compare(figures: &Figures) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(FILE).context(FILE)?;
    let before: Baseline = serde_json::from_str(&text).context(FILE)?;
    let now = Baseline::of(figures)?;
    if now.rustc != before.rustc {
        println!("not compared: {FILE} is of {}, this is {}", before.rustc, now.rustc);
        return Ok(Vec::new());
    }
    let mut faults = grown(&before, &now);
    if !faults.is_empty() {
        faults.push(format!(
            "{FILE} says what they were. `cargo asm` or `valgrind --tool=callgrind` on the program `count` of the \
             package `matrix` shows where they went. If the growth is meant, `cargo xtask instructions --write` makes \
             it the baseline; say why in the commit."
        ));
    }
    Ok(faults)
}

fn grown(before: &Baseline, now: &Baseline) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, own) in &now.own {
        match before.own.get(name) {
            None => faults.push(format!("{name} is not in the baseline")),
            Some(was) if *own > was * (1.0 + GROWTH) => {
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
        Baseline { rustc: "rustc".into(), own }
    }

    #[test]
    fn what_grew_by_more_than_two_in_a_hundred_is_named() {
        let before = baseline(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let now = baseline(&[("a", 102.0), ("b", 102.1), ("c", 50.0)]);
        assert_eq!(grown(&before, &now), ["b: 102.1 instructions per page, 100 before"]);
    }

    #[test]
    fn what_comes_or_goes_is_named() {
        let (before, now) = (baseline(&[("a", 1.0)]), baseline(&[("b", 1.0)]));
        assert_eq!(grown(&before, &now).len(), 2);
    }
}
