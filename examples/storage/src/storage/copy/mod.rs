//! The file copy: its pools, its rings, and what is compared.

mod checksum;
mod files;
mod lane;
mod locked;
mod paged;
mod supply;
mod work;

use std::io;
use std::os::fd::AsRawFd;

use io_uring::IoUring;
use pagesheaf::{Pool, Region};

use super::rounds::{Rounds, Variant};
use super::system::MemLock;
use super::{Compared, Done, Outcome, SHORTER};
use files::Files;
use locked::{FromLocked, Locked};
use paged::Paged;
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

/// What is compared. With too few pages, the first two.
const VARIANTS: &[&str] = &["pages", "Mutex<Vec<Box<_>>>", "pages, registered"];

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

/// Compares the pool and its rival by turns: with pages enough, and with too few.
pub fn run(mib: u32, rounds: usize) -> Outcome<Done> {
    let roomy = Part::new("copy, roomy", ROOMY, LANES, mib)?.compare(VARIANTS, rounds)?;
    let tight = Part::new("copy, tight", TIGHT, MANY, mib.div_ceil(SHORTER))?;
    Ok(Done { roomy, tight: tight.compare(&VARIANTS[..2], rounds)? })
}

/// A pool, and what is copied with it.
struct Part {
    name: &'static str,
    pool: Pool,
    lanes: usize,
    files: Files,
}

impl Part {
    fn new(name: &'static str, pages: usize, lanes: usize, mib: u32) -> Outcome<Self> {
        let pool = pool(pages, lanes)?;
        let files = Files::new(mib, &mut pool.alloc()?)?;
        println!(
            "{name}: {mib} MiB in blocks of {} KiB, {pages} pages, {lanes} rings of depth {DEPTH}, \
             {}",
            BLOCK >> 10,
            if files.direct() { "O_DIRECT" } else { "buffered: the file system refuses O_DIRECT" }
        );
        Ok(Part { name, pool, lanes, files })
    }

    /// All rounds, of the variants that have a name here.
    fn compare(self, names: &'static [&'static str], rounds: usize) -> Outcome<Compared> {
        let Part { name, pool, lanes, files } = self;
        let (locked, mut plain) = (Locked::new(pool.capacity()), Rings::new(lanes)?);
        let mut fixed = names.get(Variant::Fixed as usize).and_then(|_| registered(&pool));
        let (mut ran, mut waits) = (0, [0; VARIANTS.len()]);
        let results = Rounds::by_turns(names, "MB/s", rounds, |variant| {
            let copied = match variant {
                Variant::Pages => work::copy(caches(&pool, lanes)?, &mut plain, &files)?,
                Variant::Rival => {
                    let supplies = (0..lanes).map(|_| FromLocked::new(&locked)).collect();
                    work::copy(supplies, &mut plain, &files)?
                }
                Variant::Fixed => match &mut fixed {
                    Some(rings) => work::copy(caches(&pool, lanes)?, rings, &files)?,
                    None => return Ok(None),
                },
            };
            waits[variant as usize] += copied.waits;
            if variant != Variant::Rival {
                ran += copied.blocks();
            }
            Ok(Some(copied.speed()))
        })?;
        if locked.len() != pool.capacity() {
            return Err("the rival has lost boxes".into());
        }
        println!("{name}: {results}");
        for (name, waits) in names.iter().zip(waits).filter(|(_, waits)| *waits > 0) {
            println!("  {name}: readers waited {waits} times");
        }
        files.remove()?;
        // The rings before the memory that is registered with them.
        drop(fixed);
        Ok(Compared { name, ran, out: super::close(name, pool)?, ratio: results.ratio() })
    }
}
