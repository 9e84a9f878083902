//! The file copy: its pools, its rings, and what is compared.

mod checksum;
mod files;
mod lane;
mod locked;
mod paged;
mod rounds;
mod supply;
mod work;

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

/// Names of their caches.
const NAMES: [&str; LANES] = ["lane 0", "lane 1"];

/// Enough for all readers: what each may have in the ring, and as much with the checksum thread.
const ROOMY: usize = LANES * 2 * DEPTH;

/// Too few for even one reader.
const TIGHT: usize = 48;

/// The readers' rings, and whether the pool's memory is registered with them.
struct Rings {
    rings: Vec<IoUring>,
    fixed: bool,
}

impl Rings {
    fn new() -> Outcome<Self> {
        let rings = (0..LANES).map(|_| IoUring::new(DEPTH as u32));
        Ok(Rings { rings: rings.collect::<Result<_, _>>()?, fixed: false })
    }

    /// Registers the pool's regions with each ring, once for all copies.
    fn register(pool: &Pool) -> Outcome<Self> {
        let mut rings = Self::new()?;
        let regions: Vec<libc::iovec> = pool
            .regions()
            .map(|part| libc::iovec { iov_base: part.as_ptr().cast(), iov_len: part.len() })
            .collect();
        for ring in &rings.rings {
            // SAFETY: the pool's memory stays where it is until the pool is closed, after the rings.
            unsafe { ring.submitter().register_buffers(&regions) }?;
        }
        rings.fixed = true;
        Ok(rings)
    }
}

/// Registers, or says why it cannot be.
fn registered(pool: &Pool) -> Option<Rings> {
    let needed = (LANES * pool.capacity() * BLOCK) >> 10;
    let limit = MemLock::get();
    match Rings::register(pool) {
        Ok(rings) => {
            println!("registered buffers: {needed} KiB for {LANES} rings; {limit}");
            Some(rings)
        }
        Err(refused) => {
            println!("no registered buffers: {refused}; {needed} KiB are needed, and {limit}");
            None
        }
    }
}

fn pool(pages: usize) -> Outcome<Pool> {
    let region = Region::mapped().populate(true);
    let builder = Pool::builder(pages).page_size(BLOCK).region(region);
    // A cache keeps at most two magazines from the others.
    Ok(builder.max_caches(LANES).shared_caches(0).magazine_capacity(8).build()?)
}

fn caches(pool: &Pool) -> Outcome<Vec<Paged>> {
    NAMES.iter().map(|name| Paged::new(pool, name)).collect()
}

/// Compares the pool and its rival by turns; then copies with too small a pool. Returns what was
/// done, and the ratio.
pub fn run(mib: u32, rounds: usize) -> Outcome<(Done, f64)> {
    let roomy = pool(ROOMY)?;
    let files = Files::new(mib, &mut roomy.alloc()?)?;
    println!(
        "{mib} MiB in blocks of {} KiB, {LANES} rings of depth {DEPTH}, {}",
        BLOCK >> 10,
        if files.direct() { "O_DIRECT" } else { "buffered: the file system refuses O_DIRECT" }
    );
    let (ran, ratio) = compare(&roomy, &files, rounds)?;
    let tight = pool(TIGHT)?;
    let copied = work::copy(caches(&tight)?, &mut Rings::new()?, &files)?;
    println!("{TIGHT} pages: {copied}; readers waited {} times for pages", copied.waits);
    files.remove()?;
    let out = super::close("copy, roomy", roomy)? + super::close("copy, tight", tight)?;
    Ok((Done { ran: ran + copied.blocks(), out }, ratio))
}

/// All rounds. Returns how many pages were copied, and the ratio.
fn compare(pool: &Pool, files: &Files, rounds: usize) -> Outcome<(u64, f64)> {
    let locked = Locked::new(ROOMY);
    let (mut plain, mut fixed) = (Rings::new()?, registered(pool));
    let mut results = Rounds::default();
    // The first round is to warm up. Each begins with another variant.
    for round in 0..=rounds {
        for variant in Variant::in_turn(round) {
            let copied = match variant {
                Variant::Pages => work::copy(caches(pool)?, &mut plain, files)?,
                Variant::Locked => {
                    let supplies = (0..LANES).map(|_| FromLocked::new(&locked)).collect();
                    work::copy(supplies, &mut plain, files)?
                }
                Variant::Fixed => match &mut fixed {
                    Some(rings) => work::copy(caches(pool)?, rings, files)?,
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
