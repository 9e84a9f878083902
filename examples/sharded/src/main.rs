//! What a proxy does with a pool of buffers, over the crate `buffer-pool` and over pages behind the same interface, by
//! turns: see the head of `lib.rs`.
//!
//! - *datagrams*: two threads receive datagrams of 1,200 to 1,500 bytes and hand them to a third, which consumes a
//!   header, writes a prefix over it, and drops them.
//! - *bodies*: chunks of HTTP bodies of up to 64 KiB go the same way, three of four received in place, and are
//!   consumed packet by packet.
//! - *turnover*: two threads get a buffer for a datagram and drop it, and do nothing else.
//!
//! What is received is a copy out of memory, so that no system call hides what the pool costs. Every byte is compared.
//! A third contender is the original's design in a few lines, without the gauges that it counts with.
//!
//! The last line is for programs: `demo: {"ran": N, "out": M, "ratio": R}`. N counts datagrams, chunks and turnovers, M
//! what is out at the end, and R is the throughput of datagrams as a multiple of the original's. A wrong byte is a
//! panic, and the exit code is 1 if a buffer is missing at the end.

mod demo;

fn main() -> std::process::ExitCode {
    demo::main()
}
