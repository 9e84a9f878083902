//! The figures beside those of the baseline.

use anyhow::{Result, ensure};
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

/// Fails if the allocator's rows take more than so many times the baseline, by their geometric mean:
/// all, or those of one shape. One row proves nothing, and nor does a run without any.
pub fn judge(rows: &[Row], most: f64) -> Result<()> {
    let pairs = pairs(rows);
    let means = forms().filter_map(|(name, shape)| Some((name, mean(&pairs, shape, true)?.0)));
    let means: Vec<_> = means.collect();
    ensure!(!means.is_empty(), "no row has a baseline");
    let above = means.iter().filter(|(_, times)| *times > most);
    let above: Vec<_> = above.map(|(name, times)| format!("{name} ×{times:.3}")).collect();
    let told = above.join(", ");
    ensure!(above.is_empty(), "more than ×{most} of the baseline: {told}");
    println!("All shapes are within ×{most} of the baseline.");
    Ok(())
}

/// Each shape and its name, and then all of them.
fn forms() -> impl Iterator<Item = (&'static str, Option<Shape>)> {
    Shape::ALL.into_iter().map(|shape| (shape.name(), Some(shape))).chain([("all", None)])
}

/// The geometric mean of the allocator's rows of a shape, or of those that do not use it; and of how
/// many rows it is.
fn mean(pairs: &[Pair], shape: Option<Shape>, allocator: bool) -> Option<(f64, usize)> {
    let wanted = |(_, row): &&Pair| {
        let is_own = matches!(row.kind, Kind::Mode | Kind::Calls);
        is_own == allocator && shape.is_none_or(|shape| row.case.shape == shape)
    };
    let logs: Vec<_> = pairs.iter().filter(wanted).map(|(times, _)| times.ln()).collect();
    let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
    (!logs.is_empty()).then_some((mean, logs.len()))
}

/// A line for each shape: the mean of the allocator's rows, and of those that do not use it, which
/// say how much of the difference is noise.
fn means(pairs: &[Pair]) -> Vec<String> {
    let told = |(times, count)| format!("×{times:.3} over {count} rows");
    let line = |(name, shape)| {
        let own = told(mean(pairs, shape, true)?);
        let others = mean(pairs, shape, false);
        let others = others.map_or(String::new(), |it| format!(" (others: {})", told(it)));
        Some(format!("{name}: geometric mean {own}{others}"))
    };
    forms().filter_map(line).collect()
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

    #[test]
    fn a_shape_above_the_bound_fails_though_all_are_within() {
        let of = |shape, ns| {
            let pipe = beside("Bare", Kind::Mode, ns, Some(1.0));
            Row { case: crate::case::Case { shape, ..pipe.case }, ..pipe }
        };
        let rows = [of(Shape::Pipe, 1.1), of(Shape::HotPair, 1.0), of(Shape::Random, 0.9)];
        let error = judge(&rows, 1.05).expect_err("the pipe").to_string();
        assert_eq!(error, "more than ×1.05 of the baseline: pipe ×1.100");
        judge(&rows, 1.2).expect("within");
        let floor = [beside("copy-floor", Kind::Floor, 9.0, Some(1.0)), rows[1].clone()];
        judge(&floor, 1.05).expect("noise is not judged");
        assert!(judge(&floor[..1], 1.05).is_err(), "nothing to judge");
    }
}
