//! What the system says of this process.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor time: of the whole process, and of this thread.
pub fn cpu() -> [f64; 2] {
    [ClockId::ProcessCPUTime, ClockId::ThreadCPUTime].map(|clock| {
        let time = clock_gettime(clock);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    })
}

/// Memory of the process that is resident, in bytes: now, and at the peak.
pub fn resident() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.unwrap_or(0_u64) * 1024
    })
}

/// Lets the peak begin anew. False where the system does not.
pub fn reset_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Has the heap give back what it keeps for later.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call has no requirements.
    unsafe {
        libc::malloc_trim(0);
    }
}
