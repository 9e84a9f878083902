//! Sequences of operations on two threads.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pagesheaf_fuzz::both(input));
