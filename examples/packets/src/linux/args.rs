//! The command line.

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub const USAGE: &str = "\
packets [--quick] [--packets N] [--transport xdp|packet|memory]

  --quick      20000 packets each way, in place of 1000000
  --packets    how many packets each way, for each size of pages
  --transport  only this one; without it, the first that the system allows";

/// Who serves the rings.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Xdp,
    Packet,
    Memory,
}

/// What to run.
pub struct Options {
    pub packets: u64,
    pub transport: Option<Kind>,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut quick, mut packets, mut transport) = (false, None, None);
        let mut args = Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("quick") => quick = true,
                Arg::Long("packets") => packets = Some(args.value()?.parse_with(count)?),
                Arg::Long("transport") => transport = Some(args.value()?.parse_with(kind)?),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        let usual = if quick { 20_000 } else { 1_000_000 };
        Ok(Some(Options { packets: packets.unwrap_or(usual), transport }))
    }
}

fn count(number: &str) -> Result<u64, &'static str> {
    match number.parse() {
        Ok(packets) if packets >= 5000 => Ok(packets),
        _ => Err("a number of packets is 5000 or more"),
    }
}

fn kind(name: &str) -> Result<Kind, &'static str> {
    match name {
        "xdp" => Ok(Kind::Xdp),
        "packet" => Ok(Kind::Packet),
        "memory" => Ok(Kind::Memory),
        _ => Err("a transport is xdp, packet or memory"),
    }
}
