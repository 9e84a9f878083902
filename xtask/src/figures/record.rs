//! The file of figures: what was measured, how long was fuzzed, and what was counted.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ladder;
use super::parts::POOLS;
use super::proof::Proof;
use super::{FIGURES, OUT};

/// Who is shown, as the matrix names them.
pub const SHOWN: [&str; 21] = [
    "Bare",
    "NoChecks",
    "NoRefcount",
    "NoStats",
    "Compact",
    "Checked",
    "Hardened",
    "driver-lifo",
    "single",
    "rte_mempool ring",
    "rte_pktmbuf",
    "Mutex<Vec>",
    "Mutex<Vec<Box>>",
    "ArrayQueue",
    "snmalloc",
    "mimalloc",
    "jemalloc",
    "malloc",
    "aligned_alloc",
    "copy-floor",
    "ring-only",
];

/// Who waits, as the matrix names them.
pub const WAITERS: [&str; 3] = ["Bare-async", "async", "deadpool"];

/// The sizes at which everybody is shown, in pages to a call, and those at which the project itself is.
pub const BULKS: [u64; 2] = [1, 64];
const OWN_BULKS: [u64; 6] = [1, 4, 8, 16, 64, 256];

/// How many pages are out where many are.
pub const MANY: u64 = 1 << 20;

/// `outstanding` with fewer pages out, where the ladder of hardening is climbed: its name in documents.
pub const FEW_OUT: (&str, u64) = ("outstanding_64k", 1 << 16);

/// All figures.
#[derive(Serialize, Deserialize)]
pub struct Record {
    /// What the run says of itself.
    pub meta: Meta,
    /// What it measured.
    pub rows: Vec<Row>,
    /// What was measured once more, by runs of their own.
    #[serde(default)]
    pub again: Vec<Again>,
    /// What was recorded on another machine before, where rivals are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Earlier>,
    /// The ladder of hardening, which `cargo xtask matrix` climbs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Earlier>,
    /// All fuzzing that was recorded.
    #[serde(default)]
    pub fuzz: Fuzz,
    /// What was counted.
    #[serde(default)]
    pub proof: Proof,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Meta {
    pub machine: String,
    pub cores: usize,
    pub rustc: String,
    pub commit: String,
    pub unix_time: u64,
    /// Whether it was a run with few rounds.
    #[serde(default)]
    pub quick: bool,
    pub kept: f64,
}

/// A run that measured some shapes once more: because others had disturbed them, or the cores had moved apart.
#[derive(Serialize, Deserialize)]
pub struct Again {
    pub shapes: Vec<String>,
    pub meta: Meta,
}

/// A run of its own, on this machine or another.
#[derive(Serialize, Deserialize)]
pub struct Earlier {
    pub meta: Meta,
    pub rows: Vec<Row>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Row {
    pub shape: String,
    pub bulk: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<u64>,
    pub order: String,
    pub touched: bool,
    pub colour: bool,
    pub contender: String,
    pub kind: String,
    pub ns: f64,
    /// Ns that a cache line took from one thread to the other and back meanwhile, where there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_round_trip_ns: Option<f64>,
}

/// How long all targets together ran, and on how many inputs.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Fuzz {
    pub seconds: u64,
    pub inputs: u64,
}

impl Record {
    /// The figures as they are.
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string(FIGURES).context(FIGURES)?;
        Self::parse(&text)
    }

    /// The figures of a text.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).with_context(|| format!("{FIGURES} is not as it was written"))
    }

    /// What is shown of a run of the matrix with rivals.
    pub fn of_run(text: &str) -> Result<Self> {
        let run: Value = serde_json::from_str(text).context("not a run of the matrix")?;
        let quick = run["meta"]["command"].as_str().is_some_and(|it| it.contains(" --quick"));
        let mut record: Record = serde_json::from_value(run).context("not a run of the matrix")?;
        for row in &mut record.rows {
            row.ns = (row.ns * 1000.0).round() / 1000.0;
            row.line_round_trip_ns = row.line_round_trip_ns.map(f64::round);
        }
        record.meta.quick = quick;
        record.meta.kept = (record.meta.kept * 100.0).round() / 100.0;
        let rows: Vec<_> = record.rows.iter().filter(|row| row.is_of_ladder()).cloned().collect();
        if rows.iter().any(|row| ladder::is_step(&row.contender)) {
            record.ladder = Some(Earlier { meta: record.meta.clone(), rows });
        }
        record.rows.retain(Row::is_shown);
        Ok(record)
    }

    /// Takes the shapes of a later run in place of its own.
    pub fn replace(&mut self, other: Record) {
        let Record { meta, rows, ladder, .. } = other;
        self.ladder = ladder.or(self.ladder.take());
        // Of the matrix, which measures all of a shape.
        let mut shapes: Vec<_> = rows.iter().map(|row| row.shape.clone()).collect();
        shapes.dedup();
        self.rows.retain(|row| !shapes.contains(&row.shape));
        self.rows.extend(rows);
        self.again.push(Again { shapes, meta });
    }

    /// An error if somebody is missing who is shown.
    pub fn whole(self) -> Result<Self> {
        let there = |name: &&str| self.rows.iter().any(|row| row.contender == **name);
        let absent: Vec<_> = SHOWN.iter().filter(|name| !there(name)).collect();
        ensure!(absent.is_empty(), "the run has no figures of {absent:?}");
        Ok(self)
    }

    /// How long a cache line took meanwhile, where two threads took part.
    pub fn line(&self, shape: &str, bulk: u64) -> Option<f64> {
        line(&self.rows, shape, bulk)
    }

    /// The figure of somebody, if there is one; where many pages are out in a shape, with [`MANY`].
    pub fn ns(&self, contender: &str, shape: &str, bulk: u64) -> Option<f64> {
        find(&self.rows, contender, shape, bulk)
    }

    /// This record in place of another: what that says of fuzzing stays, and so does what it measured where rivals
    /// are, if it was on another machine.
    pub fn after(self, other: Record) -> Self {
        let Record { meta, mut rows, before, ladder, fuzz, .. } = other;
        let ladder = self.ladder.or(ladder);
        if meta.machine == self.meta.machine {
            return Record { fuzz, before, ladder, ..self };
        }
        rows.retain(|row| BULKS.contains(&row.bulk));
        Record { fuzz, before: Some(Earlier { meta, rows }), ladder, ..self }
    }

    /// Writes the file: a line for each row.
    pub fn write(&self) -> Result<()> {
        let mut text = String::from("{\n");
        writeln!(text, "  \"meta\": {},", serde_json::to_string(&self.meta)?)?;
        writeln!(text, "  \"again\": {},", serde_json::to_string(&self.again)?)?;
        writeln!(text, "  \"fuzz\": {},", serde_json::to_string(&self.fuzz)?)?;
        writeln!(text, "  \"proof\": {},", serde_json::to_string(&self.proof)?)?;
        let others = [("before", &self.before), ("ladder", &self.ladder)];
        for (name, of) in others {
            let Some(Earlier { meta, rows }) = of else { continue };
            let meta = serde_json::to_string(meta)?;
            writeln!(
                text,
                "  \"{name}\": {{\"meta\": {meta}, \"rows\": [\n{}\n  ]}},",
                lines(rows)?
            )?;
        }
        writeln!(text, "  \"rows\": [\n{}\n  ]\n}}", lines(&self.rows)?)?;
        std::fs::write(FIGURES, text).context(FIGURES)
    }
}

impl Earlier {
    /// As [`Record::ns`].
    pub fn ns(&self, contender: &str, shape: &str, bulk: u64) -> Option<f64> {
        find(&self.rows, contender, shape, bulk)
    }

    /// As [`Record::line`].
    pub fn line(&self, shape: &str, bulk: u64) -> Option<f64> {
        line(&self.rows, shape, bulk)
    }
}

fn find(rows: &[Row], contender: &str, shape: &str, bulk: u64) -> Option<f64> {
    let wanted = (contender, shape, bulk);
    let found = rows.iter().find(|row| (&*row.contender, row.shape(), row.bulk) == wanted);
    Some(found?.ns)
}

/// Ns that a cache line took while a shape was measured, if two threads take part.
fn line(rows: &[Row], shape: &str, bulk: u64) -> Option<f64> {
    let mut rows = rows.iter().filter(|row| (row.shape(), row.bulk) == (shape, bulk));
    rows.find_map(|row| row.line_round_trip_ns)
}

/// Each row in a line of its own.
fn lines(rows: &[Row]) -> Result<String> {
    let lines = rows.iter().map(|row| Ok(format!("    {}", serde_json::to_string(row)?)));
    Ok(lines.collect::<Result<Vec<_>>>()?.join(",\n"))
}

impl Row {
    /// The shape, by the name that documents give it.
    pub fn shape(&self) -> &str {
        match (&*self.shape, self.out) {
            ("two_threads", Some(out)) if out == OUT.1 => OUT.0,
            ("outstanding", Some(out)) if out == FEW_OUT.1 => FEW_OUT.0,
            (shape, _) => shape,
        }
    }

    fn is_plain(&self) -> bool {
        !self.touched && !self.colour && self.order == "scattered"
    }

    fn is_of_ladder(&self) -> bool {
        let named = ["Checked", "Hardened"].contains(&&*self.contender);
        let at = ladder::COLUMNS.contains(&self.shape()) && self.bulk == ladder::BULK;
        self.is_plain() && at && (named || ladder::is_step(&self.contender))
    }

    fn is_shown(&self) -> bool {
        let (shape, size) = (&*self.shape, self.bulk);
        let many = matches!(shape, "outstanding" | "outstanding_random").then_some(MANY);
        let sizes: &[u64] = if self.kind == "rival" { &BULKS } else { &OWN_BULKS };
        self.is_plain()
            && (self.out == many || self.shape() == OUT.0)
            && super::SHAPES.contains(&shape)
            && sizes.contains(&size)
            && is_named(&self.contender)
    }
}

/// Whether somebody is shown. A run may be older than pools and waiters.
fn is_named(contender: &str) -> bool {
    let pools = POOLS.iter().map(|(name, _)| name);
    SHOWN.iter().chain(&WAITERS).chain(pools).any(|name| *name == contender)
}

/// Adds a run of the fuzz targets to the record.
pub fn record_fuzzing(seconds: u64, inputs: u64) -> Result<()> {
    let mut record = Record::read()?;
    record.fuzz.seconds += seconds;
    record.fuzz.inputs += inputs;
    record.write()
}
