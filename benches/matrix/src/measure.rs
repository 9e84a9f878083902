//! Measuring: in rounds, in which each contender has its turn.

use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::case::Case;
use crate::clock::{self, Cores, Distance};
use crate::contender::Setup;
use crate::entry::{Entry, Kind};
use crate::meta;
use crate::partner::Partner;
use crate::sample::{Figures, Sample, Samples};
use crate::stand::Stand;

/// One line of the result. Ns and cycles are per page, allocated and freed.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    #[serde(flatten)]
    pub case: Case,
    /// Who.
    pub contender: &'static str,
    /// What that is.
    pub kind: Kind,
    /// Ns per page.
    #[serde(flatten)]
    pub figures: Figures,
    /// Cycles per page, at the median.
    pub cycles: Option<f64>,
    /// Ns per page of the baseline, measured beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ns: Option<f64>,
}

/// What is measured, and by what.
pub struct Measurement<'a> {
    pub entries: &'a [Entry],
    pub cases: &'a [Case],
    pub rounds: usize,
    pub cores: Cores,
    pub partner: &'a Partner,
    pub cycles_per_ns: Option<f64>,
}

/// The rows, and in words what could not be had.
#[derive(Default)]
pub struct Results {
    pub rows: Vec<Row>,
    pub left_out: Vec<String>,
}

/// How often a cache line goes to and fro beside a sample of two threads.
const TRIPS: usize = 50;
/// How long to wait for the cores to move, and how often; where they never do, in the whole run.
const NAP: Duration = Duration::from_millis(20);
const PATIENCE: u32 = 100;

/// One who takes part, on its pages.
type Standing<'a> = (&'a Entry, Box<dyn Stand>);

impl Measurement<'_> {
    /// Measures every case.
    pub fn run(&self) -> Results {
        let style = ProgressStyle::with_template("{bar:40} {msg} ({elapsed})").expect("a template");
        let bar = ProgressBar::new(self.cases.len() as u64).with_style(style);
        let mut results = Results::default();
        let mut patience = PATIENCE;
        for cases in self.cases.chunk_by(|left, right| left.setup() == right.setup()) {
            let mut standing = self.standing(cases, &mut results.left_out);
            for case in cases {
                bar.set_message(format!("{}, n = {}", case.shape.name(), case.bulk));
                self.case(case, &mut standing, &mut patience, &mut results);
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        results
    }

    /// All who do any of these cases, which are on the same pages.
    fn standing(&self, cases: &[Case], left_out: &mut Vec<String>) -> Vec<Standing<'_>> {
        let (setup, what) = (cases[0].setup(), cases[0].label());
        let slow = |entry: &&Entry| cases.iter().any(|case| entry.too_slow(case));
        let slow: Vec<_> = self.entries.iter().filter(slow).map(|entry| entry.name).collect();
        if !slow.is_empty() {
            left_out.push(format!("{what}: too slow for so many pages: {}", slow.join(", ")));
        }
        let entries = self.entries.iter();
        let some = entries.filter(|entry| cases.iter().any(|case| entry.does(case))).collect();
        let room = meta::available_gigabytes().map_or(f64::INFINITY, |available| available * 0.6);
        let (some, others) = fitting(some, &setup, room);
        if !others.is_empty() {
            let who: Vec<_> = others.iter().map(|entry| entry.name).collect();
            left_out.push(format!("{what}: no memory for {}", who.join(", ")));
        }
        let mut standing = Vec::new();
        for entry in some {
            match entry.make(&setup) {
                Ok(stand) => standing.push((entry, stand)),
                Err(error) => {
                    left_out.push(format!("{} on {} pages: {error:#}", entry.name, setup.pages));
                }
            }
        }
        standing
    }

    /// How long a cache line takes to the other thread and back, in ns: the quickest of four times.
    fn round_trip(&self) -> f64 {
        let trips = (0..4).map(|_| clock::round_trip(self.partner, TRIPS));
        trips.fold(f64::INFINITY, f64::min)
    }

    /// Waits while both threads are on one core: a virtual machine's cores move, and mostly do so soon.
    fn wait_for_two_cores(&self, patience: &mut u32) {
        while Distance::of(self.round_trip()) == Distance::OneCore {
            if *patience == 0 {
                return;
            }
            *patience -= 1;
            thread::sleep(NAP);
        }
        *patience = PATIENCE;
    }

    /// Measures one case.
    fn case(
        &self,
        case: &Case,
        standing: &mut [Standing<'_>],
        patience: &mut u32,
        results: &mut Results,
    ) {
        let mut ready = Vec::new();
        for (entry, stand) in standing.iter_mut().filter(|one| one.0.does(case)) {
            match stand.prepare(case, entry.slowness) {
                Ok(sampler) => ready.push((*entry, sampler, Samples::default())),
                Err(error) => {
                    results.left_out.push(format!("{}, {}: {error:#}", entry.name, case.title()));
                }
            }
        }
        // One core has no other to be near.
        let takes_two = case.shape.takes_two() && self.cores.1.is_some();
        for round in 0..=self.rounds {
            if takes_two {
                self.wait_for_two_cores(patience);
            }
            for (_, sampler, samples) in &mut ready {
                let calibration = clock::calibration();
                sampler.warm();
                let (time, pages) = sampler.sample(self.partner);
                let ns = time.as_nanos() as f64 / pages as f64;
                let round_trip = takes_two.then(|| self.round_trip());
                // The first round only warms up.
                if round > 0 {
                    samples.add(Sample { ns, calibration, round_trip });
                }
            }
        }
        // Everybody's figures are of the same distance, or else of all.
        let all_have = |distance: &Distance| ready.iter().all(|it| it.2.has_enough(*distance));
        let distance = Distance::ALL.into_iter().find(all_have);
        for (entry, _, samples) in &ready {
            let figures = samples.figures(distance);
            let cycles = self.cycles_per_ns.map(|per_ns| figures.ns * per_ns);
            let (contender, kind) = (entry.name, entry.kind);
            let baseline_ns = None;
            results.rows.push(Row { case: *case, contender, kind, figures, cycles, baseline_ns });
        }
    }
}

/// Those whose pages fit into so many GB together, and those who have to stay out: first come the two modes that all
/// others are compared with, then rivals and recyclers.
fn fitting<'a>(
    entries: Vec<&'a Entry>,
    setup: &Setup,
    room: f64,
) -> (Vec<&'a Entry>, Vec<&'a Entry>) {
    let rank = |entry: &Entry| match (entry.name, entry.kind) {
        ("Bare" | "Checked", _) => 0,
        (_, Kind::Rival) => 1,
        (_, Kind::Recycler) => 2,
        _ => 3,
    };
    let mut ranked = entries.clone();
    ranked.sort_by_key(|entry| rank(entry));
    let mut left = room;
    let mut names = Vec::new();
    for entry in ranked {
        let needed = gigabytes(entry, setup);
        if needed <= left {
            left -= needed;
            names.push(entry.name);
        }
    }
    entries.into_iter().partition(|entry| names.contains(&entry.name))
}

/// The memory that a contender's pages take up. A recycler has pages for each hand.
fn gigabytes(entry: &Entry, setup: &Setup) -> f64 {
    let hands = if entry.kind == Kind::Recycler { 2 } else { 1 };
    let pages = if setup.touched || entry.writes { hands * setup.pages } else { 0 };
    pages as f64 * 4096.0 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Order;
    use crate::entry::entries;

    #[test]
    fn what_others_are_compared_with_fits_first() {
        let all = entries::<false>();
        let names = |pages, touched, room| {
            let setup = Setup { pages, touched, colour: 1, order: Order::Scattered };
            let (some, others) = fitting(all.iter().collect(), &setup, room);
            assert_eq!(some.len() + others.len(), all.len());
            some.iter().map(|entry| entry.name).collect::<Vec<_>>()
        };
        // A million pages are 4.3 GB; a recycler has them twice.
        assert_eq!(names(1 << 20, true, 9.0), ["Bare", "Checked"]);
        assert_eq!(names(1 << 20, true, 18.0), ["driver-lifo", "Bare", "Checked"]);
        assert_eq!(names(1 << 20, true, f64::INFINITY).len(), all.len());
        // Untouched, only who writes to pages by itself takes up memory.
        let untouched = names(1 << 20, false, 1.0);
        let writers = [
            "Hardened",
            "Checked+poison",
            "Checked+poison/16",
            "Hardened/16",
            "poison-floor",
            "claim-floor/16",
        ];
        assert!(!writers.iter().any(|writer| untouched.contains(writer)));
        assert_eq!(untouched.len(), all.len() - writers.len());
    }
}
