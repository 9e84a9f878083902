//! Where and how the figures were got.

use std::fmt;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::clock::{self, Cores, Distance};
use crate::measure::Results;
use crate::partner::Partner;

/// What a run says of itself.
#[derive(Default, Serialize)]
pub struct Meta {
    command: String,
    machine: String,
    cores: usize,
    rustc: String,
    commit: String,
    /// The commit that rows were measured beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    unix_time: u64,
    pub cycles_per_ns: Option<f64>,
    /// At the start.
    line_round_trip_ns: Option<f64>,
    line_round_trip_end_ns: Option<f64>,
    /// At the start and at the end: neither far nor on one core.
    near: Option<bool>,
    kept: f64,
    seconds: f64,
    /// Of which crate a contender is, and of which version, where it is of one.
    pub crates: Vec<String>,
    /// What was asked for and could not be measured, and why.
    pub left_out: Vec<String>,
}

impl Meta {
    /// Notes what is known at the start. `program` is what the user called.
    pub fn read(program: &str, count: usize, cores: Cores, partner: &Partner) -> Self {
        let trip = clock::line_round_trip(cores, partner);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let args = std::env::args().skip(1);
        Meta {
            command: std::iter::once(program.to_owned()).chain(args).collect::<Vec<_>>().join(" "),
            machine: machine(),
            cores: count,
            rustc: said("rustc", &["--version"]),
            // Without tags, and with a word if files differ from it.
            commit: said("git", &["describe", "--always", "--dirty", "--exclude", "*"]),
            baseline: None,
            unix_time: now.map_or(0, |time| time.as_secs()),
            cycles_per_ns: clock::cycles_per_ns(),
            line_round_trip_ns: trip,
            line_round_trip_end_ns: None,
            near: trip.map(is_near),
            kept: 0.0,
            seconds: 0.0,
            crates: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Notes what is known at the end. `trip` is how long a cache line takes by now.
    pub fn finish(&mut self, took: Duration, trip: Option<f64>, results: &Results) {
        let rows = &results.rows;
        self.line_round_trip_end_ns = trip;
        self.near = self.near.map(|near| near && trip.is_some_and(is_near));
        self.left_out.extend_from_slice(&results.left_out);
        self.seconds = took.as_secs_f64();
        self.kept = rows.iter().map(|row| row.figures.kept).sum::<f64>() / rows.len() as f64;
    }

    /// What the user called.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// What is known at the end, in a line or two.
    pub fn ending(&self) -> String {
        let (kept, seconds) = (self.kept * 100.0, self.seconds);
        let told = format!(
            "{kept:.0} % of the samples were undisturbed, of two threads as far apart, and kept; {seconds:.0} s."
        );
        let trips = (self.line_round_trip_ns, self.line_round_trip_end_ns);
        let (Some(first), Some(last)) = trips else { return told };
        let line = format!("At the end a cache line took {last:.0} ns: {}.", distance(last));
        let moved = if Distance::of(first) == Distance::of(last) {
            ""
        } else {
            " The cores moved meanwhile: beside the figures of two threads is how far apart they were."
        };
        format!("{told}\n{line}{moved}")
    }
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} cores; {}; commit {}; {}",
            self.machine,
            self.cores,
            self.rustc,
            self.commit,
            humantime::format_rfc3339_seconds(
                SystemTime::UNIX_EPOCH + Duration::from_secs(self.unix_time)
            )
        )?;
        let Some(ns) = self.line_round_trip_ns else {
            return write!(f, "One core: figures of two threads mean little.");
        };
        write!(f, "A cache line takes {ns:.0} ns to the other core and back: {}.", distance(ns))
    }
}

fn is_near(round_trip: f64) -> bool {
    Distance::of(round_trip) == Distance::Near
}

/// How far apart two cores are, in words.
fn distance(round_trip: f64) -> &'static str {
    match Distance::of(round_trip) {
        Distance::OneCore => "like two threads of one core",
        Distance::Near => "near",
        Distance::Far => "far",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_that_moved_are_told_of() {
        let meta = |first, last| Meta {
            line_round_trip_ns: first,
            line_round_trip_end_ns: last,
            ..Meta::default()
        };
        let ending = meta(Some(90.0), Some(330.0)).ending();
        assert!(ending.contains("330 ns: far. The cores moved"), "{ending}");
        let ending = meta(Some(90.0), Some(25.0)).ending();
        assert!(
            ending.contains("25 ns: like two threads of one core. The cores moved"),
            "{ending}"
        );
        let ending = meta(Some(90.0), Some(95.0)).ending();
        assert!(ending.ends_with("At the end a cache line took 95 ns: near."), "{ending}");
        assert!(!meta(None, None).ending().contains("cache line"));
    }

    #[test]
    fn a_run_has_its_date() {
        let meta = Meta { unix_time: 1_484_000_000, ..Meta::default() };
        assert!(meta.to_string().contains("; 2017-01-09T22:13:20Z\n"), "{meta}");
    }
}
