//! The misuses that touch the bytes of a free page: with the feature `sanitizer-hooks`, AddressSanitizer and valgrind
//! find them in any mode. `tests/stress/stale.rs` tries each of them under both.

/// By their lines in the table.
pub const TOUCHED: [&str; 9] = [
    "write to a freed page that lies in a cache",
    "write to a freed page that lies in the depot",
    "write to a freed page that lies in the zone",
    "write to a free page whose memory went back, which is allocated as zeros",
    "read of a freed page's old bytes",
    "writes all over freed pages: what becomes of the free lists",
    "a fence that says too early that a ticket has passed: the device writes to a free page",
    "a device that writes to a page after it was taken back, and freed",
    "a read through a reference, after a free that overrode it",
];
