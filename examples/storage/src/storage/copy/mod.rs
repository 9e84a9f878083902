//! The file copy: its pools, its rings, and what is compared.

mod checksum;
mod files;
mod lane;
mod locked;
mod paged;
mod rounds;
mod supply;
mod work;

use std::io;
use std::os::fd::AsRawFd;

use io_uring::IoUring;
use pagesheaf::{Pool, Region};

use super::system::MemLock;
use super::{Done, Outcome};
use files::Files;
use locked::{FromLocked, Locked};
use paged::Paged;
use rounds::{Rounds, Variant};
use supply::{BLOCK, DEPTH};

/// Readers, each with a ring.
const LANES: usize = 2;

/// Readers where there are too few pages.
const MANY: usize = 4;

/// Names of the readers' caches.
const NAMES: [&str; MANY] = ["lane 0", "lane 1", "lane 2", "lane 3"];

/// Enough for all readers: what each may have in the ring, and as much with the checksum thread.
const ROOMY: usize = LANES * 2 * DEPTH;

/// Too few for even one reader: the others wait until it is out of pages.
const TIGHT: usize = 12;

/// The readers' rings.
struct Rings {
    rings: Vec<IoUring>,
    /// KiB that are registered with them, 0 if nothing is. A ring that shares what another one has
    /// registered does not count again.
    registered: usize,
}

impl Rings {
    fn new(lanes: usize) -> io::Result<Self> {
        let rings = (0..lanes).map(|_| IoUring::new(DEPTH as u32));
        Ok(Rings { rings: rings.collect::<Result<_, _>>()?, registered: 0 })
    }

    /// Registers the pool's regions with the first ring, once for all copies. The others share them
    /// (Linux 6.12), or register them as well.
    fn register(pool: &Pool) -> io::Result<Self> {
        let mut rings = Self::new(LANES)?;
        let regions: Vec<libc::iovec> = pool
            .regions()
            .map(|part| libc::iovec { iov_base: part.as_ptr().cast(), iov_len: part.len() })
            .collect();
        let first = rings.rings[0].as_raw_fd();
        for ring in &rings.rings {
            let submitter = ring.submitter();
            let other = ring.as_raw_fd() != first;
            if !(other && submitter.register_buffers_clone(first).is_ok()) {
                // SAFETY: the memory stays where it is until the pool is closed, after the rings.
                unsafe { submitter.register_buffers(&regions) }?;
                rings.registered += (pool.capacity() * BLOCK) >> 10;
            }
        }
        Ok(rings)
    }
}

/// Registers, or says why it cannot be.
fn registered(pool: &Pool) -> Option<Rings> {
    let (need, limit) = ((pool.capacity() * BLOCK) >> 10, MemLock::get());
    match Rings::register(pool) {
        Ok(rings) => {
            println!("registered buffers: {} KiB for {LANES} rings; {limit}", rings.registered);
            Some(rings)
        }
        Err(refused) => {
            println!("no registered buffers: {refused}; {need} KiB or more are needed, {limit}");
            None
        }
    }
}

fn pool(pages: usize, lanes: usize) -> Outcome<Pool> {
    let region = Region::mapped().populate(true);
    let builder = Pool::builder(pages).page_size(BLOCK).region(region);
    // A cache keeps at most two magazines from the others.
    Ok(builder.max_caches(lanes).shared_caches(0).magazine_capacity(8).build()?)
}

fn caches(pool: &Pool, lanes: usize) -> Outcome<Vec<Paged>> {
    NAMES[..lanes].iter().map(|name| Paged::new(pool, name)).collect()
}

/// Compares the pool and its rival by turns; then copies with too small a pool. Returns what was
/// done, and the ratio.
pub fn run(mib: u32, rounds: usize) -> Outcome<(Done, f64)> {
    let roomy = pool(ROOMY, LANES)?;
    let files = Files::new(mib, &mut roomy.alloc()?)?;
    println!(
        "{mib} MiB in blocks of {} KiB, {LANES} rings of depth {DEPTH}, {}",
        BLOCK >> 10,
        if files.direct() { "O_DIRECT" } else { "buffered: the file system refuses O_DIRECT" }
    );
    let (ran, ratio) = compare(&roomy, &files, rounds)?;
    let tight = pool(TIGHT, MANY)?;
    let copied = work::copy(caches(&tight, MANY)?, &mut Rings::new(MANY)?, &files)?;
    println!("{TIGHT} pages, {MANY} readers: {copied}; they waited {} times", copied.waits);
    files.remove()?;
    let out = super::close("copy, roomy", roomy)? + super::close("copy, tight", tight)?;
    Ok((Done { ran: ran + copied.blocks(), out }, ratio))
}

/// All rounds. Returns how many pages were copied, and the ratio.
fn compare(pool: &Pool, files: &Files, rounds: usize) -> Outcome<(u64, f64)> {
    let locked = Locked::new(ROOMY);
    let (mut plain, mut fixed) = (Rings::new(LANES)?, registered(pool));
    let mut results = Rounds::default();
    // The first round is to warm up. Each begins with another variant.
    for round in 0..=rounds {
        for variant in Variant::in_turn(round) {
            let copied = match variant {
                Variant::Pages => work::copy(caches(pool, LANES)?, &mut plain, files)?,
                Variant::Locked => {
                    let supplies = (0..LANES).map(|_| FromLocked::new(&locked)).collect();
                    work::copy(supplies, &mut plain, files)?
                }
                Variant::Fixed => match &mut fixed {
                    Some(rings) => work::copy(caches(pool, LANES)?, rings, files)?,
                    None => continue,
                },
            };
            results.add(variant, &copied, round > 0);
        }
    }
    if locked.len() != ROOMY {
        return Err("the rival has lost boxes".into());
    }
    println!("{results}");
    Ok((results.pages, results.ratio()))
}
