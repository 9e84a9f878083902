//! The shapes, the sizes, and who does what; measured in rounds in which each contender has its turn.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pagesheaf::{Bare, Checked, Hardened, NoChecks, NoRefcount, NoStats};
use serde::Serialize;

use crate::clock::{self, Cores};
use crate::floor::{CopyFloor, DriverLifo, RingOnly};
use crate::pages::{Modal, Single};
use crate::sample::{Contender, Figures, Samples};

/// Pages to a call.
pub const BULKS: [usize; 10] = [1, 2, 3, 4, 8, 16, 32, 64, 128, 256];
/// Pages that `keep_2048` has out.
pub const KEPT: usize = 2048;
/// About how many pages a sample handles in one thread, and with two.
const PAGES: [usize; 2] = [16_384, 65_536];

/// A way in which pages come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    HotPair,
    #[serde(rename = "keep_2048")]
    Keep2048,
    TwoThreads,
    Pipe,
}

impl Shape {
    pub const ALL: [Shape; 4] = [Shape::HotPair, Shape::Keep2048, Shape::TwoThreads, Shape::Pipe];

    /// What it is, in a line.
    pub fn title(self) -> &'static str {
        match self {
            Shape::HotPair => "hot_pair: allocate n pages, free them",
            Shape::Keep2048 => "keep_2048: allocate 2,048 pages in bulks of n, then free them",
            Shape::TwoThreads => "two_threads: hot_pair, while another thread does the same",
            Shape::Pipe => "pipe: one thread allocates bulks of n, another frees them",
        }
    }

    /// How long one sample takes, and how many pages it handles.
    fn sample(self, entry: &mut Entry, bulk: usize, cores: Cores) -> (Duration, usize) {
        let contender = &mut *entry.contender;
        let bulks = |pages: usize| (pages / entry.slowness / bulk).max(16);
        let (alone, together) = (bulks(PAGES[0]), bulks(PAGES[1]));
        let keeps = (8 / entry.slowness).max(1);
        let start = Instant::now();
        match self {
            Shape::HotPair => contender.hot_pair(bulk, alone),
            Shape::Keep2048 => contender.keep(bulk, keeps),
            Shape::TwoThreads => {
                return (contender.two_threads(bulk, together, cores), together * bulk);
            }
            Shape::Pipe => return (contender.pipe(bulk, together, cores), together * bulk),
        }
        let time = start.elapsed();
        let pages =
            if self == Shape::HotPair { alone * bulk } else { keeps * (KEPT / bulk * bulk) };
        (time, pages)
    }
}

/// One line of the result. Ns and cycles are per page, allocated and freed.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub shape: Shape,
    pub contender: &'static str,
    pub bulk: usize,
    #[serde(flatten)]
    pub figures: Figures,
    pub cycles: Option<f64>,
}

/// One who takes part.
struct Entry {
    name: &'static str,
    shapes: &'static [Shape],
    /// Its samples handle so many times fewer pages.
    slowness: usize,
    contender: Box<dyn Contender>,
}

fn entry(
    name: &'static str,
    shapes: &'static [Shape],
    contender: impl Contender + 'static,
) -> Entry {
    Entry { name, shapes, slowness: 1, contender: Box::new(contender) }
}

/// Everyone, with the shapes that each does.
fn entries() -> Vec<Entry> {
    use Shape::{HotPair, Keep2048, Pipe};
    vec![
        entry("copy-floor", &[HotPair, Keep2048], CopyFloor::new()),
        entry("ring-only", &[Pipe], RingOnly::new()),
        entry("driver-lifo", &[HotPair, Keep2048], DriverLifo::new()),
        entry("single", &[HotPair], Single::new()),
        entry("Bare", &Shape::ALL, Modal::<Bare>::new()),
        entry("NoChecks", &Shape::ALL, Modal::<NoChecks>::new()),
        entry("NoStats", &Shape::ALL, Modal::<NoStats>::new()),
        entry("NoRefcount", &Shape::ALL, Modal::<NoRefcount>::new()),
        entry("Checked", &Shape::ALL, Modal::<Checked>::new()),
        // It writes and reads every byte of every page.
        Entry { slowness: 64, ..entry("Hardened", &Shape::ALL, Modal::<Hardened>::new()) },
    ]
}

/// Measures everything, in so many rounds for each shape and size.
pub fn measure(rounds: usize, cores: Cores, cycles_per_ns: Option<f64>) -> Vec<Row> {
    let mut entries = entries();
    let style = ProgressStyle::with_template("{bar:40} {msg} ({elapsed})").expect("a template");
    let bar = ProgressBar::new((Shape::ALL.len() * BULKS.len()) as u64).with_style(style);
    let mut rows = Vec::new();
    for shape in Shape::ALL {
        for bulk in BULKS {
            bar.set_message(format!("{}, n = {bulk}", shape.title()));
            let mut chosen: Vec<_> = entries
                .iter_mut()
                .filter(|entry| entry.shapes.contains(&shape))
                .map(|entry| (entry, Samples::default()))
                .collect();
            for round in 0..=rounds {
                for (entry, samples) in &mut chosen {
                    let calibration = clock::calibration();
                    let (time, pages) = shape.sample(entry, bulk, cores);
                    // The first round only warms up.
                    if round > 0 {
                        samples.add(time.as_nanos() as f64 / pages as f64, calibration);
                    }
                }
            }
            for (entry, samples) in chosen {
                let figures = samples.figures();
                let cycles = cycles_per_ns.map(|per_ns| figures.ns * per_ns);
                rows.push(Row { shape, contender: entry.name, bulk, figures, cycles });
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    rows
}
