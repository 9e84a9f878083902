//! The price of hardening, judged: how much it may cost beside what the machine takes for the same
//! bytes, in the same run, by the median of each. Run it on a quiet machine.

use anyhow::{Result, ensure};

use crate::case::{Case, OUT, Shape};
use crate::contender::Order;
use crate::entry::ALONE;
use crate::measure::Row;

/// The size at which it is judged.
const BULK: usize = 64;

/// Who, at most how many times, and of what.
type Bound = (&'static str, f64, &'static str);

/// What must hold in every shape: the price of poison on all pages, and of poison on one page in 16, which lets
/// hardening stay on in production. Each is compared with what does the least that it must.
const BOUNDS: [Bound; 2] =
    [("Hardened", 1.3, "poison-floor"), ("Hardened/16", 1.3, "claim-floor/16")];

/// What is printed as a share of `Hardened`: sampled hardening, and the least that it can take.
const SHARES: [&str; 2] = ["Hardened/16", "claim-floor/16"];

/// Whether somebody takes part.
pub fn names(contender: &str) -> bool {
    let of = |&(who, _, beside): &Bound| who == contender || beside == contender;
    BOUNDS.iter().any(of)
}

/// Whether a case is judged.
pub fn judges(case: &Case) -> bool {
    let few = case.out.is_none_or(|out| out == OUT[0]);
    let plain = case.order == Order::Scattered && !case.touched;
    ALONE.contains(&case.shape) && case.bulk == BULK && few && plain
}

/// Prints each bound in each shape, and fails if one does not hold, or cannot be judged.
pub fn judge(rows: &[Row]) -> Result<()> {
    let lines = lines(rows);
    println!("\nThe price of hardening, at n = {BULK}:");
    for (line, holds) in &lines {
        println!(" {line}{}", if *holds { "" } else { ": TOO MUCH" });
    }
    for (shape, who) in ALONE.iter().copied().flat_map(|shape| SHARES.map(|who| (shape, who))) {
        if let (Some(ns), Some(whole)) = (find(rows, shape, who), find(rows, shape, "Hardened")) {
            println!(" {}: {who} {ns:.2} ns, ×{:.3} of Hardened", shape.name(), ns / whole);
        }
    }
    let over = lines.iter().filter(|(_, holds)| !holds).count();
    ensure!(over == 0, "{over} of {} bounds of the price do not hold", lines.len());
    ensure!(lines.len() == BOUNDS.len() * ALONE.len(), "not every bound was measured");
    Ok(())
}

/// A line for each bound in each shape, and whether it holds.
fn lines(rows: &[Row]) -> Vec<(String, bool)> {
    let line = |shape: Shape, &(who, most, beside): &Bound| {
        let (own, other) = (find(rows, shape, who)?, find(rows, shape, beside)?);
        let times = own / other;
        let told = format!(
            "{}: {who} {own:.2} ns, ×{times:.3} of {beside}, at most ×{most:.3}",
            shape.name()
        );
        Some((told, times <= most))
    };
    let of = |shape| BOUNDS.iter().filter_map(move |bound| line(shape, bound));
    ALONE.iter().copied().flat_map(of).collect()
}

/// The ns of somebody in a shape.
fn find(rows: &[Row], shape: Shape, contender: &str) -> Option<f64> {
    let wanted =
        |row: &&Row| row.case.shape == shape && row.contender == contender && judges(&row.case);
    rows.iter().find(wanted).map(|row| row.figures.ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::entries;
    use crate::report::tests::row;

    const HARDENED: (&str, f64) = ("Hardened", 129.0);
    const FLOOR: (&str, f64) = ("poison-floor", 100.0);
    const SAMPLED: (&str, f64) = ("Hardened/16", 12.9);
    const LEAST: (&str, f64) = ("claim-floor/16", 10.0);

    /// Rows in which these take so many ns in each shape.
    fn rows(ns: [(&'static str, f64); 4]) -> Vec<Row> {
        let of = |shape| ns.map(|(who, ns)| row(shape, BULK, who, ns));
        ALONE.iter().copied().flat_map(of).collect()
    }

    #[test]
    fn a_price_within_its_bounds_passes() {
        let rows = rows([HARDENED, FLOOR, SAMPLED, LEAST]);
        judge(&rows).expect("within");
        assert_eq!(
            lines(&rows)[0].0,
            "hot_pair: Hardened 129.00 ns, ×1.290 of poison-floor, at most ×1.300"
        );
    }

    #[test]
    fn a_price_above_a_bound_in_one_shape_fails() {
        let ns = [HARDENED, FLOOR, SAMPLED, LEAST];
        for (who, ns_) in [("Hardened", 131.0), ("Hardened/16", 13.1)] {
            let mut rows = rows(ns);
            let row = rows.iter_mut().rfind(|row| row.contender == who).expect("a row");
            row.figures.ns = ns_;
            let error = judge(&rows).expect_err("above").to_string();
            assert_eq!(error, "1 of 6 bounds of the price do not hold");
        }
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let mut rows = rows([HARDENED, FLOOR, SAMPLED, LEAST]);
        rows.pop();
        assert_eq!(judge(&rows).expect_err("missing").to_string(), "not every bound was measured");
        assert!(judge(&[]).is_err());
    }

    #[test]
    fn who_is_judged_takes_part() {
        let cases = crate::case::cases(crate::case::Extent::Usual);
        let entries = entries::<false>();
        for name in [HARDENED, FLOOR, SAMPLED, LEAST].map(|(name, _)| name) {
            assert!(names(name));
            let entry = entries.iter().find(|entry| entry.name == name).expect(name);
            let done = |case: &&Case| judges(case) && entry.does(case);
            assert_eq!(cases.iter().filter(done).count(), ALONE.len(), "{name}");
        }
        assert!(!names("Checked"));
    }
}
