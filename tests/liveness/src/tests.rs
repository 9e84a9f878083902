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

/// Who has come, and whether they keep what they get: threads, tasks, and both, for one page and for two.
const LINES: &[(&[(Kind, Class, u8)], bool)] = &[
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

/// Explores a line with two who free a page each. Says which claims do not hold, and how many states there are.
fn explore(
    (waiters, keeps): (&[(Kind, Class, u8)], bool),
    fault: Fault,
) -> (Vec<&'static str>, usize) {
    let line = Line { waiters: waiters.to_vec(), freers: 2, keeps, fault };
    let checker = line.checker().threads(2).spawn_bfs().join();
    (checker.discoveries().into_keys().collect(), checker.unique_state_count())
}

#[test]
fn everybody_is_served() {
    for &line in LINES {
        let (wrong, states) = explore(line, Fault::None);
        println!("{line:?}: {states} states");
        assert!(wrong.is_empty(), "{line:?}: {wrong:?}");
        assert!(states > 500, "{line:?} has {states} states");
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
    ];
    for fault in faults {
        let is_found = |&line| explore(line, fault).0.contains(&"everybody is served");
        assert!(LINES.iter().any(is_found), "{fault:?} is not found");
    }
}
