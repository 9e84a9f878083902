//! Two cores for who measures two threads without the matrix, and how far apart they are by now.

use anyhow::Result;

use crate::clock::{self, Cores, Distance};
use crate::partner::Partner;

/// How often a cache line goes to and fro for a look.
const TRIPS: usize = 50;

/// Two cores, on one of which the thread runs that made this.
pub struct TwoCores {
    cores: Cores,
    partner: Partner,
}

impl TwoCores {
    /// Keeps this thread, and those that it starts, on one core, if there is another.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn new() -> Result<Option<Self>> {
        let cores = clock::pin();
        if cores.1.is_none() {
            return Ok(None);
        }
        Ok(Some(TwoCores { cores, partner: Partner::new(cores)? }))
    }

    /// Moves the calling thread to the other core, for good.
    pub fn move_to_other(&self) {
        clock::pin_other(self.cores);
    }

    /// How far apart the two are: a virtual machine's cores move, so it holds for a moment.
    #[must_use]
    pub fn distance(&self) -> Distance {
        let trips = (0..4).map(|_| clock::round_trip(&self.partner, TRIPS));
        Distance::of(trips.fold(f64::INFINITY, f64::min))
    }
}
