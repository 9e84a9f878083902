//! The command line.

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub const USAGE: &str = "\
storage [--quick] [--mib N] [--datagrams N]

  --quick      16 MiB, 5000 datagrams, 3 rounds
  --mib        how much is copied in each round (256)
  --datagrams  how many are echoed in each round (50000)";

/// What to run.
pub struct Options {
    quick: bool,
    /// MiB of the file that is copied in each round.
    pub mib: u32,
    /// Datagrams that are echoed in each round.
    pub datagrams: u32,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut quick, mut mib, mut datagrams) = (false, None, None);
        let mut args = Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("quick") => quick = true,
                Arg::Long("mib") => mib = Some(number(&mut args, 1 << 20)?),
                Arg::Long("datagrams") => datagrams = Some(number(&mut args, 1 << 30)?),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        let (most, many) = if quick { (16, 5_000) } else { (256, 50_000) };
        let (mib, datagrams) = (mib.unwrap_or(most), datagrams.unwrap_or(many));
        Ok(Some(Options { quick, mib, datagrams }))
    }

    /// How many rounds are compared: in the long form each order of the three comes once.
    pub fn rounds(&self) -> usize {
        if self.quick { 3 } else { 6 }
    }
}

/// A number from 1 to `most`.
fn number(args: &mut Parser, most: u32) -> Result<u32, lexopt::Error> {
    let number = args.value()?.parse()?;
    if (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{number} is not between 1 and {most}").into())
    }
}
