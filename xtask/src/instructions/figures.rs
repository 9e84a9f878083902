//! Counts per page, and the tables of them.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use super::callgrind::{Case, Count};

/// Instructions per page, allocated and freed in bulks.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    pub shape: String,
    pub mode: String,
    pub bulk: u32,
    pub order: String,
    /// All of them.
    pub instructions: f64,
    /// Those outside the C library: what the baseline compares.
    pub own: f64,
    /// Locked ones.
    pub locked: f64,
}

/// Locked instructions where magazines move.
#[derive(Clone, Debug, Serialize)]
pub struct Move {
    pub shape: String,
    pub mode: String,
    pub magazines: u64,
    /// Words of the zone that pages came from or went to, and summary words that it made empty, or no longer empty.
    pub words: u64,
    pub locked: u64,
}

/// Everything that was counted.
#[derive(Serialize)]
pub struct Figures {
    /// The hot pair.
    pub rows: Vec<Row>,
    /// 2,048 pages out and back.
    pub keep_2048: Vec<Row>,
    /// 65,536 pages freed in a random order, and allocated again.
    pub outstanding_random: Vec<Row>,
    pub moves: Vec<Move>,
}

/// Rounded to what a reader can use; the counts are exact, the share of a page is not.
fn share(count: u64, pages: u64) -> f64 {
    (count as f64 / pages as f64 * 1000.0).round() / 1000.0
}

impl Figures {
    /// The counts of the cases, by page.
    pub fn of(counts: Vec<(Case, Count)>) -> Result<Self> {
        let clock = counts.iter().find(|(case, _)| matches!(case, Case::Clock));
        let clock = clock.context("the clock was not counted")?.1;
        let [rows, keep_2048, outstanding_random] = [(); 3].map(|()| Vec::new());
        let mut figures = Figures { rows, keep_2048, outstanding_random, moves: Vec::new() };
        for (case, count) in counts {
            match case {
                Case::Clock => {}
                Case::Sample { shape, mode, bulk, order, pages } => {
                    let instructions = share(count.all - clock.all, pages);
                    let own = share(count.own - clock.own, pages);
                    let locked = share(count.locked - clock.locked, pages);
                    let rows = match shape.as_str() {
                        "hot_pair" => &mut figures.rows,
                        "outstanding_random" => &mut figures.outstanding_random,
                        _ => &mut figures.keep_2048,
                    };
                    rows.push(Row { shape, mode, bulk, order, instructions, own, locked });
                }
                Case::Moved { shape, mode, magazines, words } => {
                    let locked = count.locked;
                    figures.moves.push(Move { shape, mode, magazines, words, locked });
                }
            }
        }
        Ok(figures)
    }

    /// All shapes, one after the other.
    pub fn all(&self) -> impl Iterator<Item = &Row> {
        self.shapes().into_iter().flatten()
    }

    fn shapes(&self) -> [&Vec<Row>; 3] {
        [&self.rows, &self.keep_2048, &self.outstanding_random]
    }

    /// Shape, order and size downwards, modes across.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let modes = modes(&self.rows);
        let head = ["instructions per page", "order", "n"];
        table.set_header(head.iter().chain(&modes));
        for column in 2..3 + modes.len() {
            let column = table.column_mut(column).expect("so many columns");
            column.set_cell_alignment(CellAlignment::Right);
        }
        for rows in self.shapes() {
            for (order, bulk) in lines(rows) {
                let cells = modes.iter().map(|mode| cell(rows, mode, order, bulk));
                let head = [rows[0].shape.clone(), order.into(), bulk.to_string()];
                table.add_row(head.into_iter().chain(cells));
            }
        }
        table
    }

    /// The locked instructions of refills and flushes.
    pub fn moves(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["moved", "mode", "magazines", "zone words", "locked", "at most"]);
        for it in &self.moves {
            let figures = [it.magazines, it.words, it.locked, it.most()].map(|it| it.to_string());
            table.add_row([it.shape.clone(), it.mode.clone()].into_iter().chain(figures));
        }
        table
    }

    /// A few lines of the table, for features.md.
    pub fn markdown(&self) -> String {
        let modes = modes(&self.rows);
        let mut text = format!("| shape | n | {} |\n|---|---|", modes.join(" | "));
        text += &"---|".repeat(modes.len());
        text.push('\n');
        for rows in self.shapes() {
            for bulk in [1, 8, 64, 256] {
                let cells = modes.iter().map(|mode| cell(rows, mode, "scattered", bulk));
                let cells: Vec<_> = cells.collect();
                // Not each shape is counted at each size.
                if cells.iter().all(String::is_empty) {
                    continue;
                }
                let shape = &rows[0].shape;
                writeln!(text, "| `{shape}` | {bulk} | {} |", cells.join(" | ")).expect("a string");
            }
        }
        text
    }

    /// Writes all figures to a file.
    pub fn json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Move {
    /// Two for each magazine, one for each word, and three for each area that becomes whole: its note moves from one
    /// summary to another.
    pub fn most(&self) -> u64 {
        const AREA_WORDS: u64 = 8;
        2 * self.magazines + self.words + 3 * (self.words / AREA_WORDS)
    }
}

/// What one of a shape's rows has, or nothing: not everybody is counted in each shape, at each size.
fn cell(rows: &[Row], mode: &str, order: &str, bulk: u32) -> String {
    let wanted = (mode, order, bulk);
    let found = rows.iter().find(|row| (&*row.mode, &*row.order, row.bulk) == wanted);
    found.map(|row| format!("{:.1}", row.instructions)).unwrap_or_default()
}

/// The modes, as they come.
fn modes(rows: &[Row]) -> Vec<&str> {
    let mut modes: Vec<_> = rows.iter().map(|row| row.mode.as_str()).collect();
    modes.dedup();
    modes.sort_by_key(|mode| rows.iter().position(|row| row.mode == *mode));
    modes.dedup();
    modes
}

/// The orders and sizes, as they come.
fn lines(rows: &[Row]) -> Vec<(&str, u32)> {
    let first = rows.first().map(|row| row.mode.as_str());
    let of_first = rows.iter().filter(|row| Some(row.mode.as_str()) == first);
    of_first.map(|row| (row.order.as_str(), row.bulk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each figure stands in the column of its mode.
    #[test]
    fn who_is_not_counted_at_a_size_has_an_empty_cell() {
        let row = |mode: &str, bulk, instructions| Row {
            shape: "hot_pair".into(),
            mode: mode.into(),
            bulk,
            order: "scattered".into(),
            instructions,
            own: instructions,
            locked: 0.0,
        };
        let rows = vec![row("a", 1, 1.0), row("a", 8, 2.0), row("b", 1, 3.0), row("c", 8, 4.0)];
        let (keep_2048, outstanding_random, moves) = (Vec::new(), Vec::new(), Vec::new());
        let figures = Figures { rows, keep_2048, outstanding_random, moves };
        let text = figures.markdown();
        assert!(text.contains("| `hot_pair` | 1 | 1.0 | 3.0 |  |\n"), "{text}");
        assert!(text.contains("| `hot_pair` | 8 | 2.0 |  | 4.0 |\n"), "{text}");
    }
}
