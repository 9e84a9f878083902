//! What was aimed at in times, and what the recorded run has: the first table of bounds in `docs/performance.md`.

use std::fmt::Write as _;

use anyhow::Result;

use super::parts::{OTHERS, POOLS, figure, of, origin, wrapped};
use super::record::Record;

/// Who, in which shape.
type Cell = (&'static str, &'static str);

/// A bound, of one of ours.
enum Most {
    /// So many times another figure, at each of these sizes.
    Times(f64, Cell, &'static [u64]),
    /// So many ns more than another figure, at 64 pages a call.
    More(f64, Cell),
    /// So many ns at this size.
    Ns(f64, u64),
    /// No more than any rival, at these sizes.
    Rivals(&'static [u64]),
}
use Most::{More, Ns, Rivals, Times};

/// Who is bounded, by what, and where it is said what stands against it.
struct Bound {
    own: Cell,
    most: Most,
    note: &'static str,
}

const fn bound(own: Cell, most: Most, note: &'static str) -> Bound {
    Bound { own, most, note }
}

const RING: &str = "rte_mempool ring";
const LONG: &str = "[long bulks](#long-bulks-in-bare-over-the-copy-floor)";
const LEAST: &str = "[the least](#the-least-that-membership-takes)";
const MANY: &str = "[a million](#a-million-pages-out-with-checks)";

const BOUNDS: [Bound; 25] = [
    bound(("Bare", "hot_pair"), Times(1.15, ("copy-floor", "hot_pair"), &[8, 16, 64, 256]), LONG),
    bound(("Bare", "hot_pair"), Ns(2.5, 1), "or the copy floor, where that is above"),
    bound(("Bare", "hot_pair"), Times(0.5, (RING, "hot_pair"), &[64]), LONG),
    bound(("Bare", "hot_pair"), Rivals(&[1, 64]), ""),
    bound(("Checked", "hot_pair"), Times(0.6, ("rte_pktmbuf", "hot_pair"), &[64]), ""),
    bound(("Checked", "hot_pair"), More(0.8, ("Bare", "hot_pair")), ""),
    bound(("Checked", "hot_pair"), Times(1.05, ("NoStats", "hot_pair"), &[64, 256]), ""),
    bound(("Bare", "keep_2048"), More(0.4, ("copy-floor", "keep_2048")), ""),
    bound(("Bare", "keep_2048"), Rivals(&[64]), ""),
    bound(("Checked", "keep_2048"), More(1.2, ("Bare", "keep_2048")), LEAST),
    bound(("Checked", "keep_2048"), Times(1.0, (RING, "keep_2048"), &[64]), LEAST),
    bound(("Checked", "keep_2048"), Times(1.0, ("ArrayQueue", "keep_2048"), &[1]), LEAST),
    bound(("single", "keep_2048"), Times(1.0, ("ArrayQueue", "keep_2048"), &[1]), LEAST),
    bound(("Compact", "keep_2048"), Times(1.0, ("ArrayQueue", "keep_2048"), &[1]), ""),
    bound(("Bare", "two_threads"), Times(1.1, ("Bare", "hot_pair"), &[1, 8, 64, 256]), ""),
    bound(("Checked", "two_threads"), Times(1.1, ("Checked", "hot_pair"), &[1, 8, 64, 256]), ""),
    bound(("Bare", "two_threads_2048"), Ns(1.0, 64), ""),
    bound(("Bare", "two_threads_2048"), Rivals(&[64]), ""),
    bound(("Bare", "two_threads_2048"), Times(1.3, ("Bare", "keep_2048"), &[8, 64, 256]), ""),
    bound(("Bare", "pipe"), More(1.0, ("ring-only", "pipe")), ""),
    bound(("Bare", "pipe"), Rivals(&[64]), ""),
    bound(("Bare", "outstanding"), Rivals(&[64]), ""),
    bound(("Checked", "outstanding"), Times(1.5, ("rte_pktmbuf", "outstanding"), &[64]), MANY),
    bound(("Compact", "outstanding_random"), Times(1.5, ("Bare", "outstanding_random"), &[64]), ""),
    bound(("Bare", "random"), Rivals(&[64]), ""),
];

/// The table.
pub fn bounds(record: &Record) -> Result<String> {
    let shapes = super::SHAPES.map(|shape| (shape, format!("`{shape}`")));
    let said = format!("The figures are {}", origin(record, &shapes));
    let mut text = wrapped(&said, "", "");
    writeln!(text, "\n| figure, by pages a call | at most | measured | a cache line | result |")?;
    writeln!(text, "|---|---|---|--:|---|")?;
    for Bound { own, most, note } in &BOUNDS {
        let (name, shape) = *own;
        let (what, limit, measured, holds) = told(record, *own, most)?;
        let lines = sizes(most).iter().filter_map(|&size| record.line(shape, size));
        let lines: Vec<_> = lines.map(|line| format!("{line:.0}")).collect();
        let line = if lines.is_empty() { String::new() } else { lines.join(", ") + " ns" };
        let result = match (holds, note.is_empty()) {
            (true, _) => "reached".to_owned(),
            (false, true) => "missed".to_owned(),
            (false, false) => format!("missed; {note}"),
        };
        writeln!(text, "| `{name}`, `{shape}`{what} | {limit} | {measured} | {line} | {result} |")?;
    }
    Ok(text)
}

/// The sizes of which the distance of the cores is told.
fn sizes(most: &Most) -> &[u64] {
    match most {
        Times(_, _, sizes) | Rivals(sizes) => sizes,
        More(..) => &[64],
        Ns(_, size) => std::slice::from_ref(size),
    }
}

/// What is compared, with what, how it came out, and whether the bound holds.
fn told(
    record: &Record,
    (name, shape): Cell,
    most: &Most,
) -> Result<(String, String, String, bool)> {
    let own = |size| of(record, name, shape, size);
    let beside = |other: &str, theirs: &str| match (other == name, theirs == shape) {
        (true, _) => format!(", over `{theirs}`"),
        (_, true) => format!(", over `{other}`"),
        _ => format!(", over `{other}` in `{theirs}`"),
    };
    let at = |sizes: &[u64]| {
        let sizes: Vec<_> = sizes.iter().map(u64::to_string).collect();
        sizes.join(", ")
    };
    Ok(match most {
        Times(most, (other, theirs), sizes) => {
            let times = |&size: &u64| Ok(own(size)? / of(record, other, theirs, size)?);
            let times: Vec<f64> = sizes.iter().map(times).collect::<Result<_>>()?;
            let shown: Vec<_> = times.iter().map(|it| format!("{it:.2}")).collect();
            (
                format!("{}, at {}", beside(other, theirs), at(sizes)),
                format!("{most} ×"),
                format!("{} ×", shown.join(", ")),
                times.iter().all(|it| it <= most),
            )
        }
        More(most, (other, theirs)) => {
            let more = own(64)? - of(record, other, theirs, 64)?;
            let what = format!("{}, at 64", beside(other, theirs));
            (what, format!("{most} ns more"), format!("{more:.2} ns"), more <= *most)
        }
        Ns(most, size) => {
            let ns = own(*size)?;
            // Nobody is quicker than a copy.
            let floor = record.ns("copy-floor", shape, *size).unwrap_or_default();
            let what = format!(", at {size}");
            let limit = match floor {
                floor if floor > *most => format!("{most} ns, or the copy's {}", figure(floor)),
                _ => format!("{most} ns"),
            };
            (what, limit, format!("{} ns", figure(ns)), ns <= most.max(floor))
        }
        Rivals(sizes) => {
            let below = |&size: &u64| {
                let ns = own(size)?;
                let all = OTHERS.into_iter().chain(POOLS);
                let rivals = all.filter_map(|(rival, shown)| {
                    Some((record.ns(rival, shape, size)?, shown)).filter(|(theirs, _)| *theirs < ns)
                });
                let rivals: Vec<_> =
                    rivals.map(|(ns, shown)| format!("{shown} {} at {size}", figure(ns))).collect();
                Ok(rivals)
            };
            let below: Vec<_> = sizes.iter().map(below).collect::<Result<Vec<_>>>()?.concat();
            let own: Vec<_> = sizes.iter().map(|&size| own(size)).collect::<Result<_>>()?;
            let own: Vec<_> = own.into_iter().map(figure).collect();
            let others = if below.is_empty() { "none".to_owned() } else { below.join("; ") };
            (
                format!(", at {}", at(sizes)),
                "no rival below it".to_owned(),
                format!("{} ns; {others}", own.join(", ")),
                below.is_empty(),
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So the table says of each bound that is missed why, and what stands against it.
    #[test]
    fn each_bound_that_is_missed_has_its_floor_beside_it() {
        let file = crate::run::root().join(super::super::FIGURES);
        let text = std::fs::read_to_string(file).expect("the file");
        let record = Record::parse(&text).expect("the figures");
        for Bound { own, most, note } in &BOUNDS {
            let (what, limit, measured, holds) = told(&record, *own, most).expect("recorded");
            assert!(holds || !note.is_empty(), "{own:?}{what}: {measured}, at most {limit}");
        }
    }

    #[test]
    fn each_bound_names_what_is_recorded_and_is_judged_by_it() {
        let file = crate::run::root().join(super::super::FIGURES);
        let text = std::fs::read_to_string(file).expect("the file");
        let mut record = Record::parse(&text).expect("the figures");
        for Bound { own: cell @ (name, shape), most, .. } in &BOUNDS {
            let mut holds_if_times = |times: f64| {
                let own = record.rows.iter_mut();
                let own = own.filter(|row| row.contender == *name && row.shape() == *shape);
                own.for_each(|row| row.ns *= times);
                let holds = told(&record, *cell, most).expect("recorded").3;
                let own = record.rows.iter_mut();
                let own = own.filter(|row| row.contender == *name && row.shape() == *shape);
                own.for_each(|row| row.ns /= times);
                holds
            };
            assert!(!holds_if_times(1e6), "{name} {shape}: so slow, and still within its bound");
            assert!(holds_if_times(1e-6), "{name} {shape}: so quick, and beyond its bound");
        }
    }
}
