//! Each line is explored whole, as it is and with each fault.

use stateright::{Checker, Model};

use crate::{Class, Fault, Kind, Line};

/// A thread and a task, and a critical one of each, that want so many pages.
const fn thread(want: u8) -> (Kind, Class, u8) {
    (Kind::Thread, Class::Ordinary, want)
}
const fn task(want: u8) -> (Kind, Class, u8) {
    (Kind::Task, Class::Ordinary, want)
}
const fn critical(kind: Kind, want: u8) -> (Kind, Class, u8) {
    (kind, Class::Critical, want)
}

/// Who has come, and whether they keep what they get.
type LineOf = (&'static [(Kind, Class, u8)], bool);
/// Threads, tasks, and both, for one page and for two.
const LINES: &[LineOf] = &[
    (&[thread(1), thread(2)], false),
    (&[task(1), task(2)], false),
    (&[thread(2), task(2)], false),
    (&[thread(1), thread(1)], true),
    (&[task(1), task(1)], true),
    (&[task(1), thread(1)], true),
    (&[thread(1), task(2), task(1)], false),
    (&[thread(2), thread(1), task(1)], false),
    (&[thread(2), critical(Kind::Thread, 2)], false),
    (&[task(2), critical(Kind::Task, 2)], false),
    (&[task(2), thread(1), critical(Kind::Thread, 2)], false),
];

/// Where two pages come from: how many go into the zone, into the shared slot, and are in a cache.
type Sources = [u8; 3];
const SOURCES: [Sources; 5] = [[2, 0, 0], [0, 1, 1], [1, 1, 0], [0, 2, 0], [1, 0, 1]];

/// Each line with each of the sources; those of three, which have a million states, with the first two.
fn all() -> impl Iterator<Item = (LineOf, Sources)> {
    LINES.iter().flat_map(|&line| {
        let sources = if line.0.len() < 3 { &SOURCES[..] } else { &SOURCES[..2] };
        sources.iter().map(move |&sources| (line, sources))
    })
}

/// Explores a line. Says which claims do not hold, and how many states there are.
fn explore(
    (waiters, keeps): LineOf,
    [freers, droppers, caches]: Sources,
    fault: Fault,
) -> (Vec<&'static str>, usize) {
    let waiters = waiters.to_vec();
    let line = Line { waiters, freers, droppers, caches, keeps, fault };
    let checker = line.checker().threads(2).spawn_bfs().join();
    (checker.discoveries().into_keys().collect(), checker.unique_state_count())
}

#[test]
fn everybody_is_served() {
    for (&line, &sources) in LINES.iter().flat_map(|line| SOURCES.iter().map(move |it| (line, it)))
    {
        let (wrong, states) = explore(line, sources, Fault::None);
        println!("{line:?}, {sources:?}: {states} states");
        assert!(wrong.is_empty(), "{line:?}, {sources:?}: {wrong:?}");
        assert!(states > 500, "{line:?}, {sources:?} has {states} states");
    }
}

/// Each fault is found in one of the lines.
#[test]
fn who_sleeps_for_ever_is_found() {
    let faults = [
        Fault::LooksFirst,
        Fault::ReadsLate,
        Fault::WakerLate,
        Fault::LeavesQuietly,
        Fault::ForgetsNote,
        Fault::TakesQuietly,
        Fault::KeepsPages,
        Fault::MarksNothing,
        Fault::DropsLate,
        Fault::UnmarksLast,
    ];
    for fault in faults {
        let is_found = |(line, of)| explore(line, of, fault).0.contains(&"everybody is served");
        assert!(all().any(is_found), "{fault:?} is not found");
    }
}
