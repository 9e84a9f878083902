//! The program: all workloads over all contenders, or one contender's memory after a burst.

mod args;
mod design;
mod heap;
mod held;
mod pipeline;
mod queues;
mod report;
mod system;
mod work;

use std::error::Error;
use std::process::ExitCode;

use args::Options;
use design::{Design, Original, Pages, Queues};
use report::Report;

/// A result of any part.
type Outcome<T> = Result<T, Box<dyn Error>>;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// Runs a workload over one contender.
type Run = fn(u64);

/// A workload, with each contender in the order of the report.
struct Load {
    name: &'static str,
    /// So many in a turn.
    count: u64,
    runs: [Run; 3],
}

pub fn main() -> ExitCode {
    let done = match Options::from_args() {
        Ok(Some(options)) => match &options.held {
            Some(name) => held::one(name),
            None => run(&options),
        },
        Ok(None) => {
            println!("{}", args::USAGE);
            Ok(true)
        }
        Err(error) => Err(format!("{error}\n\n{}", args::USAGE).into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sharded: {error}");
            ExitCode::FAILURE
        }
    }
}

/// False when something is wrong with the result.
fn run(options: &Options) -> Outcome<bool> {
    let (turns, part) = if options.quick { (3, 10) } else { (options.turns, 1) };
    let loads = [
        Load {
            name: "datagrams",
            count: 200_000 / part,
            runs: [
                work::datagrams::<Pages>,
                work::datagrams::<Original>,
                work::datagrams::<Queues>,
            ],
        },
        Load {
            name: "bodies",
            count: 10_000 / part,
            runs: [work::bodies::<Pages>, work::bodies::<Original>, work::bodies::<Queues>],
        },
        Load {
            name: "turnover",
            count: 500_000 / part,
            runs: [work::turnover::<Pages>, work::turnover::<Original>, work::turnover::<Queues>],
        },
    ];
    let (mut ran, mut ratio) = (0, None);
    println!("medians of {turns} turns, and of ratios the middle half of the turns:");
    let only = options.only.as_deref();
    for load in loads.iter().filter(|load| only.is_none_or(|name| name == load.name)) {
        let report = Report::of(load, turns);
        println!("{report}");
        ran += report.ran();
        if load.name == "datagrams" {
            ratio = Some(report.ratio());
        }
    }
    println!("{}", held::all()?);
    let out = Pages::out() + Original::out() + Queues::out();
    let ratio = ratio.map_or("null".into(), |ratio| format!("{ratio:.3}"));
    println!("demo: {{\"ran\": {ran}, \"out\": {out}, \"ratio\": {ratio}}}");
    Ok(out == 0)
}
