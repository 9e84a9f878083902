//! `rss CASE` measures a case and prints its figures, each a line of JSON; `rss` alone prints the
//! names of the cases. `cargo xtask rss` runs each in a process of its own, so that no case sees
//! another's memory.
//!
//! A case is a module of `cases` and an entry of [`CASES`]. A figure has a bound or none.

#[cfg(target_os = "linux")]
#[macro_use]
mod modes;
#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod resident;
mod rows;

use std::process::ExitCode;

use rows::Rows;

/// A group of figures that are measured together.
struct Case {
    name: &'static str,
    run: fn(&mut Rows),
}

#[cfg(not(target_os = "linux"))]
const CASES: &[Case] = &[];
#[cfg(target_os = "linux")]
const CASES: &[Case] = &[
    Case { name: "drain", run: cases::drain::drain },
    Case { name: "bursts", run: cases::bursts::bursts },
    Case { name: "two_threads", run: cases::two_threads::two_threads },
    Case { name: "service", run: cases::service::service },
    Case { name: "quarantine", run: cases::drain::quarantine },
    Case { name: "large", run: cases::large::large },
    Case { name: "reserve", run: cases::reserve::reserve },
    Case { name: "search", run: cases::search::search },
    Case { name: "refills", run: cases::refills::refills },
];

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        CASES.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    };
    let Some(case) = CASES.iter().find(|case| case.name == name) else {
        eprintln!("no case is called `{name}`");
        return ExitCode::FAILURE;
    };
    (case.run)(&mut Rows::of(case.name));
    ExitCode::SUCCESS
}
