//! What is compared, by turns, and the medians.

use std::fmt;

use super::Outcome;

/// A way to have buffers.
#[derive(Clone, Copy, PartialEq)]
pub enum Variant {
    /// Pages, whose addresses the kernel looks up for each request.
    Pages,
    /// What programs write by hand.
    Rival,
    /// Pages that are registered. The rival has nothing like it.
    Fixed,
}

impl Variant {
    const ALL: [Self; 3] = [Variant::Pages, Variant::Rival, Variant::Fixed];

    /// The first `n`. Six rounds go once through all orders of three, or three times through both of
    /// two.
    fn in_turn(n: usize, round: usize) -> Vec<Self> {
        let mut order = Self::ALL[..n].to_vec();
        order.rotate_left(round % n);
        if round / n % 2 == 1 {
            order[1..].reverse();
        }
        order
    }
}

/// The speeds of all rounds that count.
pub struct Rounds {
    names: &'static [&'static str],
    unit: &'static str,
    speeds: Vec<Vec<f64>>,
}

impl Rounds {
    /// Runs the variants that have a name here, each once in each round, and once before, to warm
    /// up. `run` returns a speed, or nothing if the system refuses the variant.
    pub fn by_turns(
        names: &'static [&'static str],
        unit: &'static str,
        rounds: usize,
        mut run: impl FnMut(Variant) -> Outcome<Option<f64>>,
    ) -> Outcome<Self> {
        let mut speeds = vec![Vec::with_capacity(rounds); names.len()];
        for round in 0..=rounds {
            for variant in Variant::in_turn(names.len(), round) {
                let speed = run(variant)?;
                if round > 0 {
                    speeds[variant as usize].extend(speed);
                }
            }
        }
        Ok(Rounds { names, unit, speeds })
    }

    fn median(&self, variant: Variant) -> Option<f64> {
        let mut speeds = self.speeds[variant as usize].clone();
        speeds.sort_by(f64::total_cmp);
        let upper = *speeds.get(speeds.len() / 2)?;
        let lower = speeds[(speeds.len() - 1) / 2];
        Some((lower + upper) / 2.0)
    }

    /// The speed of pages divided by that of the rival, neither of them registered.
    pub fn ratio(&self) -> f64 {
        let median = |variant| self.median(variant).unwrap_or(f64::NAN);
        median(Variant::Pages) / median(Variant::Rival)
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.speeds[Variant::Pages as usize].len();
        write!(f, "medians of {rounds} rounds, by turns; the ratio is {:.3}:", self.ratio())?;
        for (variant, name) in Variant::ALL.into_iter().zip(self.names) {
            if let Some(median) = self.median(variant) {
                let speeds = &self.speeds[variant as usize];
                let least = speeds.iter().copied().fold(f64::INFINITY, f64::min);
                let most = speeds.iter().copied().fold(0.0, f64::max);
                let unit = self.unit;
                write!(f, "\n  {name}: {median:.0} {unit} ({least:.0} to {most:.0})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_comes_once() {
        for (n, orders) in [(2, 2), (3, 6)] {
            let mut all: Vec<Vec<_>> = (0..orders)
                .map(|round| Variant::in_turn(n, round).into_iter().map(|it| it as u8).collect())
                .collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), orders, "of {n}");
        }
    }

    #[test]
    fn the_first_round_does_not_count() {
        let mut speeds = [[900.0, 30.0, 10.0, 20.0].into_iter(), [1.0, 16.0, 2.0, 8.0].into_iter()];
        let results = Rounds::by_turns(&["pages", "rival", "refused"], "MB/s", 3, |variant| {
            Ok(speeds.get_mut(variant as usize).and_then(Iterator::next))
        });
        let results = results.expect("no run fails");
        assert!((results.ratio() - 2.5).abs() < 1e-9);
        let text = results.to_string();
        assert!(text.starts_with("medians of 3 rounds, by turns; the ratio is 2.500:"), "{text}");
        assert!(
            text.ends_with("\n  pages: 20 MB/s (10 to 30)\n  rival: 8 MB/s (2 to 16)"),
            "{text}"
        );
    }
}
