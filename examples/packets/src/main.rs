//! A packet forwarder on AF_XDP, whose UMEM is the region of a pool.
//!
//! The program makes a pair of interfaces (veth) in network namespaces of its own. A load sends packets into one end.
//! At the other end a forwarder swaps the MAC addresses of what it receives and sends it back. The pool gives pages to
//! the fill ring and the TX ring (`lend_new`, `lend`), and gets them back from the RX ring and the completion ring
//! (`reclaim_at`, `free_lent`). In the middle of the run the interface is deleted, with all that it had (`lent`,
//! `reclaim_all`). The same forwarder runs with a `VecDeque<u64>` of free frames, by turns.
//!
//! ```text
//! cargo run --release -p packets                        # as root: AF_XDP
//! cargo run --release -p packets -- --quick             # some seconds
//! cargo run --release -p packets -- --transport packet  # an AF_PACKET socket in its place
//! ```
//!
//! Where the system refuses AF_XDP, or bpf(2), an AF_PACKET socket serves the same four rings. Where it refuses
//! namespaces, too, another thread does. The output says which it was, and why. The exit code is 1 if a packet comes
//! back wrong or twice, if one was dropped that nobody counted, or if a page is missing at the end.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("demo: {{\"skipped\": \"AF_XDP, AF_PACKET and network namespaces are Linux's\"}}");
}
