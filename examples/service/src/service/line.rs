//! Who waits for room, what became of those who did, and why they had to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::staging::Short;

/// Counts of uploads that wait.
#[derive(Default)]
pub struct Line {
    waiting: AtomicU64,
    pub granted: AtomicU64,
    pub left: AtomicU64,
    pub late: AtomicU64,
    reasons: Mutex<BTreeMap<String, u64>>,
}

impl Line {
    /// How many wait now.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// One more waits, until the result is dropped.
    pub fn join(&self, why: Short) -> Waiting<'_> {
        *self.reasons.lock().expect("no panic").entry(why.to_string()).or_default() += 1;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// How often each reason was given.
    pub fn reasons(&self) -> BTreeMap<String, u64> {
        self.reasons.lock().expect("no panic").clone()
    }
}

/// One that waits.
pub struct Waiting<'a>(&'a Line);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [granted, left, late] =
            [&self.granted, &self.left, &self.late].map(|count| count.load(Ordering::Relaxed));
        write!(f, "waited: {granted} were granted, {left} left, {late} gave up;")?;
        self.reasons().iter().try_for_each(|(reason, times)| write!(f, " {reason} {times}"))
    }
}
