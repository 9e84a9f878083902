//! Stress: threads that allocate and free as the benchmarks of allocators do, with an oracle of who owns what.
//!
//! `cargo test` gives each case some milliseconds; `cargo xtask stress` more. Threads only spawn and join, and all
//! atomics have their orderings on operations, so that ThreadSanitizer understands it.

mod device;
mod large;
mod oracle;
mod programs;
#[path = "../common/random.rs"]
mod random;
mod sleepers;
mod waiters;

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use lexopt::ValueExt;
use pagesheaf::{
    Bare, Checked, Compact, Hardened, Mode, ModeFlags, NoChecks, NoRefcount, NoStats, Pool, Region,
    Select, hardening,
};
use programs::Case;

/// `Checked`, hardened by some switches.
type With<const HARDENING: u8> = Select<true, true, true, HARDENING>;

/// How long a case takes unless it is said; nothing is printed then.
const SHORTLY: Duration = Duration::from_millis(15);

/// What a program is called, how many pages it has, and what runs.
struct Program<M: Mode> {
    name: &'static str,
    pages: usize,
    run: fn(&Case<M>, u64),
}

/// The program beside which another thread sees to upkeep, in a region whose memory goes back.
const UPKEEP: &str = "upkeep";

/// The program whose threads wait.
const WAITERS: &str = "waiters";

const fn programs<M: Mode>() -> [Program<M>; 11] {
    [
        Program {
            name: "larson",
            pages: 1024,
            run: |case, n| programs::spawn(case, n, programs::larson),
        },
        Program { name: "xmalloc", pages: 1024, run: programs::xmalloc },
        Program { name: "mstress", pages: 4096, run: programs::mstress },
        Program {
            name: "cache-thrash",
            pages: 256,
            run: |case, n| programs::spawn(case, n, programs::cache_thrash),
        },
        Program {
            name: "storm",
            pages: 200,
            run: |case, n| programs::spawn(case, n, programs::storm),
        },
        Program {
            name: "turns",
            pages: 32,
            run: |case, n| programs::spawn(case, n, programs::turns),
        },
        Program {
            name: "sleepers",
            pages: 64,
            run: |case, n| programs::spawn(case, n, sleepers::sleepers),
        },
        Program {
            name: WAITERS,
            pages: 48,
            run: |case, n| programs::spawn(case, n, waiters::waiters),
        },
        Program { name: UPKEEP, pages: 4096, run: programs::upkeep },
        Program { name: "device", pages: 512, run: device::device },
        Program {
            name: "blocks",
            pages: large::PAGES,
            run: |case, n| programs::spawn(case, n, large::blocks),
        },
    ]
}

fn try_program<M: Mode>(program: &Program<M>, threads: u64, time: Duration) {
    static STOP: AtomicBool = AtomicBool::new(false);
    static PAGES: AtomicU64 = AtomicU64::new(0);
    static SHORT: AtomicU64 = AtomicU64::new(0);
    STOP.store(false, Ordering::Release);
    PAGES.store(0, Ordering::Relaxed);
    SHORT.store(0, Ordering::Relaxed);
    let builder = Pool::builder(program.pages).mode::<M>().page_size(256).magazine_capacity(16);
    let purges = program.name == UPKEEP && cfg!(target_os = "linux");
    let region = if purges { Region::mapped().purge(true).into() } else { Region::heap() };
    let pool: Pool<M> =
        builder.max_caches(4).region(region).fences(&device::FENCES).build().expect("a pool");
    let case = Case { pool, stop: &STOP, pages: &PAGES, short: &SHORT };
    let clock = thread::spawn(move || {
        thread::sleep(time);
        STOP.store(true, Ordering::Release);
    });
    (program.run)(&case, threads);
    clock.join().expect("no panic");
    oracle::assert_idle();
    let Case { pool, .. } = case;
    let audit = pool.audit();
    let pages = audit.pages;
    assert!(pages.adds_up() && pages.out == 0 && pages.bad == 0, "{pool}");
    assert!(audit.misplaced.is_none_or(|pages| pages == 0), "{audit}");
    assert!(!pool.is_tainted(), "{pool}");
    if time > SHORTLY {
        println!(
            "{:12} {:45} {threads} threads: {:>10} pages, {:>9} short results, all back",
            program.name,
            ModeFlags::of::<M>().to_string(),
            PAGES.load(Ordering::Relaxed),
            SHORT.load(Ordering::Relaxed),
        );
    }
    if program.name == WAITERS {
        let waits = waiters::report();
        if time > SHORTLY {
            println!("{waits}");
        }
    }
    pool.drain();
    pool.close().expect("every page is back");
}

fn try_mode<M: Mode>(time: Duration, chosen: &[String]) {
    for program in &programs::<M>() {
        if chosen.is_empty() || chosen.iter().any(|name| name == program.name) {
            [2, 8].into_iter().for_each(|threads| try_program(program, threads, time));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut time, mut chosen) = (SHORTLY, Vec::new());
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("seconds") => time = Duration::from_secs_f64(args.value()?.parse()?),
            lexopt::Arg::Value(name) => chosen.push(name.string()?),
            // What `cargo test` passes on to a harness.
            _ => {}
        }
    }
    try_mode::<Bare>(time, &chosen);
    try_mode::<NoChecks>(time, &chosen);
    try_mode::<NoStats>(time, &chosen);
    try_mode::<NoRefcount>(time, &chosen);
    try_mode::<Compact>(time, &chosen);
    try_mode::<Checked>(time, &chosen);
    try_mode::<Hardened>(time, &chosen);
    try_mode::<With<{ hardening::CLAIM }>>(time, &chosen);
    try_mode::<With<{ hardening::POISON }>>(time, &chosen);
    try_mode::<With<{ hardening::QUARANTINE }>>(time, &chosen);
    try_mode::<With<{ hardening::SHUFFLE }>>(time, &chosen);
    Ok(())
}
