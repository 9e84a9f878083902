//! Whole pools under shuttle: many tasks, real sizes, and schedules by chance that can be replayed.
//!
//! A program is some tasks that work on a pool, and oracles: each page has one owner, nobody sleeps for ever, and the
//! figures add up in the end. Built with `--cfg pagesheaf_shuttle`, which `cargo xtask shuttle` does, every access to a
//! shared word is a step before which the scheduler may go on with another task. Built without, the same programs run
//! on threads of the system.

mod front;
mod owners;
mod programs;
#[path = "../../tests/common/random.rs"]
mod random;
mod run;
mod tasks;

use anyhow::Result;
use lexopt::{Arg, Parser, ValueExt};

use run::{Chooser, Extent};

fn main() -> Result<()> {
    let mut extent = Extent {
        chooser: Chooser::Random,
        executions: 10,
        seed: 0,
        failures: std::env::temp_dir(),
    };
    let mut named = Vec::new();
    let mut args = Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("list") => {
                programs::all().iter().for_each(|it| println!("{} {}", it.name, it.mode));
                return Ok(());
            }
            Arg::Long("replay") => return run::replay(&args.value()?.string()?),
            Arg::Long("chooser") => extent.chooser = Chooser::named(&args.value()?.string()?)?,
            Arg::Long("executions") => extent.executions = args.value()?.parse()?,
            Arg::Long("seed") => extent.seed = args.value()?.parse()?,
            Arg::Long("failures") => extent.failures = args.value()?.into(),
            Arg::Value(name) => named.push(name.string()?),
            _ => return Err(arg.unexpected().into()),
        }
    }
    match &named[..] {
        [name, mode] => run::tries(&run::program(name, mode)?, &extent),
        _ => programs::all().iter().try_for_each(|program| run::tries(program, &extent)),
    }
}
