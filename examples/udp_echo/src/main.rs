//! A UDP echo server on loopback, written the way a packet stack would use a pool, with a load that counts every
//! datagram.
//!
//! One thread receives datagrams in bulk straight into the pages of a batch, and hands the batch to a second thread,
//! which answers in bulk and frees it. A third thread sends the load and compares every answer byte for byte. When the
//! pool has no page, the receiver discards what arrives and counts it, as a network card does.
//!
//! ```text
//! cargo run --release -p udp_echo -- --mode checked --datagrams 200000 --pages 4096
//! cargo run --release -p udp_echo -- --pages 16         # too small: drops, counted
//! ```
//!
//! Every datagram has to be accounted for: answered, or counted as dropped by the pool or by a socket. The exit code is
//! 1 if one is not, if an answer is wrong, or if a page is missing at the end.

#[cfg(target_os = "linux")]
mod echo;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    echo::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("udp_echo needs recvmmsg and sendmmsg, which only Linux has");
}
