//! Clocks, cores, and how far apart two cores are.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;

use crate::partner::Partner;
use crate::ring::{Line, Patience};

/// The core that measures, and the one that other threads run on, if there is one.
pub type Cores = (Option<CoreId>, Option<CoreId>);

/// How far apart two threads run. A virtual machine's cores may move while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// As near as two hardware threads of one core, of which each slows the other, whatever they do.
    OneCore,
    /// On cores that share a cache.
    Near,
    /// On cores that do not.
    Far,
}

impl Distance {
    /// All, those first at which figures are wanted.
    pub const ALL: [Distance; 3] = [Distance::Near, Distance::Far, Distance::OneCore];

    /// By how many ns a cache line takes from one to the other and back.
    #[must_use]
    pub fn of(round_trip: f64) -> Self {
        match round_trip {
            ..36.0 => Distance::OneCore,
            ..200.0 => Distance::Near,
            _ => Distance::Far,
        }
    }
}

/// Keeps this thread on one core.
pub fn pin() -> Cores {
    let all = core_affinity::get_core_ids().unwrap_or_default();
    let cores = (all.first().copied(), all.get(1).copied());
    cores.0.map(core_affinity::set_for_current);
    cores
}

/// Keeps another thread on the other core.
pub fn pin_other(cores: Cores) {
    cores.1.or(cores.0).map(core_affinity::set_for_current);
}

/// How long it takes.
pub fn time(body: impl FnOnce()) -> Duration {
    let start = Instant::now();
    body();
    start.elapsed()
}

/// A loop of four independent adds, about 100 µs: it takes longer when a neighbour disturbs this core.
#[inline(never)]
pub fn calibration() -> Duration {
    let start = Instant::now();
    let mut sums = black_box([1u64, 2, 3, 4]);
    for step in 0..100_000u64 {
        for sum in &mut sums {
            *sum = black_box(sum.wrapping_add(step));
        }
    }
    black_box(sums);
    start.elapsed()
}

/// Cycles of the time stamp counter per ns, where there is one.
pub fn cycles_per_ns() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction.
        let read = || unsafe { core::arch::x86_64::_rdtsc() };
        let (start, before) = (Instant::now(), read());
        thread::sleep(Duration::from_millis(50));
        Some((read() - before) as f64 / start.elapsed().as_nanos() as f64)
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// How long a cache line takes to the other core and back, in ns, at the median.
pub fn line_round_trip(cores: Cores, partner: &Partner) -> Option<f64> {
    cores.1?;
    let mut trips: Vec<f64> = (0..15).map(|_| round_trip(partner, 2_000)).collect();
    trips.sort_by(f64::total_cmp);
    Some(trips[trips.len() / 2])
}

/// How long a cache line takes to the partner and back, in ns, as the mean of so many trips.
pub fn round_trip(partner: &Partner, count: usize) -> f64 {
    let Line(ball) = &Line(AtomicUsize::new(0));
    let trips = |first: usize| {
        let mut patience = Patience::default();
        for trip in 0..count {
            while ball.load(Ordering::Acquire) != 2 * trip + first {
                patience.wait();
            }
            ball.store(2 * trip + first + 1, Ordering::Release);
        }
    };
    let time = partner.beside(|_| trips(1), || time(|| trips(0)));
    time.as_nanos() as f64 / count as f64
}
