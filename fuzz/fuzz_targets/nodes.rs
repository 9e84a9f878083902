//! Sequences of calls to a set of nodes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pagesheaf_fuzz::nodes(input));
