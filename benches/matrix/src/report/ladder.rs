//! The ladder of hardening: what each switch costs alone, then one after the other, and beside what the machine allows.

use super::Group;
use crate::case::{OUT, Shape};
use crate::contender::Order;
use crate::entry::LADDER;

/// The size at which it is climbed.
const BULK: usize = 64;

/// What a line says, whose figure it gives, and the one that it is a multiple of.
type Step = (&'static str, &'static str, Option<&'static str>);

/// Poison comes last, because beside it no other switch could be seen.
const STEPS: [Step; 13] = [
    ("no switch: Checked", "Checked", None),
    ("claim alone", "Checked+claim", Some("Checked")),
    ("quarantine alone", "Checked+quarantine", Some("Checked")),
    ("shuffle alone", "Checked+shuffle", Some("Checked")),
    ("poison alone", "Checked+poison", Some("Checked")),
    ("poison alone, of one page in 16", "Checked+poison/16", Some("Checked")),
    ("claim and quarantine", "Checked+claim+quarantine", Some("Checked+claim")),
    (
        "claim, quarantine and shuffle",
        "Checked+claim+quarantine+shuffle",
        Some("Checked+claim+quarantine"),
    ),
    ("all four: Hardened", "Hardened", Some("Checked+claim+quarantine+shuffle")),
    ("Hardened, one page in 16 poisoned", "Hardened/16", Some("Hardened")),
    ("memset and memcmp of the same pages", "poison-floor", None),
    ("Hardened, beside these", "Hardened", Some("poison-floor")),
    ("these of one page in 16, and two claims a page", "claim-floor/16", Some("Hardened")),
];

/// Whether somebody is a step of this ladder and stands in no other table.
pub fn is_step(contender: &str) -> bool {
    let apart = !["Checked", "Hardened"].contains(&contender);
    apart && STEPS.iter().any(|step| step.1 == contender)
}

/// Its heading.
pub fn title() -> String {
    format!(
        "The ladder of hardening, at n = {BULK}: ns per page, and how many times the step before \
         (of a switch alone: Checked)"
    )
}

/// The table of it.
pub struct Ladder {
    /// What was measured, a column for each.
    pub heads: Vec<&'static str>,
    /// What a line is of, and its figures.
    pub lines: Vec<(&'static str, Vec<Option<Figure>>)>,
}

/// Ns per page, and how many times the step before.
pub type Figure = (f64, Option<f64>);

/// The ladder, if any step of it was measured.
pub fn ladder(groups: &[Group]) -> Option<Ladder> {
    let plain = |shape: Shape| {
        let mut groups = groups.iter().filter(move |group| group.case.shape == shape);
        groups.find(|Group { case, .. }| {
            let few = case.out.is_none_or(|out| out == OUT[0]);
            few && case.order == Order::Scattered && !case.touched
        })
    };
    let known = |group: &&Group| STEPS.iter().any(|it| is_step(it.1) && has(group, it.1));
    let columns: Vec<_> = LADDER.iter().copied().filter_map(plain).filter(known).collect();
    let line = |&(what, name, before): &Step| {
        let figures = columns.iter().map(|group| figure(group, name, before)).collect();
        (what, figures)
    };
    let heads = columns.iter().map(|group| group.case.shape.name()).collect();
    (!columns.is_empty()).then(|| Ladder { heads, lines: STEPS.iter().map(line).collect() })
}

fn has(group: &Group, name: &str) -> bool {
    group.row(name, BULK).is_some()
}

fn figure(group: &Group, name: &str, before: Option<&str>) -> Option<Figure> {
    let row = group.row(name, BULK)?;
    Some((row.figures.ns, before.and_then(|before| group.over(row, before))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;
    use crate::case::Case;
    use crate::entry::entries;
    use crate::measure::Row;

    #[test]
    fn a_step_is_a_multiple_of_the_one_before() {
        let mut rows = vec![
            row(Shape::HotPair, 64, "Checked", 0.5),
            row(Shape::HotPair, 64, "Checked+claim", 4.0),
            row(Shape::HotPair, 64, "Checked+claim+quarantine", 6.0),
            row(Shape::HotPair, 64, "Hardened", 120.0),
            row(Shape::HotPair, 64, "poison-floor", 100.0),
            row(Shape::Keep2048, 64, "Checked", 1.0),
            row(Shape::Keep2048, 8, "Hardened", 90.0),
        ];
        let out = |out| Case { out: Some(out), ..row(Shape::Outstanding, 64, "", 0.0).case };
        let of =
            |out_, ns| Row { case: out(out_), ..row(Shape::Outstanding, 64, "Hardened/16", ns) };
        rows.extend([of(OUT[1], 9.0), of(OUT[0], 7.0)]);
        let ladder = ladder(&Group::all(&rows)).expect("a ladder");
        assert_eq!(ladder.heads, ["hot_pair", "outstanding"], "those with a step");
        let line = |name: &str| {
            let line = ladder.lines.iter().find(|line| line.0.contains(name)).expect("a line");
            line.1.clone()
        };
        assert_eq!(line("claim alone"), [Some((4.0, Some(8.0))), None]);
        assert_eq!(line("claim and quarantine"), [Some((6.0, Some(1.5))), None]);
        assert_eq!(line("beside these"), [Some((120.0, Some(1.2))), None]);
        assert_eq!(line("Hardened, one page in 16"), [None, Some((7.0, None))]);
        assert!(super::ladder(&Group::all(&rows[..1])).is_none());
    }

    #[test]
    fn every_step_takes_part() {
        let entries = entries::<false>();
        for (_, name, before) in STEPS {
            for name in [Some(name), before].into_iter().flatten() {
                assert!(entries.iter().any(|entry| entry.name == name), "{name}");
            }
        }
        for entry in entries {
            assert_eq!(entry.step, is_step(entry.name), "{}", entry.name);
        }
    }
}
