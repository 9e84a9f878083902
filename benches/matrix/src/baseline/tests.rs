//! Rows of two programs are paired by what they are of.

use serde_json::{Value, json};

use super::*;
use crate::entry::entries;

fn told(shape: &str, bulk: usize, contender: &str, ns: f64, trip: Option<f64>) -> Told {
    let mut row = json!({
        "shape": shape, "bulk": bulk, "order": "scattered", "touched": false, "colour": false,
        "contender": contender, "kind": "mode", "ns": ns, "p10": ns, "p90": 2.0 * ns, "kept": 1.0,
        "cycles": 3.0 * ns,
    });
    if let Some(trip) = trip {
        row["line_round_trip_ns"] = json!(trip);
    }
    serde_json::from_value(row).expect("a row")
}

fn hot(contender: &str, ns: f64) -> Told {
    told("hot_pair", 8, contender, ns, None)
}

fn piped(ns: f64, trip: f64) -> Told {
    told("pipe", 8, "Bare", ns, Some(trip))
}

fn merge(own: Vec<Vec<Told>>, other: Vec<Vec<Told>>) -> Results {
    Both { own, other }.merge(&entries::<false>())
}

fn ns(results: &Results) -> Vec<(&str, f64, Option<f64>)> {
    results.rows.iter().map(|row| (row.contender, row.figures.ns, row.baseline_ns)).collect()
}

#[test]
fn a_figure_is_the_median_over_the_turns() {
    let own = vec![vec![hot("Bare", 1.0)], vec![hot("Bare", 9.0)], vec![hot("Bare", 2.0)]];
    let other = vec![vec![hot("Bare", 4.0)], vec![hot("Bare", 6.0)]];
    let merged = merge(own, other);
    assert_eq!(ns(&merged), [("Bare", 2.0, Some(5.0))]);
    let row = &merged.rows[0];
    assert_eq!((row.figures.p90, row.cycles), (4.0, Some(6.0)));
    assert!(merged.left_out.is_empty());
    let written = serde_json::to_value(row).expect("a row");
    assert_eq!((&written["ns"], &written["baseline_ns"]), (&json!(2.0), &json!(5.0)));
}

#[test]
fn rows_of_other_cases_are_not_paired() {
    let own = vec![vec![hot("Bare", 1.0), told("hot_pair", 1, "Bare", 2.0, None)]];
    let mut touched = hot("Bare", 3.0);
    touched.case.touched = true;
    let merged = merge(own, vec![vec![touched, told("hot_pair", 1, "Checked", 4.0, None)]]);
    assert_eq!(ns(&merged), [("Bare", 1.0, None), ("Bare", 2.0, None)]);
}

#[test]
fn who_is_in_one_program_only_is_named() {
    let own = vec![vec![hot("Bare", 1.0), hot("Checked", 2.0)]];
    let other = vec![vec![hot("Old", 3.0), hot("Bare", 2.0)], vec![hot("Old", 3.0)]];
    let merged = merge(own, other);
    assert_eq!(ns(&merged), [("Bare", 1.0, Some(2.0)), ("Checked", 2.0, None)]);
    assert_eq!(merged.left_out, ["only the baseline has Old, hot_pair"]);
    let written = serde_json::to_value(&merged.rows[1]).expect("a row");
    assert_eq!(written.get("baseline_ns"), None::<&Value>);
}

#[test]
fn two_threads_are_paired_at_one_distance() {
    let (near, far) = (90.0, 330.0);
    let own = vec![vec![piped(1.0, near)], vec![piped(5.0, far)], vec![piped(7.0, far)]];
    let other = vec![vec![piped(2.0, near)], vec![piped(3.0, near)], vec![piped(6.0, far)]];
    // One near pair and one far: near is wanted first.
    assert_eq!(ns(&merge(own.clone(), other.clone())), [("Bare", 1.0, Some(2.5))]);
    // Two far pairs are more than one that is near.
    let more = [other, vec![vec![piped(8.0, far)]]].concat();
    let merged = merge(own, more);
    assert_eq!(ns(&merged), [("Bare", 6.0, Some(7.0))]);
    assert_eq!(merged.rows[0].figures.round_trip, Some(far));
}

#[test]
fn without_a_common_distance_there_is_no_baseline() {
    let merged = merge(vec![vec![piped(1.0, 90.0)]], vec![vec![piped(2.0, 330.0)]]);
    assert_eq!(ns(&merged), [("Bare", 1.0, None)]);
    let told = "baseline of Bare, pipe, n = 8: never at the same distance";
    assert_eq!(merged.left_out, [told]);
}
