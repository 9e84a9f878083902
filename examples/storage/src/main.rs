//! Pages as the kernel's buffers: a direct file copy, and a UDP echo, both on io_uring.
//!
//! The copy reads into pages that are registered with the ring, hands them to a thread that makes
//! checksums, and writes from the same pages. The echo receives into a ring of provided buffers,
//! whose buffer ids are page numbers, and answers from the same page. The copy runs a second time,
//! by turns, with `Mutex<Vec<Box<_>>>` in place of the pool.
//!
//! ```text
//! cargo run --release -p storage -- --quick
//! cargo run --release -p storage -- --mib 256 --datagrams 200000
//! ```
//!
//! The last line is for programs: `demo: {"ran": N, "out": M, "ratio": R}`. N counts the pages that
//! were copied and the datagrams that were answered, M the pages that are out or lent at the end,
//! and R is the speed of the copy with the pool divided by that with the vector, both without
//! registered buffers. Rounds of one variant differ by more than variants do. The exit code is 1 if
//! a copy differs, a datagram is unaccounted for, or a page is missing. Where there is no io_uring,
//! the line says so, and the exit code is 0.

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
