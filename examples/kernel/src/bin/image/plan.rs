//! What the command line asks for, and where the CPUs meet.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::apic::CPUS;
use crate::memory_map::Boot;

/// Written before the other CPUs start.
pub struct Plan {
    cpus: AtomicUsize,
    operations: AtomicUsize,
    race: AtomicUsize,
}

/// What the command line asks for.
pub static PLAN: Plan =
    Plan { cpus: AtomicUsize::new(0), operations: AtomicUsize::new(0), race: AtomicUsize::new(0) };

impl Plan {
    /// Reads the command line.
    pub fn set(&self, boot: &Boot) {
        let cpus = boot.number("cpus").unwrap_or(1);
        assert!((1..=CPUS).contains(&cpus), "cpus={cpus}: 1 to {CPUS}");
        self.cpus.store(cpus, Ordering::Relaxed);
        let operations = boot.number("operations").unwrap_or(100_000);
        assert!(operations >= 8 * cpus, "operations={operations}: 8 for each CPU, or more");
        self.operations.store(operations, Ordering::Relaxed);
        self.race.store(boot.number("race").unwrap_or(0), Ordering::Relaxed);
    }

    /// So many CPUs work.
    pub fn cpus(&self) -> usize {
        self.cpus.load(Ordering::Relaxed)
    }

    /// So many operations, of all CPUs together.
    pub fn operations(&self) -> usize {
        self.operations.load(Ordering::Relaxed)
    }

    /// So many operations in a turn of the race; none, and there is no race.
    pub fn race(&self) -> usize {
        self.race.load(Ordering::Relaxed)
    }
}

/// Where CPUs wait for each other, again and again.
pub struct Barrier(AtomicUsize);

/// The one that they have.
pub static BARRIER: Barrier = Barrier(AtomicUsize::new(0));

impl Barrier {
    /// Waits until all of `cpus` CPUs are here. AcqRel: what each did before happens before what
    /// any does after.
    pub fn wait(&self, cpus: usize) {
        let all = (self.0.fetch_add(1, Ordering::AcqRel) / cpus + 1) * cpus;
        while self.0.load(Ordering::Acquire) < all {
            spin_loop();
        }
    }
}
