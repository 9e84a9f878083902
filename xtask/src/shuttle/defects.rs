//! Programs that can fail: each deliberate defect of the core that drops a step must be caught by one of them, or
//! stands here with the likely reason why it is not.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use comfy_table::{Table, presets};

use super::trial::{self, Extent, Test, Trial};
use crate::loom::{at_once, what_is_wrong};

/// How often a program runs, in each mode and with each way to choose tasks.
const ITERATIONS: usize = 1000;

/// Defects, each with the program that catches it.
#[rustfmt::skip]
const CAUGHT: &[(&str, &str)] = &[
    ("abandoned", "idle"),
    ("block", "doubles"),
    ("block-words", "blocks"),
    ("claim-idle", "parked"),
    ("claim-unseen", "idle"),
    ("closing", "closing"),
    ("compact-free", "mixed"),
    ("compact-late", "mixed"),
    ("depot-cut", "mixed"),
    ("drain", "mixed"),
    ("drain-one", "mixed"),
    ("dropped", "mixed"),
    ("exact-lost", "mixed"),
    ("fence-early", "fenced"),
    ("fence-ticket", "fenced"),
    ("fold", "closing"),
    ("hardened-swap", "doubles"),
    ("line-first", "waiting"),
    ("line-keep", "critical"),
    ("line-next", "waiting"),
    ("line-pending", "waiting"),
    ("line-turn", "critical"),
    ("mark-claim", "reserve"),
    ("mask-live", "nodes"),
    ("name-torn", "names"),
    ("one-reading", "reasons"),
    ("orphans", "closing"),
    ("poison-late", "mixed"),
    ("pressure", "hungry"),
    ("purge-held", "upkeep"),
    ("quiet", "upkeep"),
    ("range-claim", "upkeep"),
    ("release-step", "shared"),
    ("retain", "shared"),
    ("retain-step", "shared"),
    ("return", "idle"),
    ("share", "shared"),
    ("static-twice", "statics"),
    ("steal-claimed", "idle"),
    ("steal-link", "mixed"),
    ("supply-asked", "waiting"),
    ("supply-early", "waiting"),
    ("supply-slots", "waiting"),
    ("taint-first", "doubles"),
    ("taint-twice", "doubles"),
    ("transition", "doubles"),
    ("try-lock", "mixed"),
    ("wait-look", "waiting"),
    ("wait-lost", "waiting"),
    ("wait-seen", "waiting"),
    ("written", "upkeep"),
];

/// It is of an ordering, though a step is dropped for it.
const ORDER: &str = "shuttle knows no weaker order";
/// A search that finds nothing looks everywhere.
const SLOWER: &str = "the pages are found all the same, later in the search";
/// Nobody is told at once; the next call makes good for it.
const LATER: &str = "a later call gives, or tells, all the same";
/// Nothing is bad in these programs but what `doubles` frees.
const MISUSE: &str = "it takes a page that is bad, or misuse, at that moment";
/// Two rare moments must meet.
const RARE: &str = "it shows for a few steps: not in so many executions";
/// The programs are not built with that.
const TRACK: &str = "it is of the feature `track`";

/// The defects that no program catches for sure, and the likely reason.
#[rustfmt::skip]
const NOT_CAUGHT: &[(&str, &str)] = &[
    ("answer-first", LATER),
    ("block-rollback", MISUSE),
    ("block-uncount", RARE),
    ("claim-left", ORDER),
    ("claim-old-length", ORDER),
    ("count-late", RARE),
    ("depot-foreign", RARE),
    ("depot-tag", RARE),
    ("drop-late", LATER),
    ("exact-turn", RARE),
    ("fence-count", RARE),
    ("fresh-again", SLOWER),
    ("hardened-claim", MISUSE),
    ("online-late", RARE),
    ("reap-publish", ORDER),
    ("rescan", LATER),
    ("reserve-awaited", LATER),
    ("run-stopped", MISUSE),
    ("share-step", MISUSE),
    ("steal-none", SLOWER),
    ("summary-again", SLOWER),
    ("summary-level", SLOWER),
    ("supply-unmarked", LATER),
    ("take-back", LATER),
    ("track-torn", TRACK),
    ("whole-moved", SLOWER),
    ("whole-order", SLOWER),
];

/// Runs programs with each defect, or with those named, and prints what caught it; an error if nothing did that should.
pub fn defects(programs: &Path, names: &[String], seed: u64) -> Result<()> {
    if let Some(name) = names.iter().find(|name| CAUGHT.iter().all(|(it, _)| it != name)) {
        let known: Vec<_> = CAUGHT.iter().map(|(name, _)| *name).collect();
        bail!("no program is for a defect `{name}`; the defects are\n  {}", known.join("\n  "));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let all = trial::list(programs)?;
    let extent = Extent { iterations: ITERATIONS, seed };
    let chosen: Vec<_> = CAUGHT.iter().filter(|(name, _)| wanted(name)).collect();
    let caught = at_once(
        &chosen,
        |(name, program)| format!("{name} by {program}"),
        |(name, program)| first_to_catch(programs, &all, (name, program), &extent),
    )?;
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["defect", "what is wrong", "program that caught it", "and said"]);
    let mut missed = Vec::new();
    for ((name, program), caught) in chosen.iter().zip(&caught) {
        let (by, said) = match caught {
            Some(trial) => (trial.test.to_string(), trial.reason()),
            None => {
                missed.push(*name);
                (program.to_string(), "not caught")
            }
        };
        table.add_row([name, what_is_wrong(name), &by, said]);
    }
    for (name, why) in NOT_CAUGHT.iter().filter(|_| names.is_empty()) {
        table.add_row([name, what_is_wrong(name), "none", why]);
    }
    println!("{table}");
    println!("{} of {} are caught", chosen.len() - missed.len(), chosen.len());
    ensure!(missed.is_empty(), "not caught: {}", missed.join(", "));
    Ok(())
}

/// Tries the program in one mode after the other, until it catches the defect in one.
fn first_to_catch(
    programs: &Path,
    all: &[Test],
    (name, program): (&str, &str),
    extent: &Extent,
) -> Result<Option<Trial>> {
    let of_program = all.iter().filter(|test| test.program() == program);
    for test in of_program.flat_map(Test::by_both) {
        let trial = trial::one(programs, &test, extent, Some(name))?;
        if trial.row.is_none() {
            return Ok(Some(trial));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regex::Regex;

    use super::{CAUGHT, NOT_CAUGHT};
    use crate::run::root;
    use crate::tidy;

    /// Those that drop a step. The others weaken an ordering, and those of `sync` a fence.
    #[test]
    fn every_defect_is_caught_or_has_a_reason() {
        let pattern = Regex::new(r#"defect!\("([a-z-]+)"\)"#).expect("a regular expression");
        let paths = tidy::paths().expect("the paths");
        let core = paths.iter().filter(|path| path.starts_with("src/") && !path.contains("/sync/"));
        let mut dropped = BTreeSet::new();
        for path in core {
            let text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            dropped.extend(pattern.captures_iter(&text).map(|name| name[1].to_owned()));
        }
        let all = CAUGHT.iter().chain(NOT_CAUGHT).map(|(name, _)| (*name).to_owned());
        let known: BTreeSet<_> = all.clone().collect();
        assert_eq!((all.count(), &known), (dropped.len(), &dropped));
    }
}
