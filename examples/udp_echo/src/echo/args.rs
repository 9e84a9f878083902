//! The command line.

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub const USAGE: &str = "\
udp_echo [--mode bare|checked|hardened] [--datagrams N] [--pages N] [--lossless]

  --mode       the pool's mode (checked)
  --datagrams  how many the load sends (200000)
  --pages      how many pages of 2 KiB the pool has (4096)
  --lossless   a dropped datagram is a failure";

/// The modes that the example offers.
#[derive(Clone, Copy)]
pub enum ModeName {
    Bare,
    Checked,
    Hardened,
}

/// What to run.
pub struct Options {
    pub mode: ModeName,
    pub datagrams: u32,
    pub pages: usize,
    pub lossless: bool,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options =
            Options { mode: ModeName::Checked, datagrams: 200_000, pages: 4096, lossless: false };
        let mut args = Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("mode") => options.mode = args.value()?.parse_with(mode)?,
                Arg::Long("datagrams") => options.datagrams = args.value()?.parse()?,
                Arg::Long("pages") => options.pages = args.value()?.parse()?,
                Arg::Long("lossless") => options.lossless = true,
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

fn mode(name: &str) -> Result<ModeName, &'static str> {
    match name {
        "bare" => Ok(ModeName::Bare),
        "checked" => Ok(ModeName::Checked),
        "hardened" => Ok(ModeName::Hardened),
        _ => Err("a mode is bare, checked or hardened"),
    }
}
