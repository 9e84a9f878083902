//! An HTTP service that stages uploads in pages, and serves them to many readers without a copy, with a load that
//! verifies every byte, and the same service from the heap as its rival.
//!
//! `PUT /NAME` asks for all pages of an upload by one call, and waits in line if there are not so many. The body goes
//! from the socket into the pages by vectored reads. `GET /NAME` writes out of the same pages, for as many readers as
//! there are. A client that leaves gives up its place in the line, or its pages.
//!
//! ```text
//! cargo run --release -p service                              # the demo: load, rival, figures
//! cargo run --release -p service -- --quick                   # the same in some seconds
//! cargo run --release -p service -- --serve 127.0.0.1:8080    # for people: open / in a browser
//! curl -T FILE 127.0.0.1:8080/NAME
//! ```
//!
//! The exit code is 1 if a byte is wrong, or a page is missing at the end.

#[cfg(target_os = "linux")]
mod service;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    service::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("demo: {{\"skipped\": \"the service and its figures need Linux\"}}");
}
