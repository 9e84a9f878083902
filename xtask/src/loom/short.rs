//! What a short run leaves out: the modes in which a model takes long, if it is tried in others.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::report;
use super::trial::Test;

/// A model with more executions than this takes more than some seconds.
const LONG: u64 = 4_000;

/// One with more than this everywhere takes long in any mode, and is left out whole.
const MINUTES: u64 = 40_000;

/// Leaves out what takes long, and says what: models and modes.
pub fn shorten(tests: &mut Vec<Test>) -> Result<BTreeSet<(String, String)>> {
    let left_out = long(tests, &report::known()?);
    let is_left_out = |test: &Test| left_out.contains(&(test.model().into(), test.mode().into()));
    tests.retain(|test| !is_left_out(test));
    println!("{} trials are left to a run without --short.", left_out.len());
    Ok(left_out)
}

/// The models and modes with too many executions. A model that has too many everywhere stays where it has fewest,
/// unless these take minutes.
fn long(
    tests: &[Test],
    known: &BTreeMap<String, BTreeMap<String, u64>>,
) -> BTreeSet<(String, String)> {
    // What the table does not know is tried.
    let count =
        |test: &Test| known.get(test.model()).and_then(|modes| modes.get(test.mode())).copied();
    let mut fewest = BTreeMap::<&str, (u64, &str)>::new();
    for test in tests {
        let this = (count(test).unwrap_or(0), test.mode());
        let least = fewest.entry(test.model()).or_insert(this);
        *least = this.min(*least);
    }
    let long = tests.iter().filter(|test| {
        count(test).is_some_and(|executions| executions > LONG)
            && (fewest[test.model()].1 != test.mode() || fewest[test.model()].0 > MINUTES)
    });
    long.map(|test| (test.model().to_owned(), test.mode().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(modes: &[(&str, u64)]) -> Vec<String> {
        let tests: Vec<_> =
            ["bare", "checked", "hardened"].map(|mode| Test::new("zone", "a", mode)).into();
        let modes = modes.iter().map(|&(mode, count)| (mode.to_owned(), count)).collect();
        let known = BTreeMap::from([("a".to_owned(), modes)]);
        long(&tests, &known).into_iter().map(|(_, mode)| mode).collect()
    }

    #[test]
    fn a_model_is_left_out_where_it_takes_long() {
        let long = [("bare", 9), ("checked", LONG), ("hardened", LONG + 1)];
        assert_eq!(left_out(&long), ["hardened"]);
    }

    #[test]
    fn a_model_is_tried_at_least_once() {
        let long = [("bare", LONG + 2), ("checked", LONG + 1), ("hardened", LONG + 3)];
        assert_eq!(left_out(&long), ["bare", "hardened"]);
    }

    #[test]
    fn a_model_that_takes_minutes_everywhere_is_left_out() {
        let long = ["bare", "checked", "hardened"].map(|mode| (mode, MINUTES + 1));
        assert_eq!(left_out(&long), ["bare", "checked", "hardened"]);
    }

    #[test]
    fn what_the_table_does_not_know_is_tried() {
        assert_eq!(left_out(&[("bare", LONG + 1)]), ["bare"]);
        assert!(left_out(&[]).is_empty());
    }
}
