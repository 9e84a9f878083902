//! The parts of documents that are made from the figures.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::record::{Meta, Record};
use super::{bounds, faster, ladder, machines, prices};
use crate::section::Section;

/// A part, and what it says.
pub struct Part {
    pub section: Section,
    pub text: fn(&Record) -> Result<String>,
}

pub const PARTS: [Part; 9] = [
    Part { section: Section { file: "README.md", name: "rivals" }, text: rivals },
    Part { section: Section { file: "README.md", name: "faster" }, text: faster::shown },
    Part { section: Section { file: "README.md", name: "proof" }, text: proof },
    Part { section: Section { file: "features.md", name: "prices" }, text: prices::prices },
    Part { section: Section { file: "features.md", name: "ladder" }, text: ladder::ladder },
    Part { section: Section { file: "features.md", name: "beside" }, text: prices::beside },
    Part { section: Section { file: "features.md", name: "faster" }, text: faster::all },
    Part { section: Section { file: "docs/performance.md", name: "bounds" }, text: bounds::bounds },
    Part {
        section: Section { file: "docs/performance.md", name: "machines" },
        text: machines::machines,
    },
];

/// A column: what stands above it, the shape, and the pages to a call.
pub const COLUMNS: [(&str, &str, u64); 5] = [
    ("1 a call", "hot_pair", 1),
    ("64 a call", "hot_pair", 64),
    ("64, and 2,048 out", "keep_2048", 64),
    ("64, two threads", "two_threads", 64),
    ("64, thread to thread", "pipe", 64),
];

/// Those of the project in the table, and the others with what a reader calls them.
const OURS: [&str; 3] = ["Bare", "Checked", "Hardened"];
pub const OTHERS: [(&str, &str); 10] = [
    ("Mutex<Vec<Box>>", "`Mutex<Vec<Box<[u8]>>>`, a lock a buffer"),
    ("Mutex<Vec>", "`Mutex<Vec<u32>>`, a lock a call"),
    ("ArrayQueue", "`ArrayQueue<u32>`"),
    ("rte_mempool ring", "DPDK `rte_mempool`"),
    ("rte_pktmbuf", "DPDK `rte_pktmbuf`"),
    ("malloc", "`malloc(4096)` of glibc: a `Vec<u8>`"),
    ("aligned_alloc", "`aligned_alloc` of glibc"),
    ("mimalloc", "mimalloc"),
    ("jemalloc", "jemalloc"),
    ("snmalloc", "snmalloc"),
];

/// Pools of the registry: shown where a record has them, which may be older than they are here.
pub const POOLS: [(&str, &str); 7] = [
    ("buffer-pool", "`buffer-pool`"),
    ("object-pool", "`object-pool`"),
    ("opool", "`opool`"),
    ("lockfree-object-pool", "`lockfree-object-pool`"),
    ("zeropool", "`zeropool`"),
    ("BytesMut", "`BytesMut`, split off one block"),
    ("deadpool", "`deadpool`"),
];

const COLUMNS_OF_PROSE: usize = 100;

/// The table of rivals, and where the figures are from.
fn rivals(record: &Record) -> Result<String> {
    let mut text = String::from("| ns per page |");
    COLUMNS.iter().try_for_each(|(head, ..)| write!(text, " {head} |"))?;
    writeln!(text, "\n|---|{}", "--:|".repeat(COLUMNS.len()))?;
    let ours = OURS.map(|name| {
        let default = if name == "Checked" { ", the default" } else { "" };
        (name, format!("**pagesheaf** `{name}`{default}"))
    });
    let others = OTHERS.map(|(name, shown)| (name, shown.to_owned()));
    let floor = ("copy-floor", "no allocator: `memcpy` of the ids out and back".to_owned());
    for (name, shown) in ours.into_iter().chain(others).chain([floor]) {
        write!(text, "| {shown} |")?;
        for (_, shape, bulk) in COLUMNS {
            // Of the two floors, the pipe has the other.
            let name = if (name, shape) == ("copy-floor", "pipe") { "ring-only" } else { name };
            write!(text, " {} |", figure(of(record, name, shape, bulk)?))?;
        }
        text.push('\n');
    }
    let lines = COLUMNS.iter().filter_map(|(head, shape, bulk)| {
        let line = record.line(shape, *bulk)?;
        Some(format!("{line:.0} ns in *{head}*"))
    });
    let lines: Vec<_> = lines.collect();
    let lines = match &lines[..] {
        [] => String::new(),
        lines => {
            format!(" A cache line took, to the other core and back, {}.", lines.join(" and "))
        }
    };
    let columns = COLUMNS.map(|(head, shape, _)| (shape, format!("*{head}*")));
    let before = record.before.as_ref().map_or(
        "",
        |_| " [Another machine](docs/performance.md#two-machines) has other orders in places.",
    );
    let said = format!(
        "Allocated and freed, contents untouched: {}{lines} The last row calls `memcpy` for a \
         single id too, and a pool does not.{before}",
        origin(record, &columns)
    );
    Ok(format!("{text}\n{}", wrapped(&said, "", "")))
}

/// Where the figures of these shapes come from, in sentences; each shape with what its reader calls it.
pub fn origin(record: &Record, shown: &[(&str, String)]) -> String {
    let of = |meta: &Meta, left_out: &str| {
        let kept = meta.kept * 100.0;
        format!("on {} ({kept:.0} % of the samples undisturbed{left_out})", machine(meta))
    };
    let quick = if record.meta.quick { " --quick" } else { "" };
    let mut text = format!(
        "medians of one run of `cargo xtask peers{quick}`, which measures all in turn, {}.",
        of(&record.meta, ", the others left out")
    );
    for again in &record.again {
        let again_there =
            shown.iter().filter(|(shape, _)| again.shapes.iter().any(|it| it == shape));
        let shapes: Vec<_> = again_there.map(|(_, shown)| &**shown).collect();
        let are = match shapes.len() {
            0 => continue,
            1 => "is",
            _ => "are",
        };
        text += &format!(" {} {are} of a later run", shapes.join(" and "));
        let same = |of: fn(&Meta) -> &str| of(&again.meta) == of(&record.meta);
        if !(same(|it| &it.machine) && same(|it| &it.rustc) && same(|it| &it.commit)) {
            text += &format!(", {}", of(&again.meta, ""));
        }
        text.push('.');
    }
    text
}

/// The machine, the compiler, the day and the commit of a run.
pub fn machine(meta: &Meta) -> String {
    let Meta { machine, cores, rustc, unix_time, commit, .. } = meta;
    let rustc = rustc.split(" (").next().unwrap_or_default();
    format!("{machine}, {cores} cores, {rustc}, {}, commit {commit}", day(*unix_time))
}

/// What was counted and tried, in a sentence.
fn proof(record: &Record) -> Result<String> {
    let it = &record.proof;
    let fuzzed = match record.fuzz.seconds {
        0 => "no hours of fuzzing recorded yet".to_owned(),
        seconds => {
            let (hours, inputs) = (seconds as f64 / 3600.0, grouped(record.fuzz.inputs));
            format!("{hours:.2} hours of fuzzing recorded ({inputs} inputs)")
        }
    };
    let share = it.mutants_found as f64 / it.mutants as f64 * 100.0;
    let said = format!(
        "{} loom models in {} combinations with modes; {} planted defects, each caught by a model; \
         {} misuses tried in {} modes; {} of {} mutants of a sample found \
         ({share:.1} %, {}; [what came of the others](docs/testing.md#results)); {fuzzed}.",
        it.models,
        it.model_trials,
        it.defects,
        it.misuses,
        it.misuse_modes,
        it.mutants_found,
        it.mutants,
        it.mutants_tried
    );
    Ok(wrapped(&said, "", ""))
}

/// The figure of somebody; an error if there is none.
pub fn of(record: &Record, name: &str, shape: &str, bulk: u64) -> Result<f64> {
    let found = record.ns(name, shape, bulk);
    found.with_context(|| format!("there is no figure of {name} in {shape} at {bulk}"))
}

/// A number with as many digits as mean something.
pub fn figure(ns: f64) -> String {
    match ns {
        ..10.0 => format!("{ns:.2}"),
        ..100.0 => format!("{ns:.1}"),
        _ => format!("{ns:.0}"),
    }
}

/// A number with commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |at: usize| if at > 0 && (digits.len() - at).is_multiple_of(3) { "," } else { "" };
    digits.chars().enumerate().map(|(at, digit)| format!("{}{digit}", comma(at))).collect()
}

fn day(unix_time: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_time);
    let time = humantime::format_rfc3339_seconds(time).to_string();
    time.split('T').next().unwrap_or_default().to_owned()
}

/// A paragraph of lines that are not too wide: what the first starts with, and what the others do.
pub fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = vec![first.to_owned()];
    let mut empty = true;
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        let width = line.chars().count() + word.chars().count() + usize::from(!empty);
        if !empty && width > COLUMNS_OF_PROSE {
            lines.push(format!("{rest}{word}"));
        } else {
            *line += if empty { "" } else { " " };
            *line += word;
            empty = false;
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped() {
        let words = vec!["four"; 50].join(" ");
        let text = wrapped(&words, "- ", "  ");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS_OF_PROSE));
        assert_eq!((text.lines().count(), text.matches("four").count()), (3, 50));
        assert!(text.starts_with("- four four") && text.contains("\n  four"), "{text}");
    }

    #[test]
    fn shapes_of_later_runs_are_told_by_the_readers_names() {
        let meta = |commit: &str| {
            format!(
                r#"{{"machine": "M", "cores": 2, "rustc": "rustc 1.95.0 (x)", "commit": "{commit}",
                "unix_time": 0, "kept": 0.89}}"#
            )
        };
        let (first, other) = (meta("a"), meta("b"));
        let again = format!(
            r#"[{{"shapes": ["pipe"], "meta": {first}}}, {{"shapes": ["x", "y"], "meta": {other}}}]"#
        );
        let text = format!(r#"{{"meta": {first}, "again": {again}, "rows": []}}"#);
        let record = Record::parse(&text).expect("figures");
        let first = "medians of one run of `cargo xtask peers`, which measures all in turn, on M, \
            2 cores, rustc 1.95.0, 1970-01-01, commit a (89 % of the samples undisturbed, the \
            others left out).";
        let shown = |shapes: &[&str]| {
            let named: Vec<_> = shapes.iter().map(|shape| (*shape, format!("*{shape}*"))).collect();
            origin(&record, &named)
        };
        assert_eq!(shown(&["hot"]), first);
        assert_eq!(shown(&["hot", "pipe"]), format!("{first} *pipe* is of a later run."));
        // In the order of those that are shown.
        let both = "*y* and *x* are of a later run, on M, 2 cores, rustc 1.95.0, 1970-01-01, commit b \
            (89 % of the samples undisturbed).";
        assert_eq!(shown(&["y", "x"]), format!("{first} {both}"));
    }

    #[test]
    fn numbers_are_told_as_people_write_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.123, 12.34, 1234.5].map(figure), ["0.12", "12.3", "1234"]);
        assert_eq!(day(1_484_000_000), "2017-01-09");
    }
}
