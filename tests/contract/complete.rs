//! Whether a test that says that it tries every call does.

use std::collections::BTreeSet;

/// Where the calls are declared that caches and pools have.
const DECLARED: [&str; 6] = [
    include_str!("../../src/calls/methods.rs"),
    include_str!("../../src/calls/raw_methods.rs"),
    include_str!("../../src/calls/block_methods.rs"),
    include_str!("../../src/calls/device_methods.rs"),
    include_str!("../../src/wait/tasks.rs"),
    include_str!("../../src/wait/timeout.rs"),
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|part: char| !part.is_alphanumeric() && part != '_')
}

/// The names behind `fn`, where it is public.
fn declared(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with("pub "));
    let names = lines.filter_map(|line| line.split_once(" fn "));
    names
        .filter(|(before, _)| !before.contains('('))
        .filter_map(|(_, name)| words(name).next())
        .collect()
}

/// Every call of a cache or a pool is named in one of these sources of tests.
///
/// # Panics
/// With the names of those that are not.
pub fn every_call_is_in(tests: &[&str]) {
    // A comment tries nothing.
    let code = tests.iter().flat_map(|text| text.lines()).map(str::trim_start);
    let tried: BTreeSet<_> = code.filter(|line| !line.starts_with("//")).flat_map(words).collect();
    let calls: BTreeSet<_> = DECLARED.iter().flat_map(|text| declared(text)).collect();
    assert!(calls.len() > 40 && calls.contains("alloc_bulk"), "{calls:?}");
    let missing: Vec<_> = calls.difference(&tried).collect();
    assert!(missing.is_empty(), "nothing tries {missing:?}");
}
