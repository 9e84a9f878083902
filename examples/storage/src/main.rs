//! Pages as the kernel's buffers: a direct file copy, and a UDP echo, both on io_uring.
//!
//! The copy reads into pages that are registered with the ring, hands them to a thread that makes
//! checksums, and writes from the same pages. The echo receives into a ring of provided buffers,
//! whose buffer ids are page numbers, and answers from the same page. Each runs by turns with what
//! programs write by hand in place of the pool: the copy with `Mutex<Vec<Box<_>>>` and a condition
//! variable, the echo, which is one thread, with a slab and a `Vec<u16>`. And each runs with pages
//! enough (*roomy*) and with too few (*tight*): then readers wait, and datagrams are discarded.
//!
//! ```text
//! cargo run --release -p storage -- --quick
//! cargo run --release -p storage -- --mib 256 --datagrams 50000
//! ```
//!
//! The last line is for programs: `demo: {"ran": N, "out": M, "ratio": R, "ratios": {…}}`. N counts
//! the pages that were copied and the datagrams that were answered from pages, M the pages that are
//! out or lent at the end. `ratios` has, for each comparison, the speed with the pool divided by
//! that with its rival, both without registered buffers, and R is the geometric mean of those with
//! pages enough. Rounds of one variant differ by more than variants do. The exit code is 1 if a copy
//! differs, a datagram is unaccounted for, or a page is missing. Where there is no io_uring, the
//! line says so, and the exit code is 0.

#[cfg(target_os = "linux")]
mod storage;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    storage::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("demo: {{\"skipped\": \"io_uring is for Linux\"}}");
}
