//! The figures beside those of the baseline.

use comfy_table::{CellAlignment, Table, presets};

use crate::case::Shape;
use crate::entry::Kind;
use crate::measure::Row;

/// Rows of the table: the worst.
const SHOWN: usize = 30;

/// A row and how many times the baseline it takes.
type Pair<'a> = (f64, &'a Row);

/// Prints how many times the baseline rows take, the worst first, and the means of the shapes.
pub fn print(rows: &[Row], baseline: &str) {
    let pairs = pairs(rows);
    println!("\nBeside {baseline}: ns of this, of that, and how many times; the worst first");
    println!("{}", table(&pairs[..pairs.len().min(SHOWN)]));
    if pairs.len() > SHOWN {
        println!("and {} rows more, down to ×{:.3}", pairs.len() - SHOWN, pairs[pairs.len() - 1].0);
    }
    means(&pairs).iter().for_each(|line| println!("{line}"));
    let alone = rows.len() - pairs.len();
    if alone > 0 {
        println!("{alone} rows have no baseline.");
    }
}

/// The rows with a baseline, the worst first.
fn pairs(rows: &[Row]) -> Vec<Pair<'_>> {
    let times = |row: &Row| Some(row.figures.ns / row.baseline_ns?);
    let mut pairs: Vec<_> = rows.iter().filter_map(|row| Some((times(row)?, row))).collect();
    pairs.sort_by(|left, right| right.0.total_cmp(&left.0));
    pairs
}

fn table(pairs: &[Pair]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["times", "ns", "baseline", "n", "contender", "shape"]);
    for (times, row) in pairs {
        table.add_row([
            format!("×{times:.3}"),
            format!("{:.3}", row.figures.ns),
            format!("{:.3}", row.baseline_ns.unwrap_or(f64::NAN)),
            row.case.bulk.to_string(),
            row.contender.to_owned(),
            row.case.label(),
        ]);
    }
    table.column_iter_mut().take(4).for_each(|it| it.set_cell_alignment(CellAlignment::Right));
    table
}

/// A line for each shape: the geometric means of the allocator's rows, and of those that do not use
/// it, which say how much of the difference is noise.
fn means(pairs: &[Pair]) -> Vec<String> {
    let mean = |shape: Option<Shape>, allocator: bool| {
        let wanted = |(_, row): &&Pair| {
            let is_own = matches!(row.kind, Kind::Mode | Kind::Calls);
            is_own == allocator && shape.is_none_or(|shape| row.case.shape == shape)
        };
        let logs: Vec<_> = pairs.iter().filter(wanted).map(|(times, _)| times.ln()).collect();
        let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        (!logs.is_empty()).then(|| format!("×{mean:.3} over {} rows", logs.len()))
    };
    let line = |name: &str, shape| {
        let own = mean(shape, true)?;
        let others = mean(shape, false).map_or(String::new(), |it| format!(" (others: {it})"));
        Some(format!("{name}: geometric mean {own}{others}"))
    };
    let shapes = Shape::ALL.into_iter().filter_map(|shape| line(shape.name(), Some(shape)));
    shapes.chain(line("all", None)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    fn beside(contender: &'static str, kind: Kind, ns: f64, baseline: Option<f64>) -> Row {
        Row { kind, baseline_ns: baseline, ..row(Shape::HotPair, 8, contender, ns) }
    }

    #[test]
    fn the_worst_rows_come_first() {
        let rows = [
            beside("Bare", Kind::Mode, 1.0, Some(2.0)),
            beside("Checked", Kind::Mode, 3.0, Some(2.0)),
            beside("NoStats", Kind::Mode, 3.0, None),
        ];
        let pairs = pairs(&rows);
        let names: Vec<_> = pairs.iter().map(|(times, row)| (*times, row.contender)).collect();
        assert_eq!(names, [(1.5, "Checked"), (0.5, "Bare")]);
        let table = table(&pairs).to_string();
        let line: Vec<_> = table.lines().nth(1).expect("a line").split_whitespace().collect();
        assert_eq!(line, ["×1.500", "3.000", "2.000", "8", "Checked", "hot_pair"]);
    }

    #[test]
    fn means_are_geometric_and_noise_stands_apart() {
        let rows = [
            beside("Bare", Kind::Mode, 1.0, Some(2.0)),
            beside("single", Kind::Calls, 8.0, Some(2.0)),
            beside("copy-floor", Kind::Floor, 3.0, Some(2.0)),
        ];
        let told = "geometric mean ×1.414 over 2 rows (others: ×1.500 over 1 rows)";
        assert_eq!(means(&pairs(&rows)), [format!("hot_pair: {told}"), format!("all: {told}")]);
        assert!(means(&[]).is_empty());
    }
}
