//! The two parts, one after the other, and the last line.

mod args;
mod copy;
mod echo;
mod system;

use std::error::Error;
use std::process::ExitCode;

use pagesheaf::Pool;

use args::Options;

/// A result of any thread.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What a part has done.
struct Done {
    /// Pages copied, or datagrams answered.
    ran: u64,
    /// Pages out or lent at the end.
    out: u64,
}

impl Done {
    /// Nothing.
    const NONE: Self = Done { ran: 0, out: 0 };

    /// Adds what another part has done.
    fn add(&mut self, other: &Self) {
        self.ran += other.ran;
        self.out += other.out;
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("storage: {error}\n\n{}", args::USAGE);
            return ExitCode::FAILURE;
        }
    };
    if let Err(refused) = system::probe() {
        println!("demo: {{\"skipped\": \"io_uring_setup: {refused}\"}}");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(out) => {
            eprintln!("storage: {out} pages are out or lent");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("storage: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies, echoes, and prints the last line. Returns how many pages are missing.
fn run(options: &Options) -> Outcome<u64> {
    let (mut done, ratio) = copy::run(options.mib, options.rounds())?;
    done.add(&echo::run(options.datagrams)?);
    let Done { ran, out } = done;
    println!("demo: {{\"ran\": {ran}, \"out\": {out}, \"ratio\": {ratio:.3}}}");
    Ok(out)
}

/// Prints the pool's report, and closes it. Returns how many pages were out or lent.
fn close(name: &str, pool: Pool) -> Outcome<u64> {
    println!("{name} pool: {pool}");
    let audit = pool.audit();
    if !audit.is_clean() || pool.is_tainted() {
        return Err(format!("the pool is damaged: {audit}").into());
    }
    pool.close()?;
    Ok(audit.pages.out + audit.pages.lent)
}
