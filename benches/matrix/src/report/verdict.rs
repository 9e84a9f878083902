//! The first paragraph of the report: where somebody else is faster. And the list of all such places.

use std::fmt::Write;

use crate::case::Case;
use crate::entry::Kind;
use crate::measure::Row;

/// Somebody's row that is faster than ours, and how many times our time it takes.
struct Faster<'a> {
    row: &'a Row,
    ratio: f64,
}

/// Those of a kind, compared with a mode wherever both did the same.
struct Duel<'a> {
    what: &'static str,
    mode: &'static str,
    comparisons: usize,
    faster: Vec<Faster<'a>>,
}

/// The duels that are told of: rivals against two modes, recyclers against one.
fn duels(rows: &[Row]) -> Vec<Duel<'_>> {
    let duels = [
        (Kind::Rival, "rival", "Bare"),
        (Kind::Rival, "rival", "Checked"),
        (Kind::Recycler, "recycler for one thread", "Bare"),
    ];
    let duels = duels.into_iter().map(|(kind, what, mode)| {
        let ours = |case: Case| rows.iter().find(|row| row.contender == mode && row.case == case);
        let theirs = rows.iter().filter(|row| row.kind == kind);
        let pairs: Vec<_> = theirs.filter_map(|row| Some((row, ours(row.case)?))).collect();
        let ratios = pairs.iter().map(|(row, ours)| (*row, row.figures.ns / ours.figures.ns));
        let faster = ratios.filter(|pair| pair.1 < 1.0).map(|(row, ratio)| Faster { row, ratio });
        Duel { what, mode, comparisons: pairs.len(), faster: faster.collect() }
    });
    duels.filter(|duel| duel.comparisons > 0).collect()
}

/// Who was compared with whom, and what came of it, a sentence for each.
pub fn verdict(rows: &[Row]) -> Vec<String> {
    let alone = rows.iter().all(|row| row.kind != Kind::Rival);
    let alone = alone.then(|| "No rival took part in this run.".to_owned());
    alone.into_iter().chain(duels(rows).iter().map(Duel::sentence)).collect()
}

/// Every place where somebody is faster: against whom, and a line for each.
pub fn places(rows: &[Row]) -> Vec<(String, Vec<String>)> {
    let duels = duels(rows).into_iter().filter(|duel| !duel.faster.is_empty());
    duels.map(|duel| (format!("Faster than {}", duel.mode), duel.lines())).collect()
}

impl Duel<'_> {
    /// How often, by whom, and by how much at most.
    fn sentence(&self) -> String {
        let Duel { what, mode, comparisons, faster } = self;
        if faster.is_empty() {
            return format!(
                "No {what} was faster than {mode} in any of {comparisons} comparisons."
            );
        }
        let mut names: Vec<&str> = faster.iter().map(|one| one.row.contender).collect();
        names.sort_unstable();
        names.dedup();
        let times = faster.len();
        let mut told =
            format!("A {what} was faster than {mode} in {times} of {comparisons} comparisons: ");
        for (at, name) in names.into_iter().enumerate() {
            let apart = if at == 0 { "" } else { "; " };
            let own = || faster.iter().filter(|one| one.row.contender == name);
            let Some(best) = own().min_by(|one, other| one.ratio.total_cmp(&other.ratio)) else {
                continue;
            };
            let (times, place, n) = (own().count(), best.row.case.label(), best.row.case.bulk);
            _ = write!(
                told,
                "{apart}{name} in {times}, at best in {place} at n = {n} ({:.2} of the time)",
                best.ratio
            );
        }
        told + "."
    }

    /// A line for each contender and table: the sizes, and the share of our time that it takes.
    fn lines(&self) -> Vec<String> {
        let mut groups: Vec<((&str, Case), String)> = Vec::new();
        for Faster { row, ratio } in &self.faster {
            let group = (row.contender, row.case.table());
            let told = format!("{} ({ratio:.2})", row.case.bulk);
            match groups.iter_mut().find(|known| known.0 == group) {
                Some((_, line)) => _ = write!(line, ", {told}"),
                None => {
                    let place = row.case.label();
                    groups.push((group, format!("{} in {place}, n = {told}", row.contender)));
                }
            }
        }
        groups.into_iter().map(|(_, line)| line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;
    use crate::case::Shape;

    fn of(kind: Kind, row: Row) -> Row {
        Row { kind, ..row }
    }

    #[test]
    fn a_faster_rival_is_named_with_place_and_ratio() {
        let rows = [
            row(Shape::Pipe, 1, "Bare", 4.0),
            row(Shape::Pipe, 8, "Bare", 2.0),
            row(Shape::Pipe, 64, "Bare", 1.0),
            row(Shape::Pipe, 1, "Checked", 8.0),
            of(Kind::Rival, row(Shape::Pipe, 1, "queue", 3.0)),
            of(Kind::Rival, row(Shape::Pipe, 1, "stack", 3.6)),
            of(Kind::Rival, row(Shape::Pipe, 8, "queue", 1.0)),
            of(Kind::Rival, row(Shape::Pipe, 64, "queue", 1.5)),
            of(Kind::Rival, row(Shape::HotPair, 64, "queue", 0.1)),
        ];
        let told = verdict(&rows);
        assert_eq!(
            told,
            [
                "A rival was faster than Bare in 3 of 4 comparisons: queue in 2, at best in pipe \
                 at n = 8 (0.50 of the time); stack in 1, at best in pipe at n = 1 (0.90 of the \
                 time).",
                "A rival was faster than Checked in 2 of 2 comparisons: queue in 1, at best in \
                 pipe at n = 1 (0.38 of the time); stack in 1, at best in pipe at n = 1 (0.45 of \
                 the time).",
            ]
        );
        let (against, lines) = &places(&rows)[0];
        assert_eq!(against, "Faster than Bare");
        assert_eq!(
            lines[..],
            ["queue in pipe, n = 1 (0.75), 8 (0.50)", "stack in pipe, n = 1 (0.90)"]
        );
    }

    #[test]
    fn nobody_faster_is_said_too() {
        let rows = [
            row(Shape::Pipe, 1, "Bare", 4.0),
            of(Kind::Rival, row(Shape::Pipe, 1, "queue", 4.0)),
            of(Kind::Recycler, row(Shape::Pipe, 1, "driver-lifo", 5.0)),
        ];
        let told = verdict(&rows);
        assert_eq!(told[0], "No rival was faster than Bare in any of 1 comparisons.");
        let recycler = "No recycler for one thread was faster than Bare in any of 1 comparisons.";
        assert_eq!(told[1..], [recycler]);
        assert!(places(&rows).is_empty());
        assert_eq!(verdict(&rows[..1]), ["No rival took part in this run."]);
    }
}
