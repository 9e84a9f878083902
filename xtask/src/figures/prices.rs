//! What each mode costs, shape by shape, and beside rivals: the tables of features.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use super::parts::{OTHERS, POOLS, figure, origin, wrapped};
use super::record::{Record, WAITERS};

/// A shape, and what is said of it above its table.
const TABLES: [(&str, &str); 13] = [
    ("hot_pair", "Allocate n, free n (`hot_pair`):"),
    ("keep_2048", "Allocate 2,048 in bulks of n, then free them (`keep_2048`):"),
    ("two_threads", "The hot pair while another thread does the same (`two_threads`):"),
    (
        "two_threads_2048",
        "The same with 2,048 pages out in each of the two, which allocates them in bulks of n, and \
         then frees them:",
    ),
    ("pipe", "One thread allocates, another frees (`pipe`):"),
    ("pipe_into_7", "One thread allocates n, another frees 7 a call (`pipe_into_7`):"),
    ("pipe_from_7", "One thread allocates 7 a call, another frees n (`pipe_from_7`):"),
    ("mixed", "Allocate 1 to n pages, or free some such bulk, at random (`mixed`):"),
    (
        "outstanding",
        "One million pages are out, the oldest n are freed for n new ones (`outstanding`):",
    ),
    (
        "outstanding_random",
        "One million pages are out; many are freed in a random order, n a call, and then allocated \
         again (`outstanding_random`):",
    ),
    (
        "block_pair_3",
        "Allocate n blocks of 8 pages, one by one or in one call, free each; per page \
         (`block_pair_3`):",
    ),
    ("block_pair_9", "The same of blocks of 512 pages (`block_pair_9`):"),
    ("wait", "Two threads take all n pages by turns, and wait for them (`wait`):"),
];

/// The columns: who has no figure in a shape has none there.
const OWN: [&str; 11] = [
    "copy-floor",
    "ring-only",
    "driver-lifo",
    "single",
    "Bare",
    "NoChecks",
    "NoStats",
    "NoRefcount",
    "Compact",
    "Checked",
    "Hardened",
];

/// The columns of the table of rivals.
pub const BESIDE: [&str; 11] = [
    "hot_pair",
    "keep_2048",
    "two_threads",
    "two_threads_2048",
    "pipe",
    "pipe_into_7",
    "pipe_from_7",
    "random",
    "mixed",
    "outstanding",
    "outstanding_random",
];

/// A table for each shape.
pub fn prices(record: &Record) -> Result<String> {
    let said = format!(
        "These are {} Where two threads take part, *a cache line* says how many ns one took to \
         the other core and back: rows of near and of far cores cannot be compared.",
        origin(record, &TABLES.map(|(shape, _)| (shape, format!("`{shape}`"))))
    );
    let mut text = wrapped(&said, "", "");
    for (shape, what) in TABLES {
        let own = if shape == "wait" { &WAITERS[..] } else { &OWN[..] };
        let rows = record.rows.iter().filter(|row| row.shape() == shape);
        let sizes: BTreeSet<_> =
            rows.filter(|row| own.contains(&&*row.contender)).map(|row| row.bulk).collect();
        // A record may be older than a shape.
        if sizes.is_empty() {
            continue;
        }
        let takes_part =
            |name: &&str| sizes.iter().any(|&size| record.ns(name, shape, size).is_some());
        let names: Vec<_> = own.iter().copied().filter(takes_part).collect();
        writeln!(text, "\n{}", wrapped(what, "", ""))?;
        let two = sizes.iter().any(|&size| record.line(shape, size).is_some());
        let heads: Vec<_> =
            two.then_some("a cache line").into_iter().chain(names.clone()).collect();
        writeln!(text, "| n | {} |\n|--:|{}", heads.join(" | "), "--:|".repeat(heads.len()))?;
        for size in sizes {
            let line = record.line(shape, size).map(|line| format!("{line:.0}"));
            let line = two.then_some(line.unwrap_or_default());
            let cells = names.iter().map(|name| cell(record, name, shape, size));
            let cells: Vec<_> = line.into_iter().chain(cells).collect();
            writeln!(text, "| {size} | {} |", cells.join(" | "))?;
        }
    }
    Ok(text)
}

/// A line for each of ours and each rival, at 64 pages a call.
pub fn beside(record: &Record) -> Result<String> {
    // A record may be older than a shape.
    let mut shapes = BESIDE.to_vec();
    shapes.retain(|shape| record.ns("Bare", shape, 64).is_some());
    let heads = shapes.iter().map(|shape| match *shape {
        "outstanding" | "outstanding_random" => format!("`{shape}`, 1 M"),
        _ => format!("`{shape}`"),
    });
    let heads: Vec<_> = heads.collect();
    let mut text = format!("| | {} |\n|---|{}\n", heads.join(" | "), "--:|".repeat(heads.len()));
    let ours = ["Bare", "Compact", "Checked"].map(|name| (name, format!("`{name}`")));
    let is_there = |name: &str| record.rows.iter().any(|row| row.contender == name);
    let pools = POOLS.into_iter().filter(|(name, _)| is_there(name));
    let others = OTHERS.into_iter().chain(pools);
    let mut others: Vec<_> = others.map(|(name, shown)| (name, shown.to_owned())).collect();
    let of = |name: &str| record.ns(name, BESIDE[0], 64).unwrap_or(f64::INFINITY);
    others.sort_by(|one, other| of(one.0).total_cmp(&of(other.0)));
    for (name, shown) in ours.into_iter().chain(others) {
        let cells: Vec<_> = shapes.iter().map(|shape| cell(record, name, shape, 64)).collect();
        writeln!(text, "| {shown} | {} |", cells.join(" | "))?;
    }
    let line = |shape: &&str| record.line(shape, 64).map(|line| format!("{line:.0}"));
    let lines: Vec<_> = shapes.iter().map(|shape| line(shape).unwrap_or_default()).collect();
    writeln!(text, "| *a cache line, there and back* | {} |", lines.join(" | "))?;
    Ok(text)
}

/// A figure, or nothing where there is none.
fn cell(record: &Record, name: &str, shape: &str, size: u64) -> String {
    record.ns(name, shape, size).map(figure).unwrap_or_default()
}
