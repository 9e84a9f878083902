//! Rivals in the benchmark matrix: other allocators, and what people use in their place, in the same process and the
//! same rounds as the modes of pagesheaf.
//!
//! Each is used as its own users would: in bulk where it has bulk calls, else page by page.

#[cfg(feature = "dpdk")]
mod dpdk;
#[cfg(feature = "frame-alloc")]
mod frames;
mod heaps;
#[cfg(feature = "queues")]
mod queues;

use matrix::Entry;

fn main() -> anyhow::Result<()> {
    let mut rivals: Vec<Entry> = heaps::entries();
    #[cfg(feature = "queues")]
    rivals.extend(queues::entries());
    #[cfg(feature = "frame-alloc")]
    rivals.extend(frames::entries());
    #[cfg(feature = "dpdk")]
    rivals.extend(dpdk::entries());
    // A line for each rival that could not be built, from whoever built the others.
    let absent = std::env::var("PEERS_LEFT_OUT").unwrap_or_default();
    matrix::main("cargo xtask peers", rivals, absent.lines().map(str::to_owned).collect())
}
