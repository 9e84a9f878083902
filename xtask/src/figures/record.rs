//! The file of figures: what was measured, how long was fuzzed, and what was counted.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FIGURES;
use super::proof::Proof;

/// Who is shown, as the matrix names them.
pub const SHOWN: [&str; 18] = [
    "Bare",
    "NoChecks",
    "NoRefcount",
    "NoStats",
    "Checked",
    "Hardened",
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

/// The sizes that are shown, in pages to a call.
const BULKS: [u64; 2] = [1, 64];

/// All figures.
#[derive(Serialize, Deserialize)]
pub struct Record {
    /// What the run says of itself.
    pub meta: Meta,
    /// What it measured.
    pub rows: Vec<Row>,
    /// All fuzzing that was recorded.
    #[serde(default)]
    pub fuzz: Fuzz,
    /// What was counted.
    #[serde(default)]
    pub proof: Proof,
}

#[derive(Serialize, Deserialize)]
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
    /// Ns that a cache line took to the other core and back, at the start and at the end.
    pub line_round_trip_ns: Option<f64>,
    pub line_round_trip_end_ns: Option<f64>,
}

#[derive(Serialize, Deserialize)]
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
        record.rows.retain(Row::is_shown);
        record.rows.iter_mut().for_each(|row| row.ns = (row.ns * 1000.0).round() / 1000.0);
        record.meta.quick = quick;
        record.meta.kept = (record.meta.kept * 100.0).round() / 100.0;
        let there = |name: &&str| record.rows.iter().any(|row| row.contender == **name);
        let absent: Vec<_> = SHOWN.iter().filter(|name| !there(name)).collect();
        ensure!(absent.is_empty(), "the run has no figures of {absent:?}");
        Ok(record)
    }

    /// The figure of somebody, if there is one.
    pub fn ns(&self, contender: &str, shape: &str, bulk: u64) -> Option<f64> {
        let mut rows = self.rows.iter();
        let found = rows.find(|row| {
            (&*row.contender, &*row.shape, row.bulk, row.out) == (contender, shape, bulk, None)
        });
        Some(found?.ns)
    }

    /// Writes the file: a line for each row.
    pub fn write(&self) -> Result<()> {
        let mut text = String::from("{\n");
        writeln!(text, "  \"meta\": {},", serde_json::to_string(&self.meta)?)?;
        writeln!(text, "  \"fuzz\": {},", serde_json::to_string(&self.fuzz)?)?;
        writeln!(text, "  \"proof\": {},", serde_json::to_string(&self.proof)?)?;
        let rows = self.rows.iter().map(|row| Ok(format!("    {}", serde_json::to_string(row)?)));
        let rows: Vec<_> = rows.collect::<Result<_>>()?;
        writeln!(text, "  \"rows\": [\n{}\n  ]\n}}", rows.join(",\n"))?;
        std::fs::write(FIGURES, text).context(FIGURES)
    }
}

impl Row {
    fn is_shown(&self) -> bool {
        let plain = !self.touched && !self.colour && self.order == "scattered";
        let (shape, size) = (&*self.shape, self.bulk);
        plain
            && self.out.is_none()
            && super::SHAPES.contains(&shape)
            && BULKS.contains(&size)
            && SHOWN.contains(&&*self.contender)
    }
}

/// Adds a run of the fuzz targets to the record.
pub fn record_fuzzing(seconds: u64, inputs: u64) -> Result<()> {
    let mut record = Record::read()?;
    record.fuzz.seconds += seconds;
    record.fuzz.inputs += inputs;
    record.write()
}
