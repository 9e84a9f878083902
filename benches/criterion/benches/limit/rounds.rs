//! Everybody has a turn in each round of one process, and the median counts: times are compared within one run.

use std::hint::black_box;
use std::time::Instant;

/// Calls in a turn.
const CALLS: usize = 1024;

/// 64 MiB of words: more than the caches of most processors hold.
const FAR: usize = 1 << 23;

/// So many rounds.
pub struct Rounds(pub usize);

/// What has turns: it is told which round it is, and how many calls to make.
pub type Body<'a> = &'a mut dyn FnMut(usize, usize);

impl Rounds {
    /// Prints a line: how many ns a page takes for each, `n` pages a call.
    pub fn print(&self, n: usize, bodies: &mut [Body<'_>]) {
        self.print_after(|| (), n, bodies);
    }

    /// As `print`, but all that a turn touches comes from memory when it touches it first.
    pub fn print_cold(&self, n: usize, bodies: &mut [Body<'_>]) {
        let far = vec![1_u64; FAR];
        self.print_after(|| _ = black_box(black_box(&far[..]).iter().sum::<u64>()), n, bodies);
    }

    fn print_after(&self, before: impl Fn(), n: usize, bodies: &mut [Body<'_>]) {
        let mut times = vec![Vec::new(); bodies.len()];
        for round in 0..self.0 {
            for (body, times) in bodies.iter_mut().zip(&mut times) {
                body(round, CALLS / 16);
                before();
                let start = Instant::now();
                body(round, CALLS);
                times.push(start.elapsed().as_secs_f64() * 1e9 / (CALLS * n) as f64);
            }
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            format!("{:10.4}", times[times.len() / 2])
        };
        println!("{n:13}{}", times.iter_mut().map(median).collect::<String>());
    }
}
