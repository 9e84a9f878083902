//! The program: the server alone, or the demo.

mod args;
mod client;
mod demo;
mod heap;
mod http;
mod line;
mod load;
mod order;
mod paged;
mod report;
mod rounds;
mod running;
mod server;
mod staging;
mod status;
mod system;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use pagesheaf::{BuildError, Pool, Region};

use args::Options;
use heap::Heap;
use paged::Paged;

/// A result of any part.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// The longest upload with `--heap`, which has no pages to count.
const MOST: usize = 4 << 20;

pub fn main() -> ExitCode {
    match Options::from_args() {
        Ok(Some(options)) => match run(&options) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("service: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(None) => {
            println!("{}", args::USAGE);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("service: {error}\n\n{}", args::USAGE);
            ExitCode::FAILURE
        }
    }
}

/// False when something is wrong with the result.
fn run(options: &Options) -> Outcome<bool> {
    match options.serve {
        None => demo::run(options),
        Some(address) if options.heap => {
            running::serve_forever(Heap::new(options.bytes(), MOST), address)?;
            Ok(true)
        }
        Some(address) => {
            let pool = pool(options.pages, options.page_size)?;
            // What nobody has needed for some seconds goes back to the system.
            let _upkeep = pool.maintain_every(Duration::from_secs(1))?;
            running::serve_forever(Paged::new(pool.clone()), address)?;
            Ok(true)
        }
    }
}

/// A pool whose memory follows the load: it is touched when it is needed, and goes back when it is not.
fn pool(pages: usize, page_size: usize) -> Result<Pool, BuildError> {
    let region = Region::mapped().purge(true);
    let builder = Pool::builder(pages).page_size(page_size).region(region);
    // Small magazines: what lies in them is memory that was touched, and the next upload gets other pages.
    builder.magazine_capacity(16).build()
}
