//! What every CPU does: bulks of frames come and go, and some change hands.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

use pagesheaf::{Cache, Checked, PageId, Pool};
use x86_64::instructions::interrupts;

use crate::apic::{self, CPUS};
use crate::interrupts::{COUNTS, inside};
use crate::owners::{self, Owner};
use crate::plan::PLAN;
use crate::{frames, paging};

/// The most frames of one operation.
const BULK: usize = 32;
/// Bulks that a CPU has at a time.
const HELD: usize = 16;
/// Between two interrupts of a CPU: 200 µs in QEMU.
const TICKS: u32 = 200_000;

/// A frame for each CPU from another, as its id and 1; 0 is none.
static MAIL: [AtomicU32; CPUS] = [const { AtomicU32::new(0) }; CPUS];

/// Some frames.
struct Bulk {
    frames: [PageId; BULK],
    len: usize,
}

/// What a CPU has.
struct Worker {
    cpu: usize,
    me: Owner,
    cache: Cache<Checked>,
    held: [Bulk; HELD],
    random: u64,
    done: Done,
}

/// What a CPU did.
#[derive(Clone, Copy, Default)]
pub struct Done {
    /// Operations: a bulk that is allocated, and an older one that is freed.
    pub operations: usize,
    /// Those for which the pool had fewer frames than it was asked for.
    pub short: usize,
}

impl Worker {
    fn new(cpu: usize, pool: &Pool<Checked>) -> Self {
        Worker {
            cpu,
            me: Owner::cpu(cpu),
            cache: pool.cache().expect("a cache for each CPU"),
            held: [const { Bulk { frames: [PageId::new(0); BULK], len: 0 } }; HELD],
            random: cpu as u64 + 1,
            done: Done::default(),
        }
    }

    /// A number below `end`: an xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as usize % end
    }

    fn operate(&mut self) {
        let (slot, want) = (self.below(HELD), 1 + self.below(BULK));
        self.free(slot);
        self.allocate(slot, want);
        if self.below(8) == 0 {
            self.exchange(slot);
        }
        self.done.operations += 1;
    }

    fn allocate(&mut self, slot: usize, want: usize) {
        let mut out = [MaybeUninit::uninit(); BULK];
        let (got, _) = inside(self.cpu, || self.cache.alloc_bulk_raw(&mut out[..want]));
        got.iter().for_each(|&frame| owners::claim(frame, self.me));
        let bulk = &mut self.held[slot];
        bulk.frames[..got.len()].copy_from_slice(got);
        bulk.len = got.len();
        self.done.short += usize::from(got.len() < want);
    }

    fn free(&mut self, slot: usize) {
        let bulk = &mut self.held[slot];
        let frames = &bulk.frames[..core::mem::take(&mut bulk.len)];
        frames.iter().for_each(|&frame| owners::give_up(frame, self.me));
        // SAFETY: the frames are this CPU's, and nothing points to them.
        let freed = inside(self.cpu, || unsafe { self.cache.free_bulk_raw(frames) });
        freed.unwrap_or_else(|error| panic!("on CPU {}: {error}", self.cpu));
    }

    /// Gives the next CPU a frame, and takes the one that lies there, to be freed here.
    fn exchange(&mut self, slot: usize) {
        let bulk = &mut self.held[slot];
        let Some(frame) = bulk.frames[..bulk.len].last_mut() else { return };
        owners::pass(*frame, self.me, Owner::MAIL);
        let mail = &MAIL[(self.cpu + 1) % PLAN.cpus()];
        match mail.swap(frame.index() + 1, Ordering::AcqRel).checked_sub(1) {
            Some(other) => {
                *frame = PageId::new(other);
                owners::pass(*frame, Owner::MAIL, self.me);
            }
            None => bulk.len -= 1,
        }
    }

    /// What the first CPU does besides, while all others go on.
    fn besides(&mut self, quota: usize, later: &Range<u32>) {
        let part = (quota / 4).max(1);
        if self.done.operations == part || self.done.operations == 3 * part {
            paging::map_and_unmap(&mut self.cache, self.me);
        }
        if self.done.operations == 2 * part {
            frames::bring_online(self.cache.pool(), later, self.me);
        }
    }
}

/// Works until this CPU has done its part and was interrupted; the first one has memory to bring
/// online meanwhile.
pub fn run(cpu: usize, pool: &Pool<Checked>, later: Option<&Range<u32>>) -> Done {
    let mut worker = Worker::new(cpu, pool);
    let quota = PLAN.operations().div_ceil(PLAN.cpus());
    let interrupted = || COUNTS[cpu].served.load(Ordering::Relaxed) > 0;
    interrupts::enable();
    apic::start_timer(TICKS);
    while worker.done.operations < quota || !interrupted() {
        worker.operate();
        if let Some(later) = later {
            worker.besides(quota, later);
        }
    }
    apic::stop_timer();
    (0..HELD).for_each(|slot| worker.free(slot));
    worker.done
}

/// Frees what lies in the mail, when all CPUs are done.
pub fn empty_the_mail(pool: &Pool<Checked>) {
    let mail = MAIL.iter().filter_map(|mail| mail.swap(0, Ordering::AcqRel).checked_sub(1));
    for frame in mail.map(PageId::new) {
        owners::give_up(frame, Owner::MAIL);
        // SAFETY: nobody else has the frame, and nothing points to it.
        unsafe { pool.free_raw(frame) }.unwrap_or_else(|error| panic!("from the mail: {error}"));
    }
}
