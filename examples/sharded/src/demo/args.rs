//! The command line.

use lexopt::{Arg, Parser, ValueExt};

pub const USAGE: &str = "\
usage: sharded [--quick] [--turns N] [--only WORKLOAD]

  --quick      some seconds
  --turns      how often each contender runs each workload (41)
  --only       one of datagrams, bodies, turnover
  --held NAME  only what NAME keeps after a burst: pagesheaf, buffer-pool, queues";

/// What to run.
pub struct Options {
    pub quick: bool,
    pub turns: usize,
    pub only: Option<String>,
    pub held: Option<String>,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Options { quick: false, turns: 41, only: None, held: None };
        let mut args = Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("quick") => options.quick = true,
                Arg::Long("turns") => options.turns = args.value()?.parse::<usize>()?.max(1),
                Arg::Long("only") => options.only = Some(args.value()?.string()?),
                Arg::Long("held") => options.held = Some(args.value()?.string()?),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
