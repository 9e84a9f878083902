//! What the system says of this process.

use std::fs;

/// Seconds of processor time, of all threads.
#[cfg(unix)]
pub fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Nobody says.
#[cfg(not(unix))]
pub fn cpu() -> f64 {
    f64::NAN
}

/// KiB that are resident.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
