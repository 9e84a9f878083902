//! The program beside the same program of another commit, its baseline.
//!
//! How it interleaves: for each shape, the two programs take turns, each turn a process of its own
//! that measures only this shape, with as many rounds as a run without a baseline. Who goes first
//! changes from turn to turn (A B, B A, A B, …), so that a machine which slows down steadily slows
//! both. A figure is the median over the turns. Processes share no code and no names, so the two
//! commits may call things differently.
//!
//! The cores of a virtual machine move: of two threads, only turns in which the cores were equally
//! far apart are compared, at the distance that both programs saw most often.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::case::{Case, Shape};
use crate::clock::Distance;
use crate::entry::Entry;
use crate::measure::{Results, Row};
use crate::sample::Figures;

/// Says where the baseline's program is.
pub const PROGRAM: &str = "MATRIX_BASELINE_PROGRAM";

/// What to run.
pub struct Baseline<'a> {
    /// The program of the other commit.
    pub program: PathBuf,
    /// Everybody who takes part here.
    pub entries: &'a [Entry],
    /// What both programs are told beside the shape and the file.
    pub args: Vec<String>,
    /// Turns of each program.
    pub turns: usize,
}

/// What a turn wrote.
#[derive(Deserialize)]
struct Turn {
    rows: Vec<Told>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    left_out: Vec<String>,
}

/// A row of a turn.
#[derive(Clone, Deserialize)]
struct Told {
    #[serde(flatten)]
    case: Case,
    contender: String,
    #[serde(flatten)]
    figures: Figures,
    cycles: Option<f64>,
}

/// The rows of both programs, by turns.
#[derive(Default)]
struct Both {
    own: Vec<Vec<Told>>,
    other: Vec<Vec<Told>>,
}

impl Baseline<'_> {
    /// Measures these shapes in both programs.
    pub fn run(&self, shapes: &[Shape]) -> Result<Results> {
        let own = std::env::current_exe().context("this program is nowhere")?;
        let style = ProgressStyle::with_template("{bar:40} {msg} ({elapsed})").expect("a template");
        let bar = ProgressBar::new((shapes.len() * self.turns * 2) as u64).with_style(style);
        let mut results = Results::default();
        let mut left_out = BTreeSet::new();
        for shape in shapes {
            let mut both = Both::default();
            for turn in 0..self.turns {
                for is_own in [turn % 2 == 0, turn % 2 == 1] {
                    let (who, program) =
                        if is_own { ("own", &own) } else { ("baseline", &self.program) };
                    bar.set_message(format!("{}, turn {}, {who}", shape.name(), turn + 1));
                    match self.turn(program, *shape) {
                        Ok(Turn { rows, meta }) => {
                            (if is_own { &mut both.own } else { &mut both.other }).push(rows);
                            left_out.extend(meta.left_out.iter().map(|it| format!("{who}: {it}")));
                        }
                        // It may not know the shape; the own program must.
                        Err(error) if !is_own => {
                            left_out.insert(format!("baseline: {}: {error:#}", shape.name()));
                        }
                        Err(error) => return Err(error),
                    }
                    bar.inc(1);
                }
            }
            let merged = both.merge(self.entries);
            results.rows.extend(merged.rows);
            left_out.extend(merged.left_out);
        }
        bar.finish_and_clear();
        results.left_out.extend(left_out);
        Ok(results)
    }

    /// One turn of a program.
    fn turn(&self, program: &Path, shape: Shape) -> Result<Turn> {
        let file = std::env::temp_dir().join(format!("matrix-{}.json", std::process::id()));
        let mut command = Command::new(program);
        command.args(&self.args).args(["--shape", shape.name(), "--json"]).arg(&file);
        let output = command.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{command:?} did not start"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", said.trim());
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        std::fs::remove_file(&file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).context("its figures cannot be read")
    }
}

impl Both {
    /// A row for everything that the own program measured, with the baseline's figure if it has one.
    fn merge(&self, entries: &[Entry]) -> Results {
        let mut results = Results::default();
        for told in self.own.iter().flatten() {
            let known = |row: &Row| row.case == told.case && row.contender == told.contender;
            if results.rows.iter().any(known) {
                continue;
            }
            let entry = entries.iter().find(|entry| entry.name == told.contender);
            let Some(entry) = entry else { continue };
            let [own, other] = [&self.own, &self.other].map(|turns| of(turns, told));
            let (own, other) = match common(&own, &other) {
                Some(distance) => {
                    (at(&own, distance), Some(at(&other, distance)).filter(|it| !it.is_empty()))
                }
                None => {
                    if !other.is_empty() {
                        let (case, n) = (told.case.label(), told.case.bulk);
                        results.left_out.push(format!(
                            "baseline of {}, {case}, n = {n}: never at the same distance",
                            told.contender
                        ));
                    }
                    (own, None)
                }
            };
            let cycles: Option<Vec<f64>> = own.iter().map(|told| told.cycles).collect();
            results.rows.push(Row {
                case: told.case,
                contender: entry.name,
                kind: entry.kind,
                figures: figures(&own),
                cycles: cycles.map(median),
                baseline_ns: other.map(|other| figures(&other).ns),
            });
        }
        for told in self.other.iter().flatten() {
            let (same_case, who) = (of(&self.own, told), &told.contender);
            if same_case.is_empty() {
                let what = format!("only the baseline has {who}, {}", told.case.label());
                if !results.left_out.contains(&what) {
                    results.left_out.push(what);
                }
            }
        }
        results
    }
}

/// The rows of the same contender in the same case.
fn of(turns: &[Vec<Told>], like: &Told) -> Vec<Told> {
    let same = |told: &&Told| told.case == like.case && told.contender == like.contender;
    turns.iter().flatten().filter(same).cloned().collect()
}

/// How far apart the threads of a row were, if there were two.
fn distance(told: &Told) -> Option<Distance> {
    told.figures.round_trip.map(Distance::of)
}

/// The distance at which both programs have most rows; of one thread, that is none, and as common
/// as any. `None` if they have no distance in common.
fn common(own: &[Told], other: &[Told]) -> Option<Option<Distance>> {
    let all = Distance::ALL.map(Some).into_iter().chain([None]);
    let counts = all.map(|distance| {
        let count = |rows: &[Told]| at(rows, distance).len();
        (count(own).min(count(other)), distance)
    });
    // The first of the best, for figures are wanted at the first distances.
    let best = counts.rev().max_by_key(|(count, _)| *count)?;
    (best.0 > 0).then_some(best.1)
}

/// The rows at this distance.
fn at(rows: &[Told], wanted: Option<Distance>) -> Vec<Told> {
    rows.iter().filter(|told| distance(told) == wanted).cloned().collect()
}

/// The medians of the figures of some rows.
fn figures(rows: &[Told]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| median(rows.iter().map(|it| figure(&it.figures)));
    let trips: Option<Vec<_>> = rows.iter().map(|told| told.figures.round_trip).collect();
    Figures {
        ns: of(|it| it.ns),
        p10: of(|it| it.p10),
        p90: of(|it| it.p90),
        kept: of(|it| it.kept),
        round_trip: trips.map(median),
    }
}

/// The median of at least one value: of two in the middle, their mean.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

#[cfg(test)]
mod tests;
