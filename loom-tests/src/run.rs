//! Running a model: under loom, or on real threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

pub(crate) use imp::AtomicU64;

/// How far loom explores a model.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// Every execution: for models of a single mechanism.
    Exhaustive,
    /// Every execution in which threads are interrupted at most twice, or `LOOM_MAX_PREEMPTIONS` times: for models
    /// of several mechanisms together.
    Composite,
    /// Every execution in which threads are interrupted at most four times: for models of a single mechanism that have
    /// too many.
    Long,
    /// Every execution in which threads are interrupted at most once: for calls that run dry on both sides, and then
    /// read every word that others may just have written.
    Dry,
}

/// A claim to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The claim.
    pub name: &'static str,
    /// The mode it is tried in; `any` if none plays a part.
    pub mode: &'static str,
    /// How far it is explored.
    pub bound: Bound,
    /// The least number of executions that loom must find, lest the model be vacuous.
    pub least: usize,
}

impl Model {
    /// Tries the claim, and prints a line of JSON that says how thoroughly.
    ///
    /// # Panics
    /// When the claim does not hold, or the model has fewer executions than it should have.
    pub fn check(self, body: impl Fn() + Send + Sync + 'static) {
        let executions = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&executions);
        let start = Instant::now();
        let preemptions = imp::explore(self.bound, move || {
            count.fetch_add(1, Ordering::Relaxed);
            body();
        });
        let seconds = start.elapsed().as_secs_f64();
        let Model { name, mode, least, .. } = self;
        let executions = executions.load(Ordering::Relaxed);
        let bound = preemptions.map_or_else(|| "null".into(), |bound| bound.to_string());
        println!(
            r#"{{"model": "{name}", "mode": "{mode}", "executions": {executions}, "least": {least}, "bound": {bound}, "seconds": {seconds:.2}}}"#
        );
        assert!(
            executions >= least || !cfg!(pagesheaf_loom) || is_short(),
            "{name} [{mode}] has {executions} executions, fewer than {least}"
        );
    }
}

/// Whether this is a short run: `LOOM_MAX_PREEMPTIONS` bounds every model, and nobody asks how many executions it has.
fn is_short() -> bool {
    std::env::var_os("PAGESHEAF_SHORT").is_some()
}

/// Runs two parties at once, the second on the calling thread, and returns what they bring back.
pub fn race<A: Send + 'static, B>(
    first: impl FnOnce() -> A + Send + 'static,
    second: impl FnOnce() -> B,
) -> (A, B) {
    let first = imp::spawn(first);
    let second = second();
    (first.join().expect("the first party"), second)
}

/// As [`race`], for three.
pub fn race3<A: Send + 'static, B: Send + 'static, C>(
    first: impl FnOnce() -> A + Send + 'static,
    second: impl FnOnce() -> B + Send + 'static,
    third: impl FnOnce() -> C,
) -> (A, B, C) {
    let second = imp::spawn(second);
    let (first, third) = race(first, third);
    (first, second.join().expect("the second party"), third)
}

/// A value without protection of its own: under loom, any two accesses that are not ordered are reported.
pub struct Cell(imp::UnsafeCell<u64>);

// SAFETY: models touch a cell only where they claim to be alone; loom checks the claim.
unsafe impl Sync for Cell {}

impl Default for Cell {
    fn default() -> Self {
        Cell(imp::UnsafeCell::new(0))
    }
}

impl Cell {
    /// The value; nobody writes it now.
    #[track_caller]
    pub fn get(&self) -> u64 {
        // SAFETY: by the claim of the model, no other thread writes.
        self.0.with(|value| unsafe { *value })
    }

    /// Adds one; nobody else touches it now.
    #[track_caller]
    pub fn bump(&self) {
        // SAFETY: by the claim of the model, no other thread reads or writes.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }
}

#[cfg(pagesheaf_loom)]
mod imp {
    pub(super) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::atomic::AtomicU64;
    pub(super) use loom::thread::spawn;

    use super::Bound;

    /// Explores `body` and returns the bound on preemptions, if there was one.
    pub(super) fn explore(bound: Bound, body: impl Fn() + Send + Sync + 'static) -> Option<usize> {
        let mut builder = loom::model::Builder::new();
        // A deeper run is of composite models: it makes no other go less far, or without an end.
        let short = builder.preemption_bound.filter(|_| super::is_short());
        builder.preemption_bound = match bound {
            Bound::Exhaustive => short,
            Bound::Composite => builder.preemption_bound.or(Some(2)),
            Bound::Long => Some(short.map_or(4, |most| most.min(4))),
            Bound::Dry => Some(short.map_or(1, |most| most.min(1))),
        };
        // A model that was cut short would have proved nothing.
        (builder.max_duration, builder.max_permutations) = (None, None);
        builder.max_branches = 20_000;
        builder.check(body);
        builder.preemption_bound
    }
}

#[cfg(not(pagesheaf_loom))]
mod imp {
    pub(crate) use std::sync::atomic::AtomicU64;
    pub(super) use std::thread::spawn;

    use super::Bound;

    /// How often a body runs.
    const ROUNDS: usize = 300;

    pub(super) fn explore(_bound: Bound, body: impl Fn()) -> Option<usize> {
        (0..ROUNDS).for_each(|_| body());
        None
    }

    /// `std`'s cell with loom's shape.
    pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(super) fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        pub(super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
