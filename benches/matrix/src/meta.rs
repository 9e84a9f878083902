//! Where and how the figures were got.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;

use crate::clock::{self, Cores};
use crate::measure::Results;
use crate::partner::Partner;

/// The round trip below which two cores are near.
const NEAR: f64 = 200.0;

/// What a run says of itself.
#[derive(Default, Serialize)]
pub struct Meta {
    command: String,
    machine: String,
    cores: usize,
    rustc: String,
    commit: String,
    unix_time: u64,
    pub cycles_per_ns: Option<f64>,
    line_round_trip_ns: Option<f64>,
    near: Option<bool>,
    kept: f64,
    seconds: f64,
    /// What was asked for and could not be measured, and why.
    pub left_out: Vec<String>,
}

impl Meta {
    /// Notes what is known at the start. `program` is what the user called.
    pub fn read(program: &str, count: usize, cores: Cores, partner: &Partner) -> Self {
        let trip = clock::line_round_trip(cores, partner);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let args = std::env::args().skip(1);
        Meta {
            command: std::iter::once(program.to_owned()).chain(args).collect::<Vec<_>>().join(" "),
            machine: machine(),
            cores: count,
            rustc: said("rustc", &["--version"]),
            commit: said("git", &["rev-parse", "--short", "HEAD"]),
            unix_time: now.map_or(0, |time| time.as_secs()),
            cycles_per_ns: clock::cycles_per_ns(),
            line_round_trip_ns: trip,
            near: trip.map(|ns| ns < NEAR),
            kept: 0.0,
            seconds: 0.0,
            left_out: Vec::new(),
        }
    }

    /// Notes what is known at the end.
    pub fn finish(&mut self, took: Duration, results: &Results) {
        let rows = &results.rows;
        self.left_out.extend_from_slice(&results.left_out);
        self.seconds = took.as_secs_f64();
        self.kept = rows.iter().map(|row| row.figures.kept).sum::<f64>() / rows.len() as f64;
    }

    /// What the user called.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What is known at the end, in a line.
    pub fn ending(&self) -> String {
        format!(
            "{:.0} % of the samples were undisturbed and kept; {:.0} s.",
            self.kept * 100.0,
            self.seconds
        )
    }
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} cores; {}; commit {}",
            self.machine, self.cores, self.rustc, self.commit
        )?;
        let Some(ns) = self.line_round_trip_ns else {
            return write!(f, "One core: figures of two threads mean little.");
        };
        let far = if self.near == Some(true) { "near" } else { "far" };
        write!(f, "A cache line takes {ns:.0} ns to the other core and back: {far}.")
    }
}

/// The processor's name.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    name.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// The memory that can be had, in GB, where the system says so.
pub fn available_gigabytes() -> Option<f64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e9)
}

/// What a program says, or `unknown`.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok().filter(|it| it.status.success());
    let said = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    said.unwrap_or_else(|| "unknown".to_owned())
}
