//! How samples become figures.

use std::time::Duration;

use serde::Serialize;

/// Samples of one contender at one size: ns per page, and how long the calibration loop beside each took.
#[derive(Default)]
pub struct Samples(Vec<(f64, Duration)>);

impl Samples {
    pub fn add(&mut self, per_page: f64, calibration: Duration) {
        self.0.push((per_page, calibration));
    }

    /// The figures of the samples that were not disturbed.
    pub fn figures(&self) -> Figures {
        let mut loops: Vec<_> = self.0.iter().map(|sample| sample.1).collect();
        loops.sort_unstable();
        // Clean is what is near the fastest loops; their tenth, because one lucky loop proves nothing.
        let clean = loops[loops.len() / 10].mul_f64(1.05);
        let mut kept: Vec<_> =
            self.0.iter().filter(|sample| sample.1 <= clean).map(|sample| sample.0).collect();
        kept.sort_by(f64::total_cmp);
        let at = |share: f64| kept[((kept.len() - 1) as f64 * share).round() as usize];
        Figures {
            ns: at(0.5),
            p10: at(0.1),
            p90: at(0.9),
            kept: kept.len() as f64 / self.0.len() as f64,
        }
    }
}

/// Ns per page: the median, the tenth and the ninetieth percentile; and the share of the samples that were kept.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    pub ns: f64,
    pub p10: f64,
    pub p90: f64,
    pub kept: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_samples_are_left_out() {
        let mut samples = Samples::default();
        (1..=8).for_each(|ns| samples.add(f64::from(ns), Duration::from_micros(100)));
        samples.add(1000.0, Duration::from_micros(200));
        samples.add(1000.0, Duration::from_micros(200));
        let figures = samples.figures();
        assert_eq!((figures.kept, figures.p10, figures.p90), (0.8, 2.0, 7.0));
        assert!((4.0..=5.0).contains(&figures.ns));
    }
}
