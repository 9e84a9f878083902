//! The figures as tables for the terminal.

use comfy_table::{CellAlignment, Table, presets};
use console::Term;

use super::ladder::{self, Ladder};
use super::{Group, RATIOS, chart, ratios, verdict};
use crate::case::Shape;
use crate::measure::Row;
use crate::meta::Meta;

/// Prints a table for each shape and form. The hot pair stands in the form of the 2017 mail first.
pub fn print(rows: &[Row], meta: &Meta) {
    // What is not a terminal has no width: whoever reads it later wraps or scrolls.
    let width = Term::stdout().size_checked().map_or(usize::MAX, |(_, columns)| columns.into());
    let groups = Group::all(rows);
    for group in &groups {
        println!("\n{}", group.case.title());
        group.distances().iter().for_each(|told| println!("{told}"));
        if group.case.shape == Shape::HotPair {
            mails(group).iter().for_each(|line| println!("{line}"));
        }
        for names in blocks(group, &group.contenders(), cell, width) {
            println!("{}", table(group, &names, cell));
        }
        let rivals = group.rivals();
        if !rivals.is_empty() {
            println!("{RATIOS}:");
        }
        for names in blocks(group, &rivals, ratios, width) {
            println!("{}", table(group, &names, ratios));
        }
    }
    if let Some(ladder) = ladder::ladder(&groups) {
        println!("\n{}:\n{}", ladder::title(), steps(&ladder));
    }
    println!();
    verdict::verdict(rows).iter().for_each(|told| println!("{told}"));
    println!(
        "\nPer page, allocated and freed: cycles / ns, medians, and how many times the floor."
    );
    println!("{}", meta.ending());
    if !meta.crates.is_empty() {
        println!("Crates: {}.", meta.crates.join("; "));
    }
    for what in &meta.left_out {
        println!("Left out: {what}");
    }
}

/// The lines of the mail: the loop over a single page, then the bulks.
fn mails(group: &Group) -> Vec<String> {
    let line = |what: String, row| mail(&what, row, group.over_floor(row));
    let single = group.row("single", 1).map(|row| line("Single:".to_owned(), row));
    let bulks = group.bulks().into_iter().filter_map(|bulk| group.row("Checked", bulk));
    let bulks = bulks.map(|row| line(format!("Bulk: {}", row.case.bulk), row));
    let mut lines: Vec<_> = single.into_iter().chain(bulks).collect();
    if !lines.is_empty() {
        lines.push("(Checked; below, everyone)".to_owned());
    }
    lines
}

/// A line as in the mail.
fn mail(what: &str, row: &Row, over_floor: Option<f64>) -> String {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    format!(
        "{what} cycles: {} nanosec: {:.3} times floor: {} (p10 {:.3}, p90 {:.3})",
        or_none(row.cycles.map(|cycles| format!("{cycles:.1}"))),
        row.figures.ns,
        or_none(over_floor.map(|times| format!("{times:.1}"))),
        row.figures.p10,
        row.figures.p90,
    )
}

/// The contenders in blocks, each of which is a table that is not wider than this, if that can be had.
fn blocks<'a>(group: &Group, names: &[&'a str], cell: Cell, width: usize) -> Vec<Vec<&'a str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for &name in names {
        if let Some(block) = blocks.last_mut() {
            block.push(name);
            if wide(&table(group, block, cell)) <= width {
                continue;
            }
            block.pop();
        }
        blocks.push(vec![name]);
    }
    blocks
}

/// How wide a table is.
fn wide(table: &Table) -> usize {
    table.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
}

/// What a table says of a row.
type Cell = fn(&Group, &Row) -> String;

/// Sizes down, contenders across.
fn table(group: &Group, names: &[&str], cell: Cell) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(std::iter::once("n").chain(names.iter().copied()));
    for bulk in group.bulks() {
        let cell =
            |name: &&str| group.row(name, bulk).map_or(String::new(), |row| cell(group, row));
        table.add_row(std::iter::once(bulk.to_string()).chain(names.iter().map(cell)));
    }
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// The ladder: steps down, shapes across.
fn steps(ladder: &Ladder) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(std::iter::once(&"step").chain(&ladder.heads));
    for (what, figures) in &ladder.lines {
        let cells = figures.iter().map(|figure| {
            let (ns, times) = figure.unzip();
            let times = times.flatten().map(|times| format!(" ×{}", chart::figure(times)));
            ns.map(chart::figure).unwrap_or_default() + &times.unwrap_or_default()
        });
        table.add_row(std::iter::once((*what).to_owned()).chain(cells));
    }
    let figures = table.column_iter_mut().skip(1);
    figures.for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// Cycles and ns, and how many times the floor.
fn cell(group: &Group, row: &Row) -> String {
    let cycles = row.cycles.map_or(String::new(), |cycles| format!("{cycles:.1} / "));
    let times = group.over_floor(row).map_or(String::new(), |times| {
        let digits = usize::from(times < 100.0);
        format!(" ×{times:.digits$}")
    });
    format!("{cycles}{:.2}{times}", row.figures.ns)
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    #[test]
    fn the_mails_form() {
        let rows = [
            row(Shape::HotPair, 1, "single", 4.0),
            row(Shape::HotPair, 64, "single", 5.0),
            row(Shape::HotPair, 64, "copy-floor", 0.2),
            Row { cycles: None, ..row(Shape::HotPair, 1, "Checked", 4.5) },
            row(Shape::HotPair, 64, "Checked", 0.8),
        ];
        let lines = [
            "Single: cycles: 8.0 nanosec: 4.000 times floor: - (p10 4.000, p90 4.000)",
            "Bulk: 1 cycles: - nanosec: 4.500 times floor: - (p10 4.500, p90 4.500)",
            "Bulk: 64 cycles: 1.6 nanosec: 0.800 times floor: 4.0 (p10 0.800, p90 0.800)",
            "(Checked; below, everyone)",
        ];
        assert_eq!(mails(&Group::all(&rows)[0]), lines);
        assert!(mails(&Group::all(&rows[2..3])[0]).is_empty());
    }

    #[test]
    fn sizes_go_down_and_contenders_across() {
        let rows = [
            row(Shape::HotPair, 1, "copy-floor", 2.0),
            row(Shape::HotPair, 1, "Bare", 3.0),
            row(Shape::HotPair, 8, "Bare", 1.0),
        ];
        let group = &Group::all(&rows)[0];
        let table = table(group, &group.contenders(), cell).to_string();
        let lines: Vec<_> = table.lines().map(|line| line.split_whitespace()).collect();
        let lines: Vec<_> = lines.into_iter().map(|words| words.collect::<Vec<_>>()).collect();
        assert_eq!(lines[0], ["n", "copy-floor", "Bare"]);
        assert_eq!(lines[1], ["1", "4.0", "/", "2.00", "×1.0", "6.0", "/", "3.00", "×1.5"]);
        assert_eq!(lines[2], ["8", "2.0", "/", "1.00"]);
    }

    #[test]
    fn a_narrow_terminal_gets_a_table_below_the_other() {
        let rows = ["a", "b", "c"].map(|name| row(Shape::HotPair, 1, name, 2.0));
        let group = &Group::all(&rows)[0];
        let all = group.contenders();
        let blocks = |width| blocks(group, &all, cell, width);
        assert_eq!(blocks(usize::MAX), [["a", "b", "c"].to_vec()]);
        let two = wide(&table(group, &["a", "b"], cell));
        assert_eq!(blocks(two), [["a", "b"].to_vec(), vec!["c"]]);
        assert_eq!(blocks(1), [["a"], ["b"], ["c"]]);
    }
}
