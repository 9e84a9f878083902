//! What shows that the allocator is right, in numbers: counted where it stands, never typed.

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::loom;
use crate::section::Section;

const MODELS: Section = Section { file: "features.md", name: "loom" };
const MISUSES: Section = Section { file: "features.md", name: "misuse" };
const TESTING: &str = "docs/testing.md";

/// The numbers.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Models of concurrency, and each of them in each mode that plays a part in it.
    pub models: usize,
    pub model_trials: usize,
    /// Deliberate defects, each of which a model must catch.
    pub defects: usize,
    /// Misuses, and in how many modes each is tried.
    pub misuses: usize,
    pub misuse_modes: usize,
    /// Mutants that build, those of them that a test finds, and when they were tried.
    pub mutants: u64,
    pub mutants_found: u64,
    pub mutants_tried: String,
}

/// Counts, in files that `read` finds.
pub fn count(read: impl Fn(&str) -> Result<String>) -> Result<Proof> {
    let features = read(MODELS.file)?;
    let (models, misuses) = (MODELS.find(&features)?, MISUSES.find(&features)?);
    let (mutants, mutants_found, mutants_tried) = mutants(&read(TESTING)?)?;
    let proof = Proof {
        models: lines(models).count(),
        model_trials: lines(models).map(trials).sum(),
        defects: loom::defects(),
        misuses: lines(misuses).count(),
        misuse_modes: misuses.lines().next().map_or(0, |head| head.matches('`').count() / 2),
        mutants,
        mutants_found,
        mutants_tried,
    };
    let none = [proof.models, proof.model_trials, proof.misuses, proof.misuse_modes].contains(&0);
    ensure!(!none, "a table of {} is empty", MODELS.file);
    Ok(proof)
}

/// The lines of a table, without its head.
fn lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().skip(2).filter(|line| line.starts_with('|'))
}

/// In how many modes a model is tried: its last cell has `mode, mode: executions; mode: …`.
fn trials(line: &str) -> usize {
    let cell = line.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
    cell.split("; ")
        .filter_map(|part| part.split_once(": "))
        .map(|(modes, _)| modes.split(", ").count())
        .sum()
}

/// How many mutants build, how many of them are found, and when they were tried, as the document says.
fn mutants(testing: &str) -> Result<(u64, u64, String)> {
    let said = r"On (\d{4}-\d\d-\d\d) there were [\d,]+ mutants; [\d,]+ did not build\. Of the other ([\d,]+), ([\d,]+) were found";
    let text = testing.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = Regex::new(said)?.captures(&text).map(|found| found.extract::<3>().1);
    let [day, all, found] =
        found.with_context(|| format!("{TESTING} does not say how many mutants there were"))?;
    let number = |text: &str| text.replace(',', "").parse::<u64>();
    Ok((number(all)?, number(found)?, day.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_where_they_stand() {
        let features = "# It\n<!-- loom:begin -->\n| model | bound | executions |\n|---|---|---|\n\
            | `a` | exhaustive | bare, checked: 4; hardened: 5 |\n| `b` | 2 preemptions | any: 7 |\n\
            <!-- loom:end -->\n<!-- misuse:begin -->\n| misuse | `Bare` | `Checked`, `NoStats` | said |\n\
            |---|---|---|---|\n| one | no | yes | a |\n<!-- misuse:end -->\n";
        let testing = "On 2026-01-02 there were 1,200 mutants; 200 did\nnot build. Of the other 1,000, 990 were found\n(99 %).";
        let read = |file: &str| Ok(if file == TESTING { testing } else { features }.to_owned());
        let proof = count(read).expect("counted");
        let expected = Proof {
            models: 2,
            model_trials: 4,
            defects: loom::defects(),
            misuses: 1,
            misuse_modes: 3,
            mutants: 1000,
            mutants_found: 990,
            mutants_tried: "2026-01-02".into(),
        };
        assert_eq!(proof, expected);
        assert!(expected.defects > 10);
    }

    #[test]
    fn what_is_not_there_is_not_counted_as_none() {
        let empty =
            "<!-- loom:begin -->\n<!-- loom:end -->\n<!-- misuse:begin -->\n<!-- misuse:end -->\n";
        assert!(count(|_| Ok(empty.to_owned())).is_err());
        assert!(mutants("Of the other 10, 9 were found").is_err());
    }
}
