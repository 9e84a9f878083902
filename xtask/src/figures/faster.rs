//! Where others are faster than the project: the lists of README.md and of features.md.

use std::fmt::Write as _;

use anyhow::Result;

use super::parts::{COLUMNS, OTHERS, POOLS, figure, of, wrapped};
use super::rank;
use super::record::Record;

/// The modes that others are compared with, each in a table of features.md.
pub const OURS: [&str; 2] = ["Bare", "Checked"];

/// Who is no rival, because nobody can use it in place of a pool, and is still compared.
pub const RECYCLER: (&str, &str) = ("driver-lifo", "`driver-lifo`");

/// Of the columns of README.md, a line for each rival.
pub fn shown(record: &Record) -> Result<String> {
    let mut text = String::new();
    for (name, shown) in OTHERS.into_iter().chain(POOLS) {
        let mut places = Vec::new();
        for (head, shape, bulk) in COLUMNS {
            let Some(theirs) = record.ns(name, shape, bulk) else { continue };
            let [bare, checked] =
                [of(record, "Bare", shape, bulk)?, of(record, "Checked", shape, bulk)?];
            if theirs < checked {
                let also = if theirs < bare {
                    format!(", `Bare` {}", figure(bare))
                } else {
                    String::new()
                };
                places.push(format!(
                    "*{head}* ({} against {}{also})",
                    figure(theirs),
                    figure(checked)
                ));
            }
        }
        if !places.is_empty() {
            text += &wrapped(&format!("{shown}: {}", places.join("; ")), "- ", "  ");
        }
    }
    if text.is_empty() {
        text += "- Nobody, in this table.\n";
    }
    Ok(text)
}

/// Of all that is recorded, a table for each of our modes, with a line for each shape and size.
pub fn all(record: &Record) -> Result<String> {
    let mut text = String::new();
    for ours in OURS {
        let places: Vec<_> = places(record, ours).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        if places.is_empty() {
            writeln!(text, "Nobody is faster than `{ours}`.")?;
            continue;
        }
        writeln!(text, "Faster than `{ours}`:\n\n| shape | n | `{ours}` | who is faster |")?;
        writeln!(text, "|---|--:|--:|---|")?;
        for Place { shape, bulk, ns, others } in places {
            let others: Vec<_> =
                others.iter().map(|(name, ns)| format!("{name}: {}", figure(*ns))).collect();
            writeln!(text, "| `{shape}` | {bulk} | {} | {} |", figure(ns), others.join("; "))?;
        }
    }
    Ok(text)
}

/// A shape and size in which somebody is faster.
struct Place<'a> {
    shape: &'a str,
    bulk: u64,
    /// Our figure.
    ns: f64,
    /// Who is faster, the fastest first.
    others: Vec<(&'static str, f64)>,
}

/// All places where somebody is faster than one of our modes, in the order of the shapes.
fn places<'a>(record: &'a Record, ours: &str) -> impl Iterator<Item = Place<'a>> {
    let mut own: Vec<_> = record.rows.iter().filter(|row| row.contender == ours).collect();
    own.sort_by_key(|row| (rank(row.shape()), row.out, row.bulk));
    own.into_iter().filter_map(|row| {
        let (shape, bulk, ns) = (row.shape(), row.bulk, row.ns);
        let others = OTHERS.into_iter().chain(POOLS).chain([RECYCLER]);
        let of = |(name, shown)| Some((shown, record.ns(name, shape, bulk)?));
        let mut others: Vec<_> = others.filter_map(of).filter(|(_, theirs)| *theirs < ns).collect();
        others.sort_by(|one, other| one.1.total_cmp(&other.1));
        (!others.is_empty()).then_some(Place { shape, bulk, ns, others })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of these figures: who, in which shape, at which size, how many ns.
    fn record(figures: &[(&str, &str, u64, f64)]) -> Record {
        let rows: Vec<_> = figures
            .iter()
            .map(|(name, shape, bulk, ns)| {
                format!(
                    r#"{{"shape": "{shape}", "bulk": {bulk}, "order": "scattered", "touched": false,
                    "colour": false, "contender": "{name}", "kind": "mode", "ns": {ns}}}"#
                )
            })
            .collect();
        let meta = r#"{"machine": "a", "cores": 2, "rustc": "r", "commit": "c", "unix_time": 0, "kept": 1.0}"#;
        Record::parse(&format!(r#"{{"meta": {meta}, "rows": [{}]}}"#, rows.join(", ")))
            .expect("figures")
    }

    #[test]
    fn every_place_where_others_are_faster_is_listed() {
        let record = record(&[
            ("Checked", "random", 64, 3.0),
            ("Bare", "random", 64, 2.0),
            ("Checked", "hot_pair", 64, 3.0),
            ("Checked", "hot_pair", 1, 5.0),
            ("ArrayQueue", "hot_pair", 64, 2.5),
            ("Mutex<Vec>", "hot_pair", 64, 1.0),
            ("driver-lifo", "hot_pair", 1, 4.5),
            // As fast is not faster, and what has no allocator is not compared.
            ("malloc", "random", 64, 3.0),
            ("copy-floor", "random", 64, 0.1),
        ]);
        let text = all(&record).expect("tables");
        let expected = "Nobody is faster than `Bare`.\n\nFaster than `Checked`:\n\n\
            | shape | n | `Checked` | who is faster |\n|---|--:|--:|---|\n\
            | `hot_pair` | 1 | 5.00 | `driver-lifo`: 4.50 |\n\
            | `hot_pair` | 64 | 3.00 | `Mutex<Vec<u32>>`, a lock a call: 1.00; `ArrayQueue<u32>`: 2.50 |\n";
        assert_eq!(text, expected);
    }

    /// Counted in another way: from each row of a rival.
    #[test]
    fn the_tables_have_every_rival_of_the_recorded_figures() {
        let text = std::fs::read_to_string(crate::run::root().join(crate::figures::FIGURES));
        let record = Record::parse(&text.expect("a file")).expect("figures");
        for ours in OURS {
            let faster = record.rows.iter().filter(|row| {
                let compared = row.kind == "rival" || row.contender == RECYCLER.0;
                let ns = record.ns(ours, row.shape(), row.bulk);
                compared && ns.is_some_and(|ns| row.ns < ns)
            });
            let listed: usize = places(&record, ours).map(|place| place.others.len()).sum();
            assert_eq!(faster.count(), listed, "{ours}");
        }
    }

    #[test]
    fn readme_says_if_nobody_is_faster() {
        let names = ["Bare", "Checked"].into_iter().chain(OTHERS.map(|(name, _)| name));
        let figures = |theirs: f64| {
            let of = |name| COLUMNS.map(|(_, shape, bulk)| (name, shape, bulk, ns(name, theirs)));
            names.clone().flat_map(of).collect::<Vec<_>>()
        };
        fn ns(name: &str, theirs: f64) -> f64 {
            match name {
                "Bare" => 1.0,
                "Checked" => 2.0,
                _ => theirs,
            }
        }
        assert_eq!(shown(&record(&figures(3.0))).expect("a line"), "- Nobody, in this table.\n");
        let text = shown(&record(&figures(0.5))).expect("lines");
        assert!(text.contains("*1 a call* (0.50 against 2.00, `Bare` 1.00)"), "{text}");
    }
}
