//! What is compared, by turns, and the medians.

use std::fmt;

use super::work::Copied;

/// A way to have buffers.
#[derive(Clone, Copy)]
pub enum Variant {
    /// Pages, whose addresses the kernel looks up for each request.
    Pages,
    /// The rival.
    Locked,
    /// Pages that are registered. The rival has nothing like it.
    Fixed,
}

impl Variant {
    const ALL: [Self; 3] = [Variant::Pages, Variant::Locked, Variant::Fixed];

    /// All, in another order in each of six rounds: none has always the same one before it.
    pub fn in_turn(round: usize) -> [Self; 3] {
        let mut order = Self::ALL;
        order.rotate_left(round % 3);
        if round / 3 % 2 == 1 {
            order.swap(1, 2);
        }
        order
    }

    fn name(self) -> &'static str {
        match self {
            Variant::Pages => "pages",
            Variant::Locked => "Mutex<Vec<Box<_>>>",
            Variant::Fixed => "pages, registered",
        }
    }
}

/// The speeds of all rounds that count.
#[derive(Default)]
pub struct Rounds {
    speeds: [Vec<f64>; 3],
    /// Pages copied, in every round.
    pub pages: u64,
}

impl Rounds {
    /// Adds a copy, and its speed if it counts.
    pub fn add(&mut self, variant: Variant, copied: &Copied, counts: bool) {
        if counts {
            self.speeds[variant as usize].push(copied.speed());
        }
        if !matches!(variant, Variant::Locked) {
            self.pages += copied.blocks();
        }
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
        median(Variant::Pages) / median(Variant::Locked)
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "medians of {} rounds, by turns:", self.speeds[0].len())?;
        for variant in Variant::ALL {
            if let Some(median) = self.median(variant) {
                let speeds = &self.speeds[variant as usize];
                let least = speeds.iter().copied().fold(f64::INFINITY, f64::min);
                let most = speeds.iter().copied().fold(0.0, f64::max);
                let [median, least, most] = [median, least, most].map(|speed| speed / 1e6);
                let name = variant.name();
                write!(f, "\n  {name}: {median:.0} MB/s ({least:.0} to {most:.0})")?;
            }
        }
        Ok(())
    }
}
