//! The contenders beside each other, by turns.

use std::fmt;
use std::time::Instant;

use super::design::{Design, Original, Pages, Queues};
use super::{Load, heap, system};

/// A turn of one contender.
struct Turn {
    nanos: f64,
    /// Processor time of all threads, which does not count who waits for others.
    cpu: f64,
    allocations: f64,
}

/// All turns of a workload, each with all contenders.
pub struct Report {
    name: &'static str,
    count: u64,
    turns: Vec<[Turn; 3]>,
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    values.get(low).zip(values.get(high)).map_or(f64::NAN, |(low, high)| (low + high) / 2.0)
}

impl Report {
    /// Runs it, once more than is counted. Each turn another contender is the first.
    pub fn of(load: &Load, turns: usize) -> Self {
        load.runs.iter().for_each(|run| run(load.count));
        let turn = |first: usize| {
            let mut order = [0, 1, 2];
            order.rotate_left(first % 3);
            let mut turn = [const { None }; 3];
            for at in order {
                let (before, cpu, start) = (heap::allocations(), system::cpu(), Instant::now());
                (load.runs[at])(load.count);
                let nanos = start.elapsed().as_nanos() as f64;
                let cpu = (system::cpu() - cpu) * 1e9;
                let allocations = (heap::allocations() - before) as f64;
                let [nanos, cpu, allocations] =
                    [nanos, cpu, allocations].map(|all| all / load.count as f64);
                turn[at] = Some(Turn { nanos, cpu, allocations });
            }
            turn.map(|turn| turn.expect("each had its turn"))
        };
        Report { name: load.name, count: load.count, turns: (0..turns).map(turn).collect() }
    }

    /// Operations in all turns.
    pub fn ran(&self) -> u64 {
        self.count * self.turns.len() as u64 * 3
    }

    /// Throughput of pages as a multiple of the original's.
    pub fn ratio(&self) -> f64 {
        median(self.ratios(1, |turn| turn.nanos))
    }

    /// How many times as much another contender took, in each turn.
    fn ratios(&self, to: usize, of: impl Fn(&Turn) -> f64) -> Vec<f64> {
        self.turns.iter().map(|turn| of(&turn[to]) / of(&turn[0])).collect()
    }

    fn medians(&self, of: impl Fn(&Turn) -> f64) -> [f64; 3] {
        [0, 1, 2].map(|at| median(self.turns.iter().map(|turn| of(&turn[at])).collect()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [Pages::NAME, Original::NAME, Queues::NAME];
        write!(f, "{:<24}", self.name)?;
        names.iter().try_for_each(|name| write!(f, "{name:>12}"))?;
        let mut row = |what: &str, of: fn(&Turn) -> f64, places: usize| {
            write!(f, "\n{what:<24}")?;
            self.medians(of).iter().try_for_each(|figure| write!(f, "{figure:>12.places$}"))
        };
        row("  ns each", |turn| turn.nanos, 1)?;
        row("  of processors, ns each", |turn| turn.cpu, 1)?;
        row("  allocations each", |turn| turn.allocations, 5)?;
        for to in [1, 2] {
            let mut row = |what: &str, of: fn(&Turn) -> f64| {
                let mut ratios = self.ratios(to, of);
                ratios.sort_by(f64::total_cmp);
                let [low, high] = [1, 3].map(|quarter| ratios[(ratios.len() - 1) * quarter / 4]);
                let what = format!("  {what} {}", names[to]);
                write!(f, "\n{what:<36}{:>12.3} ({low:.3} to {high:.3})", median(ratios))
            };
            row("throughput, of", |turn| turn.nanos)?;
            row("less processor time, than", |turn| turn.cpu)?;
        }
        Ok(())
    }
}
