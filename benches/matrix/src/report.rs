//! The figures as tables and as JSON.

use std::fs::File;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::meta::Meta;
use crate::shapes::{BULKS, Row, Shape};

/// Prints a table for each shape. The hot pair stands in the form of the 2017 mail.
pub fn print(rows: &[Row], meta: &Meta) {
    for shape in Shape::ALL {
        println!("\n{}", shape.title());
        let rows: Vec<_> = rows.iter().filter(|row| row.shape == shape).collect();
        if shape == Shape::HotPair {
            for row in rows.iter().filter(|row| row.contender == "Checked") {
                let cycles = row.cycles.map_or("-".to_owned(), |cycles| format!("{cycles:.1}"));
                println!("Bulk: {} cycles: {cycles} nanosec: {:.3}", row.bulk, row.figures.ns);
            }
            println!("(Checked; below, everyone)");
        }
        println!("{}", table(&rows));
    }
    println!("\nPer page, allocated and freed: cycles / ns, medians. {}", meta.ending());
}

/// Sizes down, contenders across.
fn table(rows: &[&Row]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.contender) {
            names.push(row.contender);
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(std::iter::once("n").chain(names.iter().copied()));
    for bulk in BULKS {
        let cell = |name: &&str| {
            let row = rows.iter().find(|row| row.bulk == bulk && row.contender == *name);
            row.map_or(String::new(), |row| match row.cycles {
                Some(cycles) => format!("{cycles:.1} / {:.2}", row.figures.ns),
                None => format!("{:.2}", row.figures.ns),
            })
        };
        table.add_row(std::iter::once(bulk.to_string()).chain(names.iter().map(cell)));
    }
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// Writes every figure.
pub fn json(file: File, rows: &[Row], meta: &Meta) -> Result<()> {
    let all = json!({ "meta": meta, "rows": rows });
    serde_json::to_writer_pretty(file, &all).context("the figures could not be written")
}
