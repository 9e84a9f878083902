//! What the system allows: rings, and memory that they pin.

use std::fmt;
use std::io;

use io_uring::IoUring;
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};

/// Whether there is io_uring: containers and administrators may forbid it.
pub fn probe() -> io::Result<()> {
    IoUring::new(8).map(drop)
}

/// How much memory the process may have locked, and so registered with rings.
pub struct MemLock {
    /// `RLIMIT_MEMLOCK`; `None` is unlimited.
    pub limit: Option<u64>,
    /// The kernel does not count for processes with `CAP_IPC_LOCK`.
    pub exempt: bool,
}

impl MemLock {
    /// That of this process.
    pub fn get() -> Self {
        let exempt =
            capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
        MemLock { limit: getrlimit(Resource::Memlock).current, exempt }
    }
}

impl fmt::Display for MemLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "RLIMIT_MEMLOCK is {} KiB", limit >> 10)?,
            None => f.write_str("RLIMIT_MEMLOCK is unlimited")?,
        }
        if self.exempt { f.write_str(", which CAP_IPC_LOCK lifts") } else { Ok(()) }
    }
}
