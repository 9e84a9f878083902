//! The crate builds with sets of its features.

use anyhow::Result;

use crate::run::{cargo, run, target};

/// The features that choose a mode, and those that harden it, which turn `checks` on.
const MODE: [&str; 3] = ["refcount", "stats", "checks"];
const HARDENING: [&str; 5] = ["claim", "poison", "quarantine", "shuffle", "hardened"];
/// Those that add calls.
const CALLS: [&str; 2] = ["fault-injection", "track"];
/// What tells tools of pages.
const TOOLS: [&str; 1] = ["sanitizer-hooks"];

/// Each feature alone, without `std`: whether it turns on what it needs. Those of modes only choose constants, in one
/// file (`cargo xtask tidy` looks), so that other sets of them differ little.
pub fn alone() -> Result<()> {
    [MODE.as_slice(), &HARDENING, &CALLS, &TOOLS]
        .concat()
        .iter()
        .try_for_each(|feature| check(&[feature]))
}

/// Every set of mode features, each hardened in every way, without `std` and with it.
pub fn every() -> Result<()> {
    for set in sets() {
        check(&set)?;
        check(&[&set[..], &["std"]].concat())?;
    }
    Ok(())
}

fn check(features: &[&str]) -> Result<()> {
    let check = ["check", "-q", "-p", "pagesheaf", "--no-default-features", "--features"];
    run(cargo(check).arg(features.join(",")).env("CARGO_TARGET_DIR", target("sets")))
}

/// The sets of features that can differ: two switches of hardening are no more than each of them.
fn sets() -> Vec<Vec<&'static str>> {
    let mut sets = vec![vec![]];
    for feature in MODE {
        let with = |set: &Vec<_>| [&set[..], &[feature]].concat();
        sets.extend(sets.iter().map(with).collect::<Vec<_>>());
    }
    let hardened = |set: &Vec<_>| HARDENING.map(|switch| [&set[..], &[switch]].concat());
    sets.extend(sets.iter().flat_map(hardened).collect::<Vec<_>>());
    sets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::package::Manifest;

    #[test]
    fn every_set_of_mode_features_is_built_once() {
        let sets = sets();
        let distinct: BTreeSet<_> = sets.iter().collect();
        assert_eq!((sets.len(), distinct.len()), (48, 48));
    }

    #[test]
    fn the_features_are_those_of_the_manifest() {
        let manifest = include_str!("../../../Cargo.toml");
        let manifest = Manifest::parse(manifest).expect("the manifest");
        let known = ["default", "std", "__models"].into_iter();
        let known: BTreeSet<_> =
            known.chain(MODE).chain(HARDENING).chain(CALLS).chain(TOOLS).collect();
        let declared: BTreeSet<_> = manifest.features.keys().map(String::as_str).collect();
        assert_eq!(declared, known);
    }
}
