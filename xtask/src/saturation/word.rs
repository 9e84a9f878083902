//! The words of the depots, and cores that change them.
//!
//! A core works, loads its depot's word, reads a link, and changes the word if it is still the same; if not,
//! it goes on with what the word is now. A cache line has one owner, who goes on with it until another's
//! request arrives. Half of a transfer is the request's way, half of it the line's. Requests queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a look at a line takes that the core has, and what a compare-and-swap takes, in ns.
const LOCAL: f64 = 1.0;
const SWAP: f64 = 5.0;

/// For how long each core works, in ns.
const TIME: f64 = 200_000.0;

/// What is simulated.
#[derive(Clone, Copy)]
pub struct Machine {
    pub cores: usize,
    pub depots: usize,
    /// What a line takes to come from another core, in ns.
    pub transfer: f64,
    /// What a core does between two exchanges, in ns.
    pub between: f64,
    /// Pages that are allocated and freed in the time of two exchanges.
    pub magazine: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Pages a ns, of all cores.
    pub pages: f64,
    /// Exchanges a µs at the word that had most.
    pub busiest: f64,
}

/// A depot's word, alone on its cache line.
#[derive(Clone, Copy, Default)]
struct Word {
    /// The core that had the line last.
    owner: Option<usize>,
    /// When the line can go on.
    free_at: f64,
    /// How often the word was changed.
    changes: u64,
}

/// What a core does next.
#[derive(Clone, Copy)]
enum Action {
    Load,
    /// It saw the word after so many changes.
    Swap(u64),
}

#[derive(Clone, Copy)]
struct Step {
    action: Action,
    /// It has asked for the line, and the request arrives now.
    asked: bool,
}

/// Picoseconds, for the heap: a time has an order then.
fn ps(ns: f64) -> u64 {
    (ns * 1000.0) as u64
}

impl Word {
    /// When a core that has the line at `now`, or whose request for it arrives then, has done what takes it
    /// so long.
    fn access(&mut self, core: usize, now: f64, arrives: f64, takes: f64) -> f64 {
        let arrives = if self.owner == Some(core) { 0.0 } else { arrives };
        self.owner = Some(core);
        self.free_at = now.max(self.free_at) + arrives + takes;
        self.free_at
    }
}

impl Machine {
    /// Runs all cores for a while.
    pub fn run(self) -> Rate {
        let mut words = vec![Word::default(); self.depots];
        let first = Step { action: Action::Load, asked: false };
        let mut steps = vec![first; self.cores];
        // They do not all come at once.
        let start = |core: usize| self.between * (core + 1) as f64 / self.cores as f64;
        let mut queue: BinaryHeap<_> =
            (0..self.cores).map(|core| Reverse((ps(start(core)), core))).collect();
        while let Some(Reverse((at, core))) = queue.pop() {
            let now = at as f64 / 1000.0;
            if now > TIME {
                break;
            }
            let word = &mut words[core % self.depots];
            let shared = self.cores > self.depots;
            // The magazine on top was put there by another core, where others use the depot.
            let link = if shared { self.transfer } else { LOCAL };
            let (step, half) = (&mut steps[core], self.transfer / 2.0);
            if word.owner != Some(core) && !step.asked {
                step.asked = true;
                queue.push(Reverse((ps(now + half), core)));
                continue;
            }
            step.asked = false;
            let next = match step.action {
                Action::Load => {
                    step.action = Action::Swap(word.changes);
                    word.access(core, now, half, LOCAL) + link
                }
                Action::Swap(changes) if changes == word.changes => {
                    word.changes += 1;
                    step.action = Action::Load;
                    word.access(core, now, half, SWAP) + self.between
                }
                Action::Swap(_) => {
                    step.action = Action::Swap(word.changes);
                    word.access(core, now, half, SWAP) + link
                }
            };
            queue.push(Reverse((ps(next), core)));
        }
        let changes = |word: &Word| word.changes as f64;
        let all: f64 = words.iter().map(changes).sum();
        let most = words.iter().map(changes).fold(0.0, f64::max);
        Rate { pages: all / 2.0 * self.magazine as f64 / TIME, busiest: 1000.0 * most / TIME }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine =
        Machine { cores: 1, depots: 1, transfer: 100.0, between: 20.0, magazine: 256 };

    #[test]
    fn one_core_waits_for_nobody() {
        let rate = MACHINE.run();
        let exchange = 20.0 + LOCAL + LOCAL + SWAP;
        assert!((rate.busiest - 1000.0 / exchange).abs() < 0.5, "{rate:?}");
        assert!((rate.pages - 128.0 / exchange).abs() < 0.1, "{rate:?}");
    }

    #[test]
    fn a_word_has_at_most_one_exchange_a_transfer() {
        for cores in [2, 8, 64] {
            let rate = Machine { cores, ..MACHINE }.run();
            assert!(rate.busiest > 0.0 && rate.busiest <= 1000.0 / SWAP, "{cores} {rate:?}");
            assert!(rate.pages < 2.0 * MACHINE.run().pages, "{cores} {rate:?}");
        }
    }

    #[test]
    fn a_depot_for_each_core_scales() {
        let one = MACHINE.run().pages;
        let many = Machine { cores: 32, depots: 32, ..MACHINE }.run().pages;
        assert!((many / one - 32.0).abs() < 0.5, "{many} {one}");
    }
}
