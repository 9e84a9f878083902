//! What is said of every public type is tried for every public type.

use std::collections::BTreeSet;
use std::fs::read_to_string;

use regex::Regex;

use crate::run::root;
use crate::tidy::examples::exported;
use crate::tidy::paths;

const LIB: &str = include_str!("../../../src/lib.rs");
const UNWINDING: &str = include_str!("../../../tests/contract/unwinding.rs");

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a regular expression")
}

/// The traits of the crate.
fn traits() -> BTreeSet<String> {
    let declared = expression(r"pub (?:unsafe )?trait (\w+)");
    let paths = paths().expect("the paths");
    let sources = paths.iter().filter(|path| path.starts_with("src/"));
    let texts = sources.filter_map(|path| read_to_string(root().join(path)).ok());
    let of = |text: String| {
        let names = declared.captures_iter(&text).map(|found| found[1].to_owned());
        names.collect::<Vec<_>>()
    };
    texts.flat_map(of).collect()
}

#[test]
fn every_public_type_is_tried_for_unwinding() {
    let (exported, traits) = (exported(LIB), traits());
    for name in ["Pool", "Helper", "Outstanding", "Mode", "hardening"] {
        assert!(exported.contains(name), "{name} in {exported:?}");
    }
    assert!(traits.contains("Mode") && traits.contains("AsymmetricFence"), "{traits:?}");
    let (_, tried) = UNWINDING.split_once("fn every_public_type_is_unwind_safe").expect("a test");
    let (tried, _) = tried.split_once("\n}\n").expect("its end");
    let is_type = |name: &&str| name.starts_with(char::is_uppercase) && !traits.contains(*name);
    for name in exported.into_iter().filter(is_type) {
        assert!(expression(&format!(r"\b{name}\b")).is_match(tried), "{name} is not tried");
    }
}
