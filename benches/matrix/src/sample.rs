//! How samples become figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Distance;

/// A sample, and what was seen beside it.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Ns per page.
    pub ns: f64,
    /// How long the calibration loop took.
    pub calibration: Duration,
    /// Of two threads: how many ns a cache line took from one to the other and back.
    pub round_trip: Option<f64>,
}

impl Sample {
    fn is_at(&self, distance: Distance) -> bool {
        self.round_trip.is_some_and(|trip| Distance::of(trip) == distance)
    }
}

/// Samples of one contender at one size.
#[derive(Default)]
pub struct Samples(Vec<Sample>);

impl Samples {
    pub fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Whether a third of the samples, and five at the least, are of two threads so far apart.
    pub fn has_enough(&self, distance: Distance) -> bool {
        let count = self.0.iter().filter(|sample| sample.is_at(distance)).count();
        count * 3 >= self.0.len() && count >= 5
    }

    /// The figures of the samples that were not disturbed; of two threads so far apart only, if that is said.
    pub fn figures(&self, distance: Option<Distance>) -> Figures {
        let asked = |sample: &&Sample| distance.is_none_or(|distance| sample.is_at(distance));
        let apart: Vec<_> = self.0.iter().filter(asked).collect();
        let mut loops: Vec<_> = apart.iter().map(|sample| sample.calibration).collect();
        loops.sort_unstable();
        // Clean is what is near the fastest loops; their tenth, because one lucky loop proves nothing.
        let clean = loops[loops.len() / 10].mul_f64(1.05);
        let kept: Vec<_> = apart.iter().filter(|sample| sample.calibration <= clean).collect();
        let trips = sorted(kept.iter().filter_map(|sample| sample.round_trip));
        let times = sorted(kept.iter().map(|sample| sample.ns));
        let ns = |share| at(&times, share).expect("the fastest loop is clean");
        Figures {
            ns: ns(0.5),
            p10: ns(0.1),
            p90: ns(0.9),
            kept: kept.len() as f64 / self.0.len() as f64,
            round_trip: at(&trips, 0.5),
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value at this share of the way from the least to the greatest, if there are any.
fn at(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(last as f64 * share).round() as usize])
}

/// Ns per page: the median, the tenth and the ninetieth percentile; the share of the samples that were kept; and how
/// many ns a cache line took between their two threads and back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub ns: f64,
    pub p10: f64,
    pub p90: f64,
    pub kept: f64,
    #[serde(rename = "line_round_trip_ns", skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ns: u32, micros: u64, round_trip: Option<f64>) -> Sample {
        Sample { ns: f64::from(ns), calibration: Duration::from_micros(micros), round_trip }
    }

    #[test]
    fn disturbed_samples_are_left_out() {
        let mut samples = Samples::default();
        (1..=8).for_each(|ns| samples.add(sample(ns, 100, None)));
        (0..2).for_each(|_| samples.add(sample(1000, 200, None)));
        let figures = samples.figures(None);
        assert_eq!((figures.kept, figures.p10, figures.p90), (0.8, 2.0, 7.0));
        assert!((4.0..=5.0).contains(&figures.ns) && figures.round_trip.is_none());
    }

    #[test]
    fn samples_of_threads_at_another_distance_are_left_out() {
        let mut samples = Samples::default();
        (0..10).for_each(|_| samples.add(sample(9, 100, Some(25.0))));
        (0..6).for_each(|_| samples.add(sample(3, 100, Some(70.0))));
        (0..2).for_each(|_| samples.add(sample(5, 100, Some(330.0))));
        let enough = [Distance::OneCore, Distance::Near, Distance::Far];
        assert_eq!(enough.map(|distance| samples.has_enough(distance)), [true, true, false]);
        let figures = samples.figures(Some(Distance::Near));
        assert_eq!((figures.ns, figures.round_trip), (3.0, Some(70.0)));
        assert!((figures.kept - 1.0 / 3.0).abs() < 1e-9, "{figures:?}");
        let figures = samples.figures(None);
        assert_eq!((figures.ns, figures.kept, figures.round_trip), (9.0, 1.0, Some(25.0)));
        // A third is not enough if it is fewer than five.
        let mut few = Samples::default();
        (0..4).for_each(|_| few.add(sample(3, 100, Some(70.0))));
        assert!(!few.has_enough(Distance::Near));
    }
}
