//! Rounds of the load against one server, measured.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::load::{self, Done, Material, Plan};
use super::running::Running;
use super::staging::Staging;
use super::system;

/// The load's side: a runtime of its own, on the thread of the demo.
pub struct Loader {
    pub runtime: Runtime,
    pub material: Rc<Material>,
    exchanges: u64,
    clients: usize,
    first: u64,
}

/// What a round took.
pub struct Round {
    pub seconds: f64,
    /// Of the server's thread, and of the process.
    pub cpu: [f64; 2],
    pub done: Done,
}

impl Loader {
    /// For rounds of so many connections, each with so many clients at once.
    pub fn new(runtime: Runtime, connections: u64, clients: usize) -> Self {
        let exchanges = connections / 2 * load::EXCHANGES;
        Loader { runtime, material: Rc::new(Material::new(clients)), exchanges, clients, first: 0 }
    }

    /// Names and sizes of the rounds to come: both sides have the same.
    pub fn next(&mut self) {
        self.first += self.exchanges;
    }

    /// One round.
    pub fn round<S: Staging>(&self, on: &Running<S>, lingers: Duration) -> io::Result<Round> {
        let Loader { exchanges, first, clients, .. } = *self;
        let plan = Plan { address: on.address, exchanges, first, clients, lingers };
        let (start, before) = (Instant::now(), system::cpu());
        let done = self.runtime.block_on(load::run(plan, self.material.clone()))?;
        let (seconds, after) = (start.elapsed().as_secs_f64(), system::cpu());
        let [process, this] = [after[0] - before[0], after[1] - before[1]];
        Ok(Round { seconds, cpu: [process - this, process], done })
    }
}

impl Round {
    /// Bytes in a second.
    pub fn throughput(&self) -> f64 {
        self.done.bytes as f64 / self.seconds
    }
}
