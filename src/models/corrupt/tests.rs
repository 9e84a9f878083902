//! Every so many bits of the tables, each in a trial of its own: no call crashes, hangs, or gives out what
//! it must not.

mod finds;

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::sync::{Arc, Mutex, Once};
use std::vec::Vec;
use std::{format, thread};

use super::Table::{self, *};
use super::world::{OPS, says};
use super::{Part, Passes, Sharing, World};
use crate::metadata::MetadataSlice;
use crate::mode::{
    Checked, Compact, DefaultMode, Hardened, Mode, NoRefcount, NoStats, Policy, Select, hardening,
};
use crate::page::PageId;
use crate::sync::{Atomic, Ordering};

/// Whether each bit is tried with each script: `cargo xtask test --full` says so to one of its builds.
fn is_whole() -> bool {
    std::env::var_os("PAGESHEAF_EVERY_BIT").is_some()
}

/// One bit in so many is tried, in presets and in modes with one hardening switch; fewer where features choose another
/// mode than they do by default, which plays no part here.
const PRESET: usize = 7 * FEWER;
const SWITCH: usize = 19 * FEWER;
const FEWER: usize =
    if matches!((DefaultMode::CHECKS, DefaultMode::HARDENING), (true, 0)) { 1 } else { 9 };

/// How long one trial may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is called after the flip.
const SCRIPTS: [&[(u8, u8)]; 5] = [
    // Everything a little.
    &[
        (0, 20),
        (1, 15),
        (2, 30),
        (3, 40),
        (4, 2),
        (5, 0),
        (11, 2),
        (10, 0),
        (14, 3),
        (8, 50),
        (12, 20),
        (9, 0),
        (13, 0),
        (15, 3),
        (0, 200),
    ],
    // Through the zone first.
    &[
        (9, 0),
        (10, 0),
        (0, 250),
        (1, 250),
        (4, 3),
        (4, 6),
        (14, 1),
        (14, 2),
        (12, 30),
        (15, 2),
        (8, 64),
        (13, 0),
        (6, 3),
        (11, 9),
    ],
    // Whatever there is, without a slot.
    &[(8, 250), (10, 0), (3, 60), (4, 0), (14, 5), (15, 5), (2, 100), (1, 30), (9, 0), (8, 9)],
    // Into an empty magazine of the depot, while the pages that it had last are out.
    &[(1, 10), (1, 9), (10, 0), (0, 200), (1, 90), (2, 90)],
    // Frees into the depot first.
    &[
        (1, 60),
        (11, 9),
        (5, 0),
        (0, 8),
        (1, 9),
        (13, 0),
        (0, 64),
        (10, 0),
        (7, 9),
        (2, 90),
        (9, 0),
        (4, 5),
    ],
];

/// A trial: a bit of a part, and what comes then.
#[derive(Clone)]
struct Trial {
    part: Part,
    bit: usize,
    script: usize,
    addresses: bool,
    panics: bool,
}

/// The trials of a pool of so many pages: one bit in `stride`, with one script after the other, or with all.
fn trials<M: Sharing>(pages: usize, wanted: impl Fn(&Part) -> bool, stride: usize) -> Vec<Trial> {
    let parts = World::<M>::new(pages, false, false).parts().into_iter().filter(wanted);
    // Of the small tables three times as many.
    let few = |part: &Part| !matches!(part.0, Words | Counts | Bitmap | Entries | Offline);
    let (few, many): (Vec<_>, Vec<_>) = parts.partition(few);
    let bits = |parts: Vec<Part>, stride| {
        let bits = parts
            .into_iter()
            .flat_map(|part| (0..8 * part.1.len()).map(move |bit| (part.clone(), bit)));
        bits.step_by(stride)
    };
    let mut trials = Vec::new();
    let bits = bits(few, stride.div_ceil(3)).chain(bits(many, stride));
    for (number, (part, bit)) in bits.enumerate() {
        // Each script in each kind of pool, in turn.
        let kind = number / SCRIPTS.len();
        let (addresses, panics) = (kind % 3 == 2, kind % 4 == 3);
        let first = number % SCRIPTS.len();
        let scripts = if is_whole() { 0..SCRIPTS.len() } else { first..first + 1 };
        trials.extend(scripts.map(|script| Trial {
            part: part.clone(),
            bit,
            script,
            addresses,
            panics,
        }));
    }
    trials
}

/// Whether a flip can look like another valid state: a page of the bitmap, an id. Where pages are claimed
/// when they leave, none is given out twice even so. A ticket that became smaller lets pages come free too soon. The
/// length of an empty magazine is counted as cached until somebody loads it; a page whose bit says that it is offline
/// counts as such.
fn passes<M: Sharing>(part: &Part) -> Passes {
    let valid = matches!(part.0, Bitmap | Entries);
    Passes {
        doubled: valid && !M::CLAIMS || part.0 == Notes,
        uncounted: valid || matches!(part.0, EmptyHeads | Notes | Offline),
    }
}

fn run<M: Sharing>(pages: usize, trial: &Trial) {
    let mut world = World::<M>::new(pages, trial.addresses, trial.panics);
    world.flip(&trial.part, trial.bit, passes::<M>(&trial.part));
    SCRIPTS[trial.script].iter().for_each(|&(op, n)| world.call(op, n));
    world.end();
}

/// The name of threads that run trials.
const WORKER: &str = "trials";

/// Nothing is written about the panics of trials, of which there are many: those that are failures are told
/// at the end.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(std::boxed::Box::new(move |info| {
            if thread::current().name() != Some(WORKER) {
                usual(info);
            }
        }));
    });
}

/// Runs trials on another thread, which is given up if it hangs. Returns what failed.
fn failures<M: Sharing>(pages: usize, trials: Vec<Trial>) -> Vec<String> {
    hush();
    let trials = Arc::new(trials);
    let failures = Arc::new(Mutex::new(Vec::new()));
    let mut first = 0;
    while first < trials.len() {
        let now = Arc::new(Atomic::new(first as u32));
        let (all, to, at) = (trials.clone(), failures.clone(), now.clone());
        let worker = thread::Builder::new().name(WORKER.into()).spawn(move || {
            for (number, trial) in all.iter().enumerate().skip(first) {
                at.store(number as u32, Ordering::Relaxed);
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| run::<M>(pages, trial))) {
                    let Trial { part, bit, script, .. } = trial;
                    let what =
                        format!("{:?} bit {bit}, script {script}: {}", part.0, says(&payload));
                    to.lock().expect("no panic inside").push(what);
                }
            }
        });
        let worker = worker.expect("a thread");
        let mut since = (first, std::time::Instant::now());
        while !worker.is_finished() {
            thread::sleep(Duration::from_millis(5));
            let number = now.load(Ordering::Relaxed) as usize;
            if number != since.0 {
                since = (number, std::time::Instant::now());
            } else if since.1.elapsed() > PATIENCE {
                break;
            }
        }
        if worker.is_finished() {
            break;
        }
        let Trial { part, bit, script, .. } = &trials[since.0];
        failures
            .lock()
            .expect("no panic inside")
            .push(format!("{part:?} bit {bit}, script {script}: hangs"));
        first = since.0 + 1;
    }
    core::mem::take(&mut failures.lock().expect("no panic inside"))
}

fn no_flipped_bit_crashes_or_hangs<M: Sharing>(stride: usize) {
    let small = trials::<M>(150, |_| true, stride);
    // Two levels of summary.
    let tall = trials::<M>(64 * 64 + 100, |part| matches!(part.0, Summary | Bitmap), 13 * stride);
    let count = small.len() + tall.len();
    let mut failed = failures::<M>(150, small);
    failed.extend(failures::<M>(64 * 64 + 100, tall));
    std::eprintln!("{count} trials, {} failed", failed.len());
    assert!(failed.is_empty(), "{} of {count} trials failed: {failed:#?}", failed.len());
}

macro_rules! modes {
    ($($name:ident: $mode:ty, $stride:expr;)+) => {
        $(
            #[test]
            #[cfg_attr(miri, ignore = "takes too long")]
            fn $name() {
                no_flipped_bit_crashes_or_hangs::<$mode>(if is_whole() { 1 } else { $stride });
            }
        )+
    };
}
type Only<const SWITCHES: u8> = Select<true, true, true, SWITCHES>;
modes! {
    no_flipped_bit_crashes_or_hangs_in_checked: Checked, PRESET;
    no_flipped_bit_crashes_or_hangs_in_compact: Compact, PRESET;
    no_flipped_bit_crashes_or_hangs_in_hardened: Hardened, PRESET;
    no_flipped_bit_crashes_or_hangs_in_no_refcount: NoRefcount, SWITCH;
    no_flipped_bit_crashes_or_hangs_in_no_stats: NoStats, SWITCH;
    no_flipped_bit_crashes_or_hangs_with_claim: Only<{ hardening::CLAIM }>, SWITCH;
    no_flipped_bit_crashes_or_hangs_with_poison: Only<{ hardening::POISON }>, SWITCH;
    no_flipped_bit_crashes_or_hangs_with_quarantine: Only<{ hardening::QUARANTINE }>, SWITCH;
    no_flipped_bit_crashes_or_hangs_with_shuffle: Only<{ hardening::SHUFFLE }>, SWITCH;
}

#[test]
fn a_world_that_nobody_corrupts_closes() {
    for script in SCRIPTS {
        let mut world = World::<Hardened>::new(150, false, true);
        script.iter().for_each(|&(op, n)| world.call(op, n));
        world.end();
    }
    assert!(SCRIPTS.iter().any(|script| script.iter().any(|(op, _)| op + 1 == OPS)));
}

/// The words of some tables.
fn bits<'a>(tables: impl IntoIterator<Item = &'a MetadataSlice<Atomic<u64>>>) -> Vec<u64> {
    let words = tables.into_iter().flat_map(|table| table.iter());
    words.map(|word| word.load(Ordering::Relaxed)).collect()
}

/// What the core reads in a table.
fn look<M: Sharing>(world: &World<M>, table: Table) -> Vec<u64> {
    let core = world.core();
    let magazines = &core.magazines;
    let numbers = 1..magazines.count();
    match table {
        Words if M::COMPACT => core.marks.iter().map(|byte| byte.bits().into()).collect(),
        Words => core.words.iter().map(|word| word.load().0.into()).collect(),
        Counts => core.counts.iter().map(|count| count.load().into()).collect(),
        Bitmap => {
            let bits = 0..core.pages.next_multiple_of(64);
            bits.map(|index| core.zone.holds(PageId::new(index)).into()).collect()
        }
        Heads | EmptyHeads => numbers
            .flat_map(|it| {
                let link = magazines.link(it);
                [magazines.len(it), link.mark(), link.off_stack().len(), link.below()]
                    .map(u64::from)
            })
            .collect(),
        Entries => {
            let places = magazines.capacity() as u32;
            let at = numbers.flat_map(|number| (0..places).map(move |at| number * places + at));
            at.map(|at| magazines.get(at).index().into()).collect()
        }
        Depot => {
            let depots = core.depots.iter().chain(core.fenced.queues());
            depots.map(|depot| depot.tops.load(Ordering::Relaxed)).collect()
        }
        Summary => bits([&core.zone.used, &core.zone.whole, &core.zone.fresh]),
        Poison => bits([&core.poisoned]),
        Offline => bits([&core.offline.words]),
        Notes => {
            let notes = core.fenced.notes.iter().map(|note| note.load(Ordering::Relaxed).into());
            notes.chain(bits([&core.fenced.tickets])).collect()
        }
    }
}

#[test]
fn the_parts_are_the_tables_that_they_name() {
    parts_are_the_tables_that_they_name::<Hardened>();
    parts_are_the_tables_that_they_name::<Compact>();
}

fn parts_are_the_tables_that_they_name<M: Sharing>() {
    let mut world = World::<M>::new(200, false, false);
    // Which of them are empty is no matter here.
    let asked: Vec<_> = Table::ALL.into_iter().filter(|&table| table != EmptyHeads).collect();
    let shows = |part: &Part| asked.contains(&part.0) && !part.1.is_empty();
    for part in world.parts().into_iter().filter(shows) {
        let before: Vec<_> = asked.iter().map(|&table| look(&world, table)).collect();
        let mut shown = 0;
        let last = 8 * part.1.len() - 1;
        for bit in [0, 32, last] {
            world.flip(&part, bit, Passes::default());
            for (&table, before) in asked.iter().zip(&before) {
                let changed = look(&world, table) != *before;
                assert!(!changed || table == part.0, "{part:?} shows in {table:?}");
                shown += usize::from(changed);
            }
            world.flip(&part, bit, Passes::default());
        }
        // A length beyond the capacity reads as that.
        assert!(shown >= if part.0 == Heads { 1 } else { 3 }, "{part:?}: {shown}");
    }
    let found: Vec<_> = world.parts().iter().map(|part| part.0).collect();
    assert!(Table::ALL.iter().all(|table| found.contains(table)));
    world.end();
}
