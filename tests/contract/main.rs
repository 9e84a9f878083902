//! What the public calls promise, in every mode. One program, because it is linked sooner than ten.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

/// What every mode promises is not tried with a hardening switch alone: the misuses and the sequences of `tests/model`
/// have these, and `cargo xtask test --full` has them here, too. This program takes longest to build.
#[cfg(not(pagesheaf_full))]
macro_rules! stamp_switches {
    ($($bodies:tt)+) => {};
}

mod audits;
mod bad_input;
mod build_in;
mod calls;
mod checks;
mod closing;
mod complete;
mod crossings;
mod device_addresses;
mod devices;
mod draining;
mod exact;
#[cfg(feature = "fault-injection")]
mod faults;
mod fenced;
mod footprint;
mod given;
mod hooks;
mod idle;
mod lazy;
mod maintain;
mod marks;
mod named;
mod nodes;
mod pending;
mod pending_calls;
mod planning;
mod prefill;
mod pressure;
mod promised;
mod refusals;
mod regions;
mod reports;
mod requests;
mod reserve;
mod resizing;
mod reuse;
mod runs;
mod sampling;
mod sizes;
mod statics;
mod stealing;
mod taints;
mod texts;
mod threads;
#[cfg(feature = "track")]
mod tracking;
#[cfg(feature = "track")]
mod tracking_calls;
mod unwinding;
mod values;
mod waiting;
#[cfg(feature = "std")]
mod waiting_threads;
mod zeroed;
