//! The command line.

use std::net::SocketAddr;

use lexopt::{Arg, Parser, ValueExt};

pub const USAGE: &str = "\
usage: service [--quick] [--pages N] [--page-size BYTES]
       service --serve ADDRESS [--pages N] [--page-size BYTES] [--heap]

  --quick      the demo in some seconds
  --serve      only the server, at this address: 127.0.0.1:8080
  --pages      how many pages the pool has (16384)
  --page-size  bytes of a page, a power of two from 4096 to 65536 (4096)
  --heap       serve from the heap, behind a limit of as many bytes: the rival";

/// What to run.
pub struct Options {
    pub quick: bool,
    pub serve: Option<SocketAddr>,
    pub heap: bool,
    pub pages: usize,
    pub page_size: usize,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options =
            Options { quick: false, serve: None, heap: false, pages: 16_384, page_size: 4096 };
        let mut args = Parser::from_env();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Long("quick") => options.quick = true,
                Arg::Long("serve") => options.serve = Some(args.value()?.parse()?),
                Arg::Long("heap") => options.heap = true,
                Arg::Long("pages") => options.pages = args.value()?.parse()?,
                Arg::Long("page-size") => {
                    options.page_size = args.value()?.parse_with(page_size)?
                }
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.heap && options.serve.is_none() {
            return Err("--heap goes with --serve".into());
        }
        if options.serve.is_none() && options.bytes() < 32 << 20 {
            return Err("the demo needs a pool of 32 MiB: more --pages".into());
        }
        Ok(Some(options))
    }

    /// The bytes of all pages.
    pub fn bytes(&self) -> usize {
        self.pages.saturating_mul(self.page_size)
    }
}

fn page_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes @ 4096..=65_536) if usize::is_power_of_two(bytes) => Ok(bytes),
        _ => Err("a page has 4096 to 65536 bytes, a power of two".into()),
    }
}
