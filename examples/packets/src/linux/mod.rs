//! The run: both sizes of pages, the pool and the list by turns, and the sums at the end.
//!
//! Where to look: `frames` has all that the pool does, and `queue` the list that it replaces; `forward` is the loop
//! around the four rings of `ring`. Behind these are the devices: `xdp` with `bpf`, `packet`, `memory`. The rest makes
//! packets (`load`, `tally`) and interfaces (`net`, `netlink`).

mod args;
mod bpf;
mod device;
mod forward;
mod frames;
mod link_socket;
mod load;
mod mapping;
mod memory;
mod net;
mod netlink;
mod packet;
mod queue;
mod ring;
mod system;
mod tally;
mod transport;
mod xdp;

use std::error::Error;
use std::process::ExitCode;

use pagesheaf::Pool;

use args::Options;
use frames::Pooled;
use queue::Queued;
use tally::{SLICE, Work};
use transport::Transport;

/// A result of any thread.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Pages, and the bytes of the largest packet in them.
const SIZES: [(usize, usize); 2] = [(2048, 1514), (4096, 3514)];

/// Frames: enough for all four rings.
const FRAMES: usize = 4096;

/// Pages of a pool that is too small.
const FEW: usize = 48;

/// The pool and the list take turns so many times.
const ROUNDS: u64 = 10;

pub fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("packets: {error}\n\n{}", args::USAGE);
            return ExitCode::FAILURE;
        }
    };
    let (transport, refused) = Transport::choose(options.transport);
    for why in &refused {
        println!("refused: {why}");
    }
    let Some(transport) = transport else {
        println!("demo: {{\"skipped\": {:?}}}", refused.join("; "));
        return ExitCode::SUCCESS;
    };
    println!("transport: {transport}");
    match run(&transport, options.packets) {
        Ok(sums) => {
            let Sums { ran, out, ratio } = sums;
            println!("demo: {{\"ran\": {ran}, \"out\": {out}, \"ratio\": {ratio:.3}}}");
            if out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("packets: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the last line says.
struct Sums {
    ran: u64,
    out: u64,
    ratio: f64,
}

/// All sizes. The ratio is their geometric mean.
fn run(transport: &Transport, packets: u64) -> Outcome<Sums> {
    let mut sums = Sums { ran: 0, out: 0, ratio: 1.0 };
    for (page_size, large) in SIZES {
        println!("\npages of {page_size} bytes, packets of 64 to {large}");
        let work = Work { packets: packets.div_ceil(ROUNDS), again: true, large };
        let pool = frames::pool(FRAMES, page_size)?;
        sums.ratio *=
            by_turns(transport, &pool, work, &mut sums.ran)?.powf(1.0 / SIZES.len() as f64);
        sums.out += finish(pool)?;
        let few = frames::pool(FEW, page_size)?;
        exhaust(transport, &few, Work { again: false, ..work }, &mut sums.ran)?;
        sums.out += finish(few)?;
    }
    Ok(sums)
}

/// The pool against the list; in the middle the interface goes away. Returns the ratio of the medians.
fn by_turns(transport: &Transport, pool: &Pool, work: Work, ran: &mut u64) -> Outcome<f64> {
    let (mut pooled, mut queued) = (Pooled::new(pool)?, Queued::new(FRAMES, pool.page_size())?);
    let (mut with_pool, mut with_list) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            *ran += cut(transport, &mut pooled, work)?;
        }
        for turn in [round, round + 1] {
            if turn.is_multiple_of(2) {
                let leg = transport.leg(&mut pooled, work, None)?;
                with_pool.extend(leg.tally.slices);
                *ran += leg.tally.answered;
            } else {
                with_list.extend(transport.leg(&mut queued, work, None)?.tally.slices);
            }
        }
    }
    let (with_pool, with_list) = (median(with_pool), median(with_list));
    let ratio = with_pool / with_list;
    println!("{ROUNDS} rounds of {} packets, by turns; medians of {SLICE}:", work.packets);
    println!("  {with_pool:>9.0} packets a second with the pool");
    println!("  {with_list:>9.0} packets a second with a VecDeque of free frames: {ratio:.3}");
    Ok(ratio)
}

/// A device that goes away in the middle, and a new one for the rest. Returns how many packets came back.
fn cut(transport: &Transport, pooled: &mut Pooled, work: Work) -> Outcome<u64> {
    let first = transport.leg(pooled, work, Some(work.packets / 2))?;
    let (back, lost) = (first.tally.answered, first.tally.sent - first.tally.answered);
    let rest = Work { packets: work.packets.saturating_sub(back), ..work };
    let second = transport.leg(pooled, rest, None)?;
    let pages = first.taken_back;
    println!(
        "the device went after {back} packets, {lost} were on their way; its {pages} pages came back"
    );
    println!("with a new one {} more packets came back", second.tally.answered);
    Ok(back + second.tally.answered)
}

/// A pool that is too small: packets are dropped, and each is counted.
fn exhaust(transport: &Transport, pool: &Pool, work: Work, ran: &mut u64) -> Outcome<()> {
    let mut pooled = Pooled::new(pool)?;
    let leg = transport.leg(&mut pooled, work, None)?;
    let (sent, answered) = (leg.tally.sent, leg.tally.answered);
    let dropped = leg.dropped + leg.tally.dropped;
    println!("{FEW} pages only: {sent} sent, {answered} came back, {dropped} dropped");
    println!("the fill ring wanted more pages than there were {} times", pooled.short);
    if sent != answered + dropped {
        return Err("a packet was dropped that nobody counted".into());
    }
    *ran += answered;
    Ok(())
}

/// Prints the pool's report, and closes it. Returns how many pages are out or lent, of a pool that cannot be closed.
fn finish(pool: Pool) -> Outcome<u64> {
    println!("{pool}");
    let audit = pool.audit();
    let out = audit.pages.out + audit.pages.lent;
    if out != 0 {
        println!("pages are missing: {audit}");
        return Ok(out);
    }
    if pool.is_tainted() || audit.misplaced != Some(0) || audit.corrupt != Some(0) {
        return Err(format!("the pool has seen a fault: {audit}").into());
    }
    pool.close()?;
    Ok(0)
}

/// Packets a second in the middle one of these slices.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    SLICE as f64 / seconds[seconds.len() / 2]
}
