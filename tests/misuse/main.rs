//! What becomes of each misuse, in each preset and with each hardening switch: prevented by types, detected (and what
//! is said), or not. The table of `features.md` is made from what is tried here.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
#[macro_use]
mod suite;
mod blocks;
mod counts;
mod devices;
mod fenced;
mod frees;
mod lost;
mod memory;
mod resized;
mod touched;
mod words;

/// Set, the table of `features.md` is written anew.
const WRITE: &str = "PAGESHEAF_WRITE_MISUSE";

#[test]
fn the_table_of_features_md_agrees() {
    if cfg!(pagesheaf_force_checks) {
        return;
    }
    let headings = include_str!("prevented.md").lines();
    let prevented: Vec<_> = headings.filter_map(|line| line.strip_prefix("## ")).collect();
    let tables =
        [frees::TABLE, blocks::TABLE, counts::TABLE, memory::TABLE, words::TABLE, lost::TABLE];
    let tables = tables.into_iter().chain([resized::TABLE, fenced::TABLE, devices::TABLE]);
    let misuses: Vec<_> = tables.flatten().collect();
    let table = suite::markdown(&prevented, &misuses);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/features.md");
    let text = std::fs::read_to_string(path).expect("features.md");
    let (begin, end) = ("<!-- misuse:begin -->\n", "<!-- misuse:end -->");
    let (before, rest) = text.split_once(begin).expect("a place for the table");
    let (written, after) = rest.split_once(end).expect("the end of the table");
    if std::env::var_os(WRITE).is_some() {
        let text = [before, begin, &table, end, after].concat();
        std::fs::write(path, text).expect("features.md can be written");
    } else {
        assert_eq!(written, table, "with {WRITE}=1 in the environment, this test writes the table");
    }
}
