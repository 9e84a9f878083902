//! Sequences of operations on one thread.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pagesheaf_fuzz::alone(input));
