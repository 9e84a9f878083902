//! The tests of the core as one program, over five modes: what `cargo xtask mutants` builds once for
//! each mutant, beside the sequences of `tests/model`.
#![cfg(pagesheaf_mutants)]
#![allow(clippy::duplicate_mod, reason = "each test crate has its own copy of what they share")]

#[macro_use]
mod common;

#[path = "contract/main.rs"]
mod contract;
#[path = "misuse/main.rs"]
mod misuse;
#[path = "modes/main.rs"]
mod modes;
#[path = "owners.rs"]
mod owners;
