//! Measuring: in rounds, in which each contender has its turn.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::case::Case;
use crate::clock;
use crate::contender::Setup;
use crate::entry::{Entry, Kind};
use crate::meta;
use crate::partner::Partner;
use crate::sample::{Figures, Samples};
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
}

/// What is measured, and by what.
pub struct Measurement<'a> {
    pub entries: &'a [Entry],
    pub cases: &'a [Case],
    pub rounds: usize,
    pub partner: &'a Partner,
    pub cycles_per_ns: Option<f64>,
}

/// The rows, and in words what could not be had.
#[derive(Default)]
pub struct Results {
    pub rows: Vec<Row>,
    pub left_out: Vec<String>,
}

/// One who takes part, on its pages.
type Standing<'a> = (&'a Entry, Box<dyn Stand>);

impl Measurement<'_> {
    /// Measures every case.
    pub fn run(&self) -> Results {
        let style = ProgressStyle::with_template("{bar:40} {msg} ({elapsed})").expect("a template");
        let bar = ProgressBar::new(self.cases.len() as u64).with_style(style);
        let mut results = Results::default();
        for cases in self.cases.chunk_by(|left, right| left.setup() == right.setup()) {
            let mut standing = self.standing(cases, &mut results.left_out);
            for case in cases {
                bar.set_message(format!("{}, n = {}", case.shape.name(), case.bulk));
                self.case(case, &mut standing, &mut results);
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        results
    }

    /// All who do any of these cases, which are on the same pages.
    fn standing(&self, cases: &[Case], left_out: &mut Vec<String>) -> Vec<Standing<'_>> {
        let setup = cases[0].setup();
        let entries = self.entries.iter();
        let some: Vec<_> =
            entries.filter(|entry| cases.iter().any(|case| entry.does(case))).collect();
        let needed = some.iter().map(|entry| gigabytes(entry, &setup)).sum::<f64>();
        let available = meta::available_gigabytes();
        if available.is_some_and(|available| needed > available * 0.8) {
            let what = cases[0].title();
            left_out.push(format!("{what}: needs {needed:.0} GB of memory; name contenders"));
            return Vec::new();
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

    /// Measures one case.
    fn case(&self, case: &Case, standing: &mut [Standing<'_>], results: &mut Results) {
        let mut ready = Vec::new();
        for (entry, stand) in standing.iter_mut().filter(|one| one.0.does(case)) {
            match stand.prepare(case, entry.slowness) {
                Ok(sampler) => ready.push((*entry, sampler, Samples::default())),
                Err(error) => {
                    results.left_out.push(format!("{}, {}: {error:#}", entry.name, case.title()));
                }
            }
        }
        for round in 0..=self.rounds {
            for (_, sampler, samples) in &mut ready {
                let calibration = clock::calibration();
                let (time, pages) = sampler.sample(self.partner);
                // The first round only warms up.
                if round > 0 {
                    samples.add(time.as_nanos() as f64 / pages as f64, calibration);
                }
            }
        }
        for (entry, _, samples) in &ready {
            let figures = samples.figures();
            let cycles = self.cycles_per_ns.map(|per_ns| figures.ns * per_ns);
            let (contender, kind) = (entry.name, entry.kind);
            results.rows.push(Row { case: *case, contender, kind, figures, cycles });
        }
    }
}

/// The memory that a contender's pages take up. A recycler has pages for each hand.
fn gigabytes(entry: &Entry, setup: &Setup) -> f64 {
    let hands = if entry.kind == Kind::Recycler { 2 } else { 1 };
    let pages = if setup.touched || entry.writes { hands * setup.pages } else { 0 };
    pages as f64 * 4096.0 / 1e9
}
