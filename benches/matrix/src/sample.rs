//! How samples become figures.

use std::time::Duration;

use serde::Serialize;

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

/// Samples of one contender at one size.
#[derive(Default)]
pub struct Samples(Vec<Sample>);

impl Samples {
    pub fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The figures of the samples that were not disturbed.
    pub fn figures(&self) -> Figures {
        let apart = self.equally_apart();
        let mut loops: Vec<_> = apart.iter().map(|sample| sample.calibration).collect();
        loops.sort_unstable();
        // Clean is what is near the fastest loops; their tenth, because one lucky loop proves nothing.
        let clean = loops[loops.len() / 10].mul_f64(1.05);
        let kept: Vec<_> = apart.iter().filter(|sample| sample.calibration <= clean).collect();
        let at = |mut values: Vec<f64>, share: f64| {
            values.sort_by(f64::total_cmp);
            let last = values.len().checked_sub(1)?;
            Some(values[(last as f64 * share).round() as usize])
        };
        let ns = |share| {
            let values = kept.iter().map(|sample| sample.ns).collect();
            at(values, share).expect("the fastest loop is clean")
        };
        Figures {
            ns: ns(0.5),
            p10: ns(0.1),
            p90: ns(0.9),
            kept: kept.len() as f64 / self.0.len() as f64,
            round_trip: at(kept.iter().filter_map(|sample| sample.round_trip).collect(), 0.5),
        }
    }

    /// The samples whose threads were as far apart: near if a tenth was, or else far; on one core if nothing else
    /// was to be had. All samples, if they are of one thread.
    fn equally_apart(&self) -> Vec<Sample> {
        let at = |distance| -> Vec<Sample> {
            let is_there = |trip| Distance::of(trip) == distance;
            let samples = self.0.iter().copied();
            samples.filter(|sample| sample.round_trip.is_some_and(is_there)).collect()
        };
        let groups = [Distance::Near, Distance::Far, Distance::OneCore].map(at);
        let enough = |group: &Vec<Sample>| group.len() * 10 >= self.0.len();
        groups.into_iter().find(enough).unwrap_or_else(|| self.0.clone())
    }
}

/// Ns per page: the median, the tenth and the ninetieth percentile; the share of the samples that were kept; and how
/// many ns a cache line took between their two threads and back.
#[derive(Clone, Copy, Debug, Serialize)]
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
        let figures = samples.figures();
        assert_eq!((figures.kept, figures.p10, figures.p90), (0.8, 2.0, 7.0));
        assert!((4.0..=5.0).contains(&figures.ns) && figures.round_trip.is_none());
    }

    #[test]
    fn samples_on_one_core_are_left_out_unless_there_are_no_others() {
        let mut samples = Samples::default();
        (0..20).for_each(|_| samples.add(sample(9, 100, Some(25.0))));
        let figures = samples.figures();
        assert_eq!((figures.ns, figures.kept, figures.round_trip), (9.0, 1.0, Some(25.0)));
        (0..10).for_each(|_| samples.add(sample(5, 100, Some(330.0))));
        assert_eq!((samples.figures().ns, samples.figures().round_trip), (5.0, Some(330.0)));
        (0..10).for_each(|_| samples.add(sample(3, 100, Some(70.0))));
        let figures = samples.figures();
        assert_eq!((figures.ns, figures.kept, figures.round_trip), (3.0, 0.25, Some(70.0)));
    }
}
