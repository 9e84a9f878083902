//! Who may touch which page, with the feature `sanitizer-hooks`: `cargo xtask sanitize` runs it under AddressSanitizer
//! and under valgrind's memcheck.
//!
//! Without arguments it does what is legal, in several modes, and no tool may say anything; nor does anything change
//! where there is no tool. `--list` names the misuses, and `--touch NUMBER` does one of them, in each mode with `--mode
//! NAME`.

mod legal;
mod stale;
#[path = "../misuse/touched.rs"]
mod touched;

use std::error::Error;

use lexopt::ValueExt;
use pagesheaf::{Bare, Checked, Compact, Hardened, Mode, NoChecks, Select, hardening};
use stale::{Kind, Stale};
use touched::TOUCHED;

/// The modes in which misuses are tried: any would do.
const MODES: [&str; 3] = ["Bare", "Compact", "Hardened"];

/// A misuse, in a mode.
fn stale(number: usize, mode: &str) -> Option<Stale> {
    fn of<M: Mode>(number: usize) -> Option<Stale> {
        stale::all::<M>().into_iter().nth(number)
    }
    match mode {
        "Bare" => of::<Bare>(number),
        "Compact" => of::<Compact>(number),
        "Hardened" => of::<Hardened>(number),
        _ => None,
    }
}

/// A line for each: its number, the modes, what a tool says, and what it is.
fn list() {
    for (number, stale) in stale::all::<Bare>().iter().enumerate() {
        let kind = match stale.kind {
            Kind::Reads => "reads",
            Kind::Writes => "writes",
            Kind::Unwritten => "unwritten",
        };
        println!("{number}\t{}\t{kind}\t{}", MODES.join(","), stale.what);
    }
}

fn legal() {
    legal::legal::<Bare>();
    legal::legal::<Compact>();
    legal::legal::<Checked>();
    legal::legal::<Hardened>();
    legal::legal::<Select<true, true, true, { hardening::POISON }>>();
    legal::legal::<Select<true, true, true, { hardening::QUARANTINE }>>();
    legal::of_references::<NoChecks>();
    legal::of_references::<Checked>();
    legal::of_references::<Hardened>();
}

fn main() -> Result<(), Box<dyn Error>> {
    let all = stale::all::<Bare>();
    let tried = |what: &str| all.iter().any(|stale| stale.what == what);
    assert!(TOUCHED.iter().all(|what| tried(what)), "one of the table is not tried");
    let (mut number, mut mode) = (None, String::from(MODES[0]));
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("list") => {
                list();
                return Ok(());
            }
            lexopt::Arg::Long("touch") => number = Some(args.value()?.parse()?),
            lexopt::Arg::Long("mode") => mode = args.value()?.string()?,
            // What `cargo test` passes on to a harness.
            _ => {}
        }
    }
    match number {
        None => legal(),
        Some(number) => {
            (stale(number, &mode).ok_or("no such misuse, or mode")?.touch)();
            println!("nobody has noticed");
        }
    }
    Ok(())
}
