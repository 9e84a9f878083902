//! What the system says of this process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor time: of the whole process, and of this thread.
pub fn cpu() -> [f64; 2] {
    [ClockId::ProcessCPUTime, ClockId::ThreadCPUTime].map(|clock| {
        let time = clock_gettime(clock);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    })
}

/// Between two looks at the memory that is resident.
const LOOKS: Duration = Duration::from_micros(50);

/// Memory of the process that is resident, in bytes.
pub fn resident() -> io::Result<u64> {
    Statm::open()?.resident()
}

/// Runs it, and says how much memory was resident at most, as looks show that a thread takes meanwhile. The system's
/// own peak (`VmHWM`) is of counts that it gathers later: where memory goes back while it runs, as that of a heap does,
/// it was 0.1 to 0.3 MB less than what a look had shown.
pub fn most_resident<R>(run: impl FnOnce() -> R) -> io::Result<(R, u64)> {
    let (statm, runs) = (Statm::open()?, Arc::new(()));
    let watched = Arc::downgrade(&runs);
    let looks = thread::spawn(move || {
        let mut most = 0;
        loop {
            most = most.max(statm.resident()?);
            if watched.strong_count() == 0 {
                return Ok::<_, io::Error>(most);
            }
            thread::sleep(LOOKS);
        }
    });
    let result = run();
    drop(runs);
    Ok((result, looks.join().expect("no panic")?))
}

/// Where the system says how much memory is resident. With Linux 6.18 that was what `smaps_rollup` says, to the page.
struct Statm(File);

impl Statm {
    fn open() -> io::Result<Self> {
        File::open("/proc/self/statm").map(Statm)
    }

    /// Bytes that are resident.
    fn resident(&self) -> io::Result<u64> {
        let mut text = [0; 128];
        let len = self.0.read_at(&mut text, 0)?;
        let pages = text[..len].split(|&byte| byte == b' ').nth(1);
        let pages = pages.and_then(|pages| str::from_utf8(pages).ok()?.parse::<u64>().ok());
        let pages = pages.ok_or_else(|| io::Error::other("no count of resident memory"))?;
        Ok(pages * rustix::param::page_size() as u64)
    }
}

/// Has the heap give back what it keeps for later.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call has no requirements.
    unsafe {
        libc::malloc_trim(0);
    }
}
