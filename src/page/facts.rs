//! What `cargo xtask prove` is told: constants of the crate, and what it computes for some values. The proofs of
//! `proofs/` are of those.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{format, println};

/// A constant of the file with this name.
pub(crate) fn constant(file: &str, name: &str, value: u64) {
    println!("fact {file} constant {name} {value}");
}

/// A call of a definition in this file is equal to that.
pub(crate) fn sample(file: &str, call: &str, value: &str) {
    println!("fact {file} sample (= {call} {value})");
}

/// A number of 32 bits, in the words of the proofs.
pub(crate) fn word(value: u32) -> String {
    format!("(_ bv{value} 32)")
}

/// One of 64.
pub(crate) fn long(value: u64) -> String {
    format!("(_ bv{value} 64)")
}

/// Numbers of all lengths, with both ends of each.
pub(crate) fn numbers() -> Vec<u64> {
    let mut all: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, u64::MAX >> bit]).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    all.extend((0..64).map(|length| {
        random = random.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        random >> length
    }));
    all
}
