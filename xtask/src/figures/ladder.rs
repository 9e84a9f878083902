//! The ladder of hardening in features.md: each switch alone, then one after the other, and what plain writing takes.

use std::fmt::Write as _;

use anyhow::Result;

use super::parts::{figure, machine, wrapped};
use super::record::{Earlier, FEW_OUT, Record};

/// What a line says, whose figure it gives, and the one that it is a multiple of.
type Step = (&'static str, &'static str, Option<&'static str>);

const STEPS: [Step; 12] = [
    ("no switch: `Checked`", "Checked", None),
    ("`claim` alone", "Checked+claim", Some("Checked")),
    ("`quarantine` alone", "Checked+quarantine", Some("Checked")),
    ("`shuffle` alone", "Checked+shuffle", Some("Checked")),
    ("`poison` alone", "Checked+poison", Some("Checked")),
    ("`poison` alone, `poison_every(16)`", "Checked+poison/16", Some("Checked")),
    ("`claim`, `quarantine`", "Checked+claim+quarantine", Some("Checked+claim")),
    (
        "`claim`, `quarantine`, `shuffle`",
        "Checked+claim+quarantine+shuffle",
        Some("Checked+claim+quarantine"),
    ),
    ("all four: `Hardened`", "Hardened", Some("Checked+claim+quarantine+shuffle")),
    ("`Hardened`, `poison_every(16)`; its share of `Hardened`", "Hardened/16", Some("Hardened")),
    ("`poison-floor`: `memset` and `memcmp` of the same pages", "poison-floor", None),
    (
        "`claim-floor/16`: the same of one page in 16, and two claims",
        "claim-floor/16",
        Some("Hardened"),
    ),
];

/// What was measured, a column for each, and the size.
pub const COLUMNS: [&str; 5] = ["hot_pair", "keep_2048", FEW_OUT.0, "two_threads", "pipe"];
pub const BULK: u64 = 64;

/// Whether somebody stands in this table alone.
pub fn is_step(contender: &str) -> bool {
    let apart = !["Checked", "Hardened"].contains(&contender);
    apart && STEPS.iter().any(|step| step.1 == contender)
}

/// The table, and how `Hardened` compares with its floors.
pub fn ladder(record: &Record) -> Result<String> {
    let Some(record) = &record.ladder else { return Ok("It has not been recorded.\n".to_owned()) };
    let heads = COLUMNS.map(|shape| match shape {
        _ if shape == FEW_OUT.0 => "`outstanding`, 64 k".to_owned(),
        _ => format!("`{shape}`"),
    });
    let mut text = format!("| | {} |\n|---|{}\n", heads.join(" | "), "--:|".repeat(heads.len()));
    for (what, name, before) in STEPS {
        let cell = |shape| {
            let Some(ns) = record.ns(name, shape, BULK) else { return String::new() };
            let times = before.and_then(|before| record.ns(before, shape, BULK));
            figure(ns)
                + &times.map(|before| format!(" ({})", multiple(ns / before))).unwrap_or_default()
        };
        writeln!(text, "| {what} | {} |", COLUMNS.map(cell).join(" | "))?;
    }
    let [whole, sampled] = [("Hardened", "poison-floor"), ("Hardened/16", "claim-floor/16")]
        .map(|(name, floor)| of_floor(record, name, floor));
    let said = format!(
        "These are medians of one run, on {}. `Hardened` took {whole} of `poison-floor`, and with \
         `poison_every(16)` {sampled} of `claim-floor/16`.",
        machine(&record.meta)
    );
    Ok(format!("{text}\n{}", wrapped(&said, "", "")))
}

/// The least and the most that somebody took of a floor.
fn of_floor(record: &Earlier, name: &str, floor: &str) -> String {
    let share = |shape| Some(record.ns(name, shape, BULK)? / record.ns(floor, shape, BULK)?);
    let mut shares: Vec<f64> = COLUMNS.into_iter().filter_map(share).collect();
    shares.sort_by(f64::total_cmp);
    match &shares[..] {
        [least, .., most] => format!("{least:.2} to {most:.2}"),
        _ => "no known share".to_owned(),
    }
}

fn multiple(times: f64) -> String {
    match times {
        ..2.0 => format!("{times:.2}"),
        ..10.0 => format!("{times:.1}"),
        _ => format!("{times:.0}"),
    }
}
