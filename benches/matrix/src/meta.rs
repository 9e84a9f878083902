//! Where and how the figures were got.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;

use crate::clock::{self, Cores};
use crate::shapes::Row;

/// The round trip below which two cores are near.
const NEAR: f64 = 200.0;

#[derive(Serialize)]
pub struct Meta {
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
}

impl Meta {
    pub fn read(count: usize, cores: Cores) -> Self {
        let trip = clock::line_round_trip(cores);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Meta {
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
        }
    }

    /// Notes what is known at the end.
    pub fn finish(&mut self, took: Duration, rows: &[Row]) {
        self.seconds = took.as_secs_f64();
        self.kept = rows.iter().map(|row| row.figures.kept).sum::<f64>() / rows.len() as f64;
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

/// What a program says, or `unknown`.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok().filter(|it| it.status.success());
    let said = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    said.unwrap_or_else(|| "unknown".to_owned())
}
