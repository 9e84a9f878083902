//! The two parts, one after the other, and the last line.

mod args;
mod copy;
mod echo;
mod rounds;
mod system;

use std::error::Error;
use std::process::ExitCode;

use pagesheaf::Pool;

use args::Options;

/// With too few pages, a part does so many times less: it is slower then.
const SHORTER: u32 = 4;

/// A result of any thread.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What one comparison has done.
struct Compared {
    name: &'static str,
    /// Pages copied, or datagrams answered from pages.
    ran: u64,
    /// Pages out or lent at the end.
    out: u64,
    /// The speed of pages divided by that of their rival.
    ratio: f64,
}

/// What a part has done: with pages enough, and with too few.
struct Done {
    roomy: Compared,
    tight: Compared,
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
    let mut parts = vec![copy::run(options.mib, options.rounds())?];
    parts.extend(echo::run(options.datagrams, options.rounds())?);
    let all = || parts.iter().flat_map(|Done { roomy, tight }| [roomy, tight]);
    let ran: u64 = all().map(|it| it.ran).sum();
    let out = all().map(|it| it.out).sum();
    if let Some(none) = all().find(|it| !it.ratio.is_normal()) {
        return Err(format!("{}: one side did nothing in the rounds that count", none.name).into());
    }
    let ratios: Vec<_> = all().map(|it| format!("{:?}: {:.3}", it.name, it.ratio)).collect();
    // The geometric mean of those that do not run out of pages.
    let logs = parts.iter().map(|part| part.roomy.ratio.ln());
    let ratio = (logs.sum::<f64>() / parts.len() as f64).exp();
    let ratios = ratios.join(", ");
    println!(
        "demo: {{\"ran\": {ran}, \"out\": {out}, \"ratio\": {ratio:.3}, \"ratios\": {{{ratios}}}}}"
    );
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
