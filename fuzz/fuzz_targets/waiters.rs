//! Tasks that wait for pages of one pool.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pagesheaf_fuzz::waiters(input));
