//! Each line is explored whole, as it is and with each fault.

use stateright::{Checker, Model};

use crate::{Fault, Kind, Line};

/// Who has come, and whether they keep what they get: threads, tasks, and both, for one page and for two.
const LINES: &[(&[(Kind, u8)], bool)] = &[
    (&[(Kind::Thread, 1), (Kind::Thread, 2)], false),
    (&[(Kind::Task, 1), (Kind::Task, 2)], false),
    (&[(Kind::Thread, 2), (Kind::Task, 2)], false),
    (&[(Kind::Thread, 1), (Kind::Thread, 1)], true),
    (&[(Kind::Task, 1), (Kind::Task, 1)], true),
    (&[(Kind::Task, 1), (Kind::Thread, 1)], true),
    (&[(Kind::Thread, 1), (Kind::Task, 2), (Kind::Task, 1)], false),
    (&[(Kind::Thread, 2), (Kind::Thread, 1), (Kind::Task, 1)], false),
];

/// Explores a line with two who free a page each. Says which claims do not hold, and how many states there are.
fn explore((waiters, keeps): (&[(Kind, u8)], bool), fault: Fault) -> (Vec<&'static str>, usize) {
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
    ];
    for fault in faults {
        let is_found = |&line| explore(line, fault).0.contains(&"everybody is served");
        assert!(LINES.iter().any(is_found), "{fault:?} is not found");
    }
}
