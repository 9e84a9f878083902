//! The server's two threads, the load's one, and the sums at the end.

mod answerer;
mod args;
mod burst;
mod datagram;
mod load;
mod mmsg;
mod receiver;
mod socket;
mod summary;

use std::error::Error;
use std::net::UdpSocket;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use pagesheaf::{Bare, Checked, Hardened, Mode, Pool};

use args::{ModeName, Options};
use load::{Load, WINDOW};
use summary::Summary;

/// A result of any thread.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of a page: a datagram and some.
const PAGE_SIZE: usize = 2048;

/// Bursts that may wait for their answers. More would only fill the socket's buffer later.
const DEPTH: usize = 16;

pub fn main() -> ExitCode {
    let outcome = match Options::from_args() {
        Ok(Some(options)) => match options.mode {
            ModeName::Bare => run::<Bare>(&options),
            ModeName::Checked => run::<Checked>(&options),
            ModeName::Hardened => run::<Hardened>(&options),
        },
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}\n\n{}", args::USAGE).into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("udp_echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs server and load, and says how it went. False when something is wrong with the result.
fn run<M: Mode>(options: &Options) -> Outcome<bool> {
    let pool = Pool::builder(options.pages).mode::<M>().page_size(PAGE_SIZE).build()?;
    let server = socket::open(WINDOW)?;
    let mut load = Load::new(server.local_addr()?, socket::room(&server)?, options.datagrams)?;
    let start = Instant::now();
    let received = serve(&pool, &server, &mut load)?;
    let seconds = start.elapsed().as_secs_f64();
    let by_server = received.dropped + socket::drops(&server)?;
    load.linger(|own| Ok(by_server + socket::drops(own)?))?;
    let summary = Summary::new(&load, &received, &server, seconds)?;
    let audit = pool.audit();
    let pages = audit.pages;
    let home = pages.out == 0
        && pages.free + pages.cached == pages.capacity
        && audit.misplaced.unwrap_or(0) == 0;
    println!("{pool:#}");
    println!("{summary}");
    if !home {
        println!("pages are missing: {audit}");
    }
    let fine = home && !pool.is_tainted() && summary.is_fine(options.lossless);
    pool.close()?;
    Ok(fine)
}

/// The three threads, until the load is through.
fn serve<M: Mode>(
    pool: &Pool<M>,
    server: &UdpSocket,
    load: &mut Load,
) -> Outcome<receiver::Received> {
    let done = AtomicBool::new(false);
    let (sender, bursts) = sync_channel(DEPTH);
    thread::scope(|threads| {
        let receiver = threads.spawn(|| {
            let _done = SetOnDrop(&done);
            receiver::receive(server, pool, sender, &done)
        });
        let answerer = threads.spawn(|| answerer::answer(server, pool, bursts));
        let load = threads.spawn(|| {
            let _done = SetOnDrop(&done);
            load.run(&done)
        });
        load.join().expect("the load panicked")?;
        let received = receiver.join().expect("the receiver panicked");
        answerer.join().expect("the answerer panicked")?;
        received
    })
}

/// Ends the other threads when this one ends, however it does.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
