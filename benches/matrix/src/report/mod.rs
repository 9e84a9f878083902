//! What a run tells: tables for the terminal, a page for readers, and every figure for programs.

pub mod beside;
mod chart;
mod html;
mod ladder;
mod picture;
mod terminal;
mod verdict;

use std::fs::File;
use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::case::{Case, Shape};
use crate::clock::Distance;
use crate::entry::Kind;
use crate::measure::Row;
use crate::meta::Meta;

pub use terminal::print;

/// Writes every figure.
pub fn json(file: File, rows: &[Row], meta: &Meta) -> Result<()> {
    serde_json::to_writer_pretty(file, &all(rows, meta)).context("the figures could not be written")
}

/// Every figure, and what the run says of itself.
pub fn all(rows: &[Row], meta: &Meta) -> Value {
    json!({ "meta": meta, "rows": rows })
}

/// Writes the picture of all figures of a run.
pub fn svg(mut file: &File, figures: Value) -> Result<()> {
    let picture = picture::draw(figures)?;
    file.write_all(picture.as_bytes()).context("the picture could not be written")
}

/// Writes the page.
pub fn html(mut file: File, rows: &[Row], meta: &Meta) -> Result<()> {
    let page = html::page(rows, meta)?;
    file.write_all(page.as_bytes()).context("the page could not be written")
}

/// The modes that rivals are compared with.
const AGAINST: [&str; 2] = ["Bare", "Checked"];
/// What a table of rivals says.
const RATIOS: &str = "Rivals: how many times the time of Bare / Checked";

/// How many times the time of each of these modes somebody takes.
fn ratios(group: &Group, row: &Row) -> String {
    AGAINST.map(|mode| group.over(row, mode).map_or("–".to_owned(), chart::figure)).join(" / ")
}

/// The rows of one table: a shape in one form, for everyone, at all sizes.
pub struct Group<'a> {
    /// What the rows have in common.
    pub case: Case,
    rows: Vec<&'a Row>,
}

impl<'a> Group<'a> {
    /// The tables, in the order of the shapes; the plain form of each comes first.
    pub fn all(rows: &'a [Row]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for row in rows {
            let case = row.case.table();
            match groups.iter_mut().find(|group| group.case == case) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { case, rows: vec![row] }),
            }
        }
        // Stable: forms stay in the order in which they were measured.
        groups.sort_by_key(|group| Shape::ALL.iter().position(|shape| *shape == group.case.shape));
        groups
    }

    /// Who takes part, in order, but for those who stand in the ladder of hardening only.
    pub fn contenders(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.contender) && !ladder::is_step(row.contender) {
                names.push(row.contender);
            }
        }
        names
    }

    /// What somebody who takes part is.
    pub fn kind(&self, contender: &str) -> Kind {
        let row = self.rows.iter().find(|row| row.contender == contender);
        row.map_or(Kind::Rival, |row| row.kind)
    }

    /// The sizes, ascending.
    pub fn bulks(&self) -> Vec<usize> {
        let mut bulks: Vec<_> = self.rows.iter().map(|row| row.case.bulk).collect();
        bulks.sort_unstable();
        bulks.dedup();
        bulks
    }

    /// The row of somebody at a size.
    pub fn row(&self, contender: &str, bulk: usize) -> Option<&'a Row> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.contender == contender && row.case.bulk == bulk).copied()
    }

    /// How far apart the threads of its figures were, if there were two.
    pub fn distances(&self) -> Option<String> {
        let mut trips: Vec<_> = self.rows.iter().filter_map(|row| row.figures.round_trip).collect();
        trips.sort_by(f64::total_cmp);
        let (first, last) = (trips.first()?, trips.last()?);
        let one_core =
            trips.iter().filter(|trip| Distance::of(**trip) == Distance::OneCore).count();
        let one_core = match one_core {
            0 => String::new(),
            some => {
                format!("; {some} of {} figures are as of two threads of one core", trips.len())
            }
        };
        Some(format!("A cache line took {first:.0} to {last:.0} ns there and back{one_core}."))
    }

    /// How many times the floor somebody takes, where there is a floor.
    pub fn over_floor(&self, row: &Row) -> Option<f64> {
        let floor = ["copy-floor", "ring-only"];
        floor.into_iter().find_map(|name| self.over(row, name))
    }

    /// How many times the time of a contender somebody takes, where both did the same.
    pub fn over(&self, row: &Row, contender: &str) -> Option<f64> {
        Some(row.figures.ns / self.row(contender, row.case.bulk)?.figures.ns)
    }

    /// The rivals, in order, if there is a mode to compare them with.
    pub fn rivals(&self) -> Vec<&'static str> {
        let mut names = self.contenders();
        let compared = AGAINST.iter().any(|mode| names.contains(mode));
        names.retain(|name| compared && self.kind(name) == Kind::Rival);
        names
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::contender::Order;
    use crate::sample::Figures;

    /// A row with these ns, at 2 cycles a ns.
    pub fn row(shape: Shape, bulk: usize, contender: &'static str, ns: f64) -> Row {
        let order = Order::Scattered;
        let case = Case { shape, bulk, out: None, order, touched: false, colour: false };
        let figures = Figures { ns, p10: ns, p90: ns, kept: 1.0, round_trip: None };
        Row {
            case,
            contender,
            kind: Kind::Mode,
            figures,
            cycles: Some(2.0 * ns),
            baseline_ns: None,
        }
    }

    #[test]
    fn rows_are_grouped_by_all_but_size() {
        let touched = |mut row: Row| {
            row.case.touched = true;
            row
        };
        let rows = [
            row(Shape::Pipe, 1, "Bare", 8.0),
            row(Shape::HotPair, 8, "copy-floor", 0.5),
            row(Shape::HotPair, 1, "Bare", 3.0),
            row(Shape::HotPair, 8, "Bare", 1.0),
            touched(row(Shape::HotPair, 8, "Bare", 2.0)),
        ];
        let groups = Group::all(&rows);
        let shapes: Vec<_> = groups.iter().map(|group| group.case.shape).collect();
        assert_eq!(shapes, [Shape::HotPair, Shape::HotPair, Shape::Pipe]);
        let plain = &groups[0];
        assert_eq!(plain.contenders(), ["copy-floor", "Bare"]);
        assert_eq!(plain.bulks(), [1, 8]);
        let over = |bulk| plain.over_floor(plain.row("Bare", bulk).expect("a row"));
        assert_eq!((over(1), over(8)), (None, Some(2.0)));
        assert!(groups[1].case.touched);
    }

    #[test]
    fn rivals_are_told_as_multiples_of_modes() {
        let rival = |bulk, ns| Row { kind: Kind::Rival, ..row(Shape::Pipe, bulk, "queue", ns) };
        let rows = [
            row(Shape::Pipe, 1, "Bare", 2.0),
            row(Shape::Pipe, 1, "Checked", 4.0),
            row(Shape::Pipe, 8, "Checked", 4.0),
            rival(1, 5.0),
            rival(8, 1.0),
        ];
        let group = &Group::all(&rows)[0];
        assert_eq!(group.rivals(), ["queue"]);
        let told = [1, 8].map(|bulk| ratios(group, group.row("queue", bulk).expect("a row")));
        assert_eq!(told, ["2.50 / 1.25", "– / 0.25"]);
        assert!(Group::all(&rows[..3])[0].rivals().is_empty());
        assert!(Group::all(&rows[3..])[0].rivals().is_empty());
    }

    #[test]
    fn figures_are_written_with_what_they_are_of() {
        let told = serde_json::to_value(row(Shape::HotPair, 8, "Bare", 1.5)).expect("a row");
        let expected = json!({
            "shape": "hot_pair", "bulk": 8, "order": "scattered", "touched": false,
            "colour": false, "contender": "Bare", "kind": "mode", "ns": 1.5, "p10": 1.5,
            "p90": 1.5, "kept": 1.0, "cycles": 3.0,
        });
        assert_eq!(told, expected);
        let mut outstanding = row(Shape::Outstanding, 8, "Bare", 1.5);
        outstanding.case.out = Some(1 << 16);
        assert_eq!(serde_json::to_value(outstanding).expect("a row")["out"], 65_536);
    }
}
