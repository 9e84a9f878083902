//! The UDP echo: a server on a ring with provided buffers, its load, and what is compared.

mod envelope;
mod fates;
mod load;
mod paged;
mod provided;
mod server;
mod slab;
mod socket;
mod supply;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pagesheaf::Pool;

use super::rounds::{Rounds, Variant};
use super::{Compared, Done, Outcome, SHORTER};
use fates::{Fates, Tally};
use load::Load;
use paged::Paged;
use server::Server;
use slab::Slab;
use supply::{BYTES, Supply};

/// The most datagrams in flight.
const WINDOW: u64 = 128;

/// Pages that are enough: for the window, and as many that are being answered.
const ROOMY: u16 = 512;

/// Pages that are not.
const TIGHT: u16 = 16;

const _: () = assert!(ROOMY <= provided::ENTRIES, "each page may be offered at once");

/// What is compared.
const VARIANTS: &[&str] = &["pages", "a slab and Vec<u16>"];

/// How long a thread sleeps before it looks at what else there is to do.
const NAP: Duration = Duration::from_millis(5);

/// Compares the pool and its rival by turns: echoes so many datagrams with pages enough, and fewer
/// with too few pages. Nothing if the kernel has no such ring.
pub fn run(datagrams: u32, rounds: usize) -> Outcome<Option<Done>> {
    let socket = socket::open(WINDOW)?;
    if let Err(refused) = Server::new(&socket, &mut Slab::new(0), &Tally::default()) {
        println!("echo: skipped, no ring of provided buffers: {refused}");
        return Ok(None);
    }
    let roomy = compare("echo, roomy", ROOMY, datagrams, rounds)?;
    let tight = compare("echo, tight", TIGHT, datagrams.div_ceil(SHORTER), rounds)?;
    Ok(Some(Done { roomy, tight }))
}

/// All rounds.
fn compare(name: &'static str, pages: u16, datagrams: u32, rounds: usize) -> Outcome<Compared> {
    println!("{name}: {datagrams} datagrams, {WINDOW} in flight, {pages} pages of {BYTES} bytes");
    // The numbers of pages are buffer ids, which have 16 bits.
    let builder = Pool::builder(pages.into()).page_size(BYTES).id_bits(16);
    let pool = builder.max_caches(1).shared_caches(0).build()?;
    let (mut paged, mut slab) = (Paged::new(&pool)?, Slab::new(pages));
    let mut fates = [Fates::default(), Fates::default()];
    let results = Rounds::by_turns(VARIANTS, "answers/s", rounds, |variant| {
        let (echoed, seconds) = match variant {
            Variant::Pages => echo(&mut paged, datagrams)?,
            Variant::Rival => echo(&mut slab, datagrams)?,
            Variant::Fixed => return Ok(None),
        };
        fates[variant as usize].add(&echoed);
        Ok(Some(echoed.answered as f64 / seconds))
    })?;
    println!("{name}: {results}");
    for (name, fates) in VARIANTS.iter().zip(&fates) {
        println!("  {name}: {fates}");
    }
    drop(paged);
    let ran = fates[Variant::Pages as usize].answered;
    Ok(Compared { name, ran, out: super::close(name, pool)?, ratio: results.ratio() })
}

/// Runs the server and its load. Returns what became of the datagrams, and in how many seconds.
fn echo(supply: &mut impl Supply, datagrams: u32) -> Outcome<(Fates, f64)> {
    let tally = Tally::default();
    let (there, here) = (socket::open(WINDOW)?, socket::open(WINDOW)?);
    here.connect(there.local_addr()?)?;
    let server = Server::new(&there, supply, &tally)?;
    let (done, start) = (AtomicBool::new(false), Instant::now());
    let mut load = Load::new(&here, WINDOW);
    let full = || -> Outcome<u64> { Ok(socket::drops(&there)? + socket::drops(&here)?) };
    let dropped = || {
        let pool = tally.dry.load(Ordering::Relaxed) + tally.unsent.load(Ordering::Relaxed);
        Ok(pool + full()?)
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
    Ok((Fates::of(&load, &tally, full()?)?, seconds))
}
