//! The tests of the core as one program, over four modes: what `cargo xtask mutants` builds once for each mutant.
#![cfg(pagesheaf_mutants)]
#![allow(clippy::duplicate_mod, reason = "each test crate has its own copy of what they share")]

#[macro_use]
mod common;

#[path = "bad_input.rs"]
mod bad_input;
#[path = "build_in.rs"]
mod build_in;
#[path = "calls/main.rs"]
mod calls;
#[path = "checks.rs"]
mod checks;
#[path = "closing.rs"]
mod closing;
#[path = "draining.rs"]
mod draining;
#[path = "footprint.rs"]
mod footprint;
#[path = "misuse/main.rs"]
mod misuse;
#[path = "model/main.rs"]
mod model;
#[path = "modes/main.rs"]
mod modes;
#[path = "owners.rs"]
mod owners;
#[path = "regions.rs"]
mod regions;
#[path = "reports.rs"]
mod reports;
#[path = "runs.rs"]
mod runs;
#[path = "threads.rs"]
mod threads;
