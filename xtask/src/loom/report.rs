//! What the models explored: as a table, as JSON, and in features.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::trial::{Row, is_preset};
use crate::section::Section;

const TABLE: Section = Section { file: "features.md", name: "loom" };

/// The bound in words.
fn bound(row: &Row) -> String {
    match row.bound {
        None => "exhaustive".into(),
        Some(1) => "1 preemption".into(),
        Some(most) => format!("{most} preemptions"),
    }
}

/// A line for each model in each mode.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["model", "mode", "executions", "least", "bound", "seconds"]);
    for column in [2, 3, 5] {
        table.column_mut(column).expect("six columns").set_cell_alignment(CellAlignment::Right);
    }
    let mut last = "";
    for row in rows {
        let model = if row.model == last { "" } else { &row.model };
        last = &row.model;
        table.add_row([
            model,
            &row.mode,
            &row.executions.to_string(),
            &row.least.to_string(),
            &bound(row),
            &format!("{:.2}", row.seconds),
        ]);
    }
    table
}

#[derive(Serialize)]
struct Figures<'a> {
    rows: &'a [Row],
}

/// Writes the figures to a file.
pub fn json(path: &Path, rows: &[Row]) -> Result<()> {
    let text = serde_json::to_string_pretty(&Figures { rows })?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

/// The same figures without times, for readers: modes that explored as much stand together.
fn markdown(rows: &[Row]) -> String {
    table_of(lines(rows).into_values())
}

fn table_of(lines: impl Iterator<Item = String>) -> String {
    let mut text = String::from("| model | bound | executions, by mode |\n|---|---|---|\n");
    lines.for_each(|line| text.extend([&*line, "\n"]));
    text
}

/// A line for each model.
fn lines(rows: &[Row]) -> BTreeMap<String, String> {
    let mut models = BTreeMap::<_, (String, Vec<(u64, Vec<&str>)>)>::new();
    for row in rows {
        let (_, modes) = models.entry(&row.model).or_insert_with(|| (bound(row), Vec::new()));
        match modes.iter_mut().find(|(executions, _)| *executions == row.executions) {
            Some((_, alike)) => alike.push(&row.mode),
            None => modes.push((row.executions, vec![&row.mode])),
        }
    }
    let mut lines = BTreeMap::new();
    for (model, (bound, modes)) in models {
        let modes: Vec<_> = modes
            .into_iter()
            .map(|(executions, modes)| format!("{}: {executions}", modes.join(", ")))
            .collect();
        lines.insert(model.clone(), format!("| `{model}` | {bound} | {} |", modes.join("; ")));
    }
    lines
}

/// Writes the table of features.md. The lines of other models stay, if these are only some.
pub fn write(rows: &[Row], some: bool) -> Result<()> {
    let mut all = BTreeMap::new();
    if some {
        let table = TABLE.read()?;
        let named = table.lines().filter_map(|line| {
            let model = line.strip_prefix("| `")?.split('`').next()?;
            Some((model.to_owned(), line.to_owned()))
        });
        all.extend(named);
    }
    all.extend(lines(rows));
    TABLE.write(&table_of(all.into_values()))
}

/// How far a whole run explored a model in a mode.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Explored {
    /// Threads were interrupted once at the most.
    pub once: bool,
    pub executions: u64,
}

/// By model and mode.
pub type Known = BTreeMap<String, BTreeMap<String, Explored>>;

/// What features.md says of each model: in which modes it was tried, and how far.
pub fn known() -> Result<Known> {
    Ok(figures(&TABLE.read()?))
}

/// What a table says.
fn figures(table: &str) -> Known {
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|line| {
        let cells: Vec<_> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [model, bound, modes] = cells[..] else { return None };
        let once = bound == "1 preemption";
        let alike = modes.split("; ").filter_map(|alike| alike.rsplit_once(": "));
        let modes = alike.flat_map(|(modes, executions)| {
            let modes = modes.split(", ").map(str::to_owned);
            let executions = executions.parse().ok();
            modes.filter_map(move |mode| Some((mode, Explored { once, executions: executions? })))
        });
        Some((model.trim_matches('`').to_owned(), modes.collect()))
    })
    .collect()
}

/// How much of the table a run is compared with.
pub struct Run {
    /// The run has bounds of its own, at which nobody looks.
    pub own_bounds: bool,
    /// The run has the presets alone.
    pub presets: bool,
}

/// Whether features.md names the models that ran, each with its bound and its modes, and no other.
pub fn agrees(rows: &[Row], run: &Run) -> Result<()> {
    let unlike = unlike(&TABLE.read()?, &markdown(rows), run);
    ensure!(
        unlike.is_empty(),
        "features.md and the models do not agree on\n  {}\n`cargo xtask loom --write` writes its table anew",
        unlike.join("\n  ")
    );
    Ok(())
}

/// The lines that only one of two tables has, without their figures.
fn unlike(one: &str, other: &str, run: &Run) -> Vec<String> {
    let lines = |table: &str| -> BTreeSet<_> {
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.filter_map(|line| without_figures(line, run)).collect()
    };
    lines(one).symmetric_difference(&lines(other)).cloned().collect()
}

/// A line of the table: its model, its bound if that matters, and its modes. `None` if the run left out all of them.
fn without_figures(line: &str, run: &Run) -> Option<String> {
    let cells: Vec<_> = line.trim_matches(['|', ' ']).split(" | ").collect();
    let [model, bound, modes] = cells[..] else { return Some(line.into()) };
    let alike = modes.split("; ").map(|alike| alike.rsplit_once(": ").unwrap_or((alike, "")).0);
    let modes = alike.flat_map(|alike| alike.split(", "));
    let modes: BTreeSet<_> = modes.filter(|mode| !run.presets || is_preset(mode)).collect();
    let bound = if run.own_bounds { "" } else { bound };
    (!modes.is_empty()).then(|| [model, bound, &Vec::from_iter(modes).join(", ")].join(" "))
}

#[cfg(test)]
mod tests {
    use super::{Explored, Run, figures, unlike};

    const WHOLE: Run = Run { own_bounds: false, presets: false };

    const TABLE: &str = "| `a` | exhaustive | Bare, Checked: 7; Hardened: 9 |\n";

    #[test]
    fn a_line_is_a_model_with_its_bound_and_its_modes() {
        let same = "| `a` | exhaustive | Bare: 1; Hardened, Checked: 2 |\n";
        assert_eq!(unlike(TABLE, same, &WHOLE), [""; 0]);
        let unalike = [
            "| `b` | exhaustive | Bare, Checked: 7; Hardened: 9 |\n",
            "| `a` | 2 preemptions | Bare, Checked: 7; Hardened: 9 |\n",
            "| `a` | exhaustive | Bare, Checked: 7 |\n",
        ];
        for other in unalike {
            assert_eq!(unlike(TABLE, other, &WHOLE).len(), 2, "{other}");
        }
        assert_eq!(unlike(TABLE, unalike[1], &Run { own_bounds: true, ..WHOLE }), [""; 0]);
    }

    #[test]
    fn a_run_of_the_presets_is_not_asked_for_others() {
        let presets = Run { presets: true, ..WHOLE };
        let table = "| `a` | exhaustive | Bare: 7; hardened_only: 9 |\n";
        let run = "| `a` | exhaustive | Bare: 7 |\n";
        assert_eq!(unlike(table, run, &presets), [""; 0]);
        assert_eq!(unlike(table, run, &WHOLE).len(), 2);
        assert_eq!(unlike(table, "| `a` | exhaustive | Checked: 7 |\n", &presets).len(), 2);
    }

    #[test]
    fn the_table_says_how_many_executions_each_mode_had() {
        let table = "| model | bound |\n| `a` | exhaustive | Bare, Checked: 7; Compact: not counted |\n\
             | `b` | 1 preemption | Bare: 8 |\n";
        let figures = figures(table);
        let of =
            |model| Vec::from_iter(figures[model].iter().map(|(mode, it)| (mode.as_str(), *it)));
        let seven = Explored { once: false, executions: 7 };
        assert_eq!(figures.len(), 2);
        assert_eq!(of("a"), [("Bare", seven), ("Checked", seven)]);
        assert_eq!(of("b"), [("Bare", Explored { once: true, executions: 8 })]);
    }
}
