//! The UDP echo: a server on a ring with provided buffers, its load, and the sums at the end.

mod envelope;
mod load;
mod provided;
mod server;
mod socket;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pagesheaf::Pool;

use super::{Done, Outcome};
use load::Load;
use server::{Server, Tally};

/// Bytes of a page: a datagram, its header and its sender.
const PAGE: usize = 2048;

/// The most datagrams in flight.
const WINDOW: u64 = 128;

/// Pages that are enough: for the window, and as many that are being answered.
const ROOMY: usize = 512;

/// Pages that are not.
const TIGHT: usize = 16;

const _: () = assert!(ROOMY <= provided::ENTRIES as usize, "each page may be offered at once");

/// How long a thread sleeps before it looks at what else there is to do.
const NAP: Duration = Duration::from_millis(5);

/// Echoes so many datagrams with pages enough, and a tenth of them with too few.
pub fn run(datagrams: u32) -> Outcome<Done> {
    let mut done = Done::NONE;
    done.add(&echo("echo, roomy", ROOMY, datagrams)?);
    done.add(&echo("echo, tight", TIGHT, datagrams.div_ceil(10))?);
    Ok(done)
}

/// Runs the server and its load.
fn echo(name: &str, pages: usize, datagrams: u32) -> Outcome<Done> {
    // The numbers of pages are buffer ids, which have 16 bits.
    let builder = Pool::builder(pages).page_size(PAGE).id_bits(16);
    let pool = builder.max_caches(1).shared_caches(0).build()?;
    let tally = Tally::default();
    let (there, here) = (socket::open(WINDOW)?, socket::open(WINDOW)?);
    here.connect(there.local_addr()?)?;
    let server = match Server::new(&there, &pool, &tally) {
        Ok(server) => server,
        Err(refused) => {
            println!("{name}: skipped, no ring of provided buffers: {refused}");
            return Ok(Done { ran: 0, out: super::close(name, pool)? });
        }
    };
    let (done, start) = (AtomicBool::new(false), Instant::now());
    let mut load = Load::new(&here, WINDOW);
    let dropped = || {
        let pool = tally.dry.load(Ordering::Relaxed) + tally.unsent.load(Ordering::Relaxed);
        Ok(pool + socket::drops(&there)? + socket::drops(&here)?)
    };
    let seconds = thread::scope(|threads| -> Outcome<f64> {
        let load = threads.spawn(|| {
            let loaded = load.run(datagrams, dropped);
            // However it went: the server ends, too.
            done.store(true, Ordering::Release);
            loaded.map(|()| start.elapsed().as_secs_f64())
        });
        server.run(&done)?;
        load.join().map_err(|_| "the load panicked")?
    })?;
    account(name, &load, &tally, dropped()?, seconds)?;
    Ok(Done { ran: load.answered, out: super::close(name, pool)? })
}

/// Prints what became of the datagrams. An error if one is unaccounted for.
fn account(name: &str, load: &Load<'_>, tally: &Tally, dropped: u64, seconds: f64) -> Outcome<()> {
    let (sent, answered, wrong) = (load.sent(), load.answered, load.wrong);
    let [dry, unsent, empty] =
        [&tally.dry, &tally.unsent, &tally.empty].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{name}: sent {sent} = answered {answered} + no page {dry} + not sent {unsent} + full \
         sockets {}; {wrong} wrong; ENOBUFS {empty} times; {:.0} answers/s",
        dropped - dry - unsent,
        answered as f64 / seconds
    );
    if answered + dropped != sent || wrong > 0 {
        return Err("datagrams are unaccounted for, or wrong".into());
    }
    Ok(())
}
