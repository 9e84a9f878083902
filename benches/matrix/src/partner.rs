//! The thread on the other core. It lives as long as the run, so that what allocators keep for a thread stays warm.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::clock::{self, Cores};
use crate::ring::{Line, Patience};

/// A thread that runs beside this one.
pub struct Partner(ThreadPool);

/// Says at its end that something has ended.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Partner {
    /// Starts it, on the other core.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn new(cores: Cores) -> Result<Self> {
        let pool = ThreadPoolBuilder::new().num_threads(1);
        let pool = pool.start_handler(move |_| clock::pin_other(cores)).build();
        Ok(Partner(pool.context("no second thread")?))
    }

    /// Runs `own` while `other` runs on the other core. `other` is told when `own` has ended.
    pub fn beside<R>(
        &self,
        other: impl FnOnce(&dyn Fn() -> bool) + Send,
        own: impl FnOnce() -> R,
    ) -> R {
        // The other thread looks at one again and again: it must not lie beside what `own` has on its stack.
        let (ready, ended) = (Line(AtomicBool::new(false)), Line(AtomicBool::new(false)));
        let (ready, ended) = (&ready.0, &ended.0);
        self.0.in_place_scope(|scope| {
            scope.spawn(move |_| {
                ready.store(true, Ordering::Release);
                other(&|| !ended.load(Ordering::Relaxed));
            });
            let mut patience = Patience::default();
            while !ready.load(Ordering::Acquire) {
                patience.wait();
            }
            // Also if `own` panics: the scope waits for the other.
            let _at_the_end = Ends(ended);
            own()
        })
    }
}
