//! The figures of both sides, beside each other.

use std::fmt;

use super::rounds::Round;

/// What one side did, in all rounds.
#[derive(Default)]
pub struct Side {
    pub rounds: Vec<Round>,
    pub peaks: Vec<Peak>,
}

/// Bytes of the process that were resident before a round, at its peak, and after upkeep.
pub struct Peak {
    pub before: u64,
    pub most: u64,
    pub after: u64,
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, most, after] =
            [self.before, self.most, self.after].map(|bytes| bytes as f64 / 1e6);
        write!(f, "{before:.1} MB before, {most:.1} MB at the peak, {after:.1} MB after maintain")
    }
}

/// Both sides, by turns.
#[derive(Default)]
pub struct Report {
    pub pages: Side,
    pub heap: Side,
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    values.get(low).zip(values.get(high)).map_or(f64::NAN, |(low, high)| (low + high) / 2.0)
}

impl Side {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// By how many MB the process grew.
    fn growth(&self) -> f64 {
        let growth = |peak: &Peak| peak.most.saturating_sub(peak.before) as f64 / 1e6;
        median(self.peaks.iter().map(growth).collect())
    }

    /// The latency below which this part of all transfers lies.
    fn percentile(&self, of: impl Fn(&Round) -> &Vec<u32>, part: f64) -> f64 {
        let mut all: Vec<u32> = self.rounds.iter().flat_map(|round| of(round).clone()).collect();
        all.sort_unstable();
        let at = (all.len() as f64 * part) as usize;
        all.get(at.min(all.len().saturating_sub(1))).map_or(f64::NAN, |&micros| micros.into())
    }

    /// Connections, transfers, and clients that left.
    pub fn sums(&self) -> [u64; 3] {
        let all = self.rounds.iter().map(|round| &round.done);
        all.fold([0; 3], |[connections, transfers, left], done| {
            [connections + done.connections, transfers + done.transfers, left + done.left]
        })
    }
}

impl Report {
    /// The median of the rounds' ratios, each to its neighbour of the other side.
    fn ratio(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let pairs = self.pages.rounds.iter().zip(&self.heap.rounds);
        median(pairs.map(|(pages, heap)| of(pages) / of(heap)).collect())
    }

    /// Throughput of pages, as a part of that of the heap.
    pub fn throughput(&self) -> f64 {
        self.ratio(Round::throughput)
    }

    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &str,
        of: impl Fn(&Round) -> f64,
    ) -> fmt::Result {
        let [pages, heap] = [&self.pages, &self.heap].map(|side| side.median(&of));
        writeln!(f, "{what:<32} {pages:>10.1} {heap:>10.1} {:>7.3}", self.ratio(&of))
    }

    fn latency(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &str,
        part: f64,
        of: fn(&Round) -> &Vec<u32>,
    ) -> fmt::Result {
        let [pages, heap] = [&self.pages, &self.heap].map(|side| side.percentile(of, part));
        writeln!(f, "{what:<32} {pages:>10.0} {heap:>10.0} {:>7.3}", pages / heap)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_transfer = |round: &Round, cpu: f64| cpu * 1e6 / round.done.transfers as f64;
        writeln!(f, "{:<32} {:>10} {:>10} {:>7}", "", "pagesheaf", "heap", "ratio")?;
        self.line(f, "throughput, MB/s", |round| round.throughput() / 1e6)?;
        self.line(f, "server's CPU, us a transfer", |round| per_transfer(round, round.cpu[0]))?;
        self.line(f, "process's CPU, us a transfer", |round| per_transfer(round, round.cpu[1]))?;
        if !self.pages.peaks.is_empty() {
            let [pages, heap] = [&self.pages, &self.heap].map(Side::growth);
            let what = "peak of memory, MB above idle";
            writeln!(f, "{what:<32} {pages:>10.1} {heap:>10.1} {:>7.3}", pages / heap)?;
        }
        self.latency(f, "upload, us, p50", 0.5, |round| &round.done.uploads)?;
        self.latency(f, "upload, us, p99", 0.99, |round| &round.done.uploads)?;
        self.latency(f, "download, us, p50", 0.5, |round| &round.done.downloads)?;
        self.latency(f, "download, us, p99", 0.99, |round| &round.done.downloads)
    }
}
