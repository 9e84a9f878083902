//! The pool against what it replaces: a list through the free frames, behind a spinlock.
//!
//! The cycles are the host's, and QEMU translates what runs here: compare them with each other, and
//! with nothing else.

use core::hint::spin_loop;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pagesheaf::{Checked, PageId, Pool};
use x86_64::instructions::interrupts::without_interrupts;

use crate::frames::FRAME;
use crate::machine::{cycles, say};
use crate::plan::{BARRIER, PLAN};

/// Frames of the list.
const FRAMES: usize = 1024;
/// Rounds, in each of which both have a turn.
const ROUNDS: usize = 15;
/// The most frames of a call.
const MOST: usize = 16;

/// Free frames, each of which has the address of the next.
struct List {
    locked: AtomicBool,
    first: AtomicUsize,
}

static LIST: List = List { locked: AtomicBool::new(false), first: AtomicUsize::new(0) };

/// The first word of a free frame.
fn link(frame: usize) -> *mut usize {
    ptr::with_exposed_provenance_mut(frame)
}

impl List {
    /// Runs with the lock, with interrupts off: a handler that came here would wait for ever.
    fn locked<R>(&self, call: impl FnOnce(&AtomicUsize) -> R) -> R {
        without_interrupts(|| {
            while self.locked.swap(true, Ordering::Acquire) {
                while self.locked.load(Ordering::Relaxed) {
                    spin_loop();
                }
            }
            let result = call(&self.first);
            self.locked.store(false, Ordering::Release);
            result
        })
    }

    /// Fills `out` with the addresses of frames; says how many there were.
    fn alloc(&self, out: &mut [usize]) -> usize {
        self.locked(|first| {
            for (at, out) in out.iter_mut().enumerate() {
                *out = first.load(Ordering::Relaxed);
                if *out == 0 {
                    return at;
                }
                // SAFETY: a frame on the list, whose first word is the list's.
                first.store(unsafe { link(*out).read() }, Ordering::Relaxed);
            }
            out.len()
        })
    }

    /// # Safety
    /// The frames are nobody else's, and mapped where they are.
    unsafe fn free(&self, frames: &[usize]) {
        self.locked(|first| {
            for &frame in frames {
                // SAFETY: by the caller's promise.
                unsafe { link(frame).write(first.load(Ordering::Relaxed)) };
                first.store(frame, Ordering::Relaxed);
            }
        });
    }
}

/// A turn of the list on one CPU.
fn list_turn(times: usize, n: usize) {
    let mut out = [0; MOST];
    for _ in 0..times {
        assert_eq!(LIST.alloc(&mut out[..n]), n, "the list has frames for all CPUs");
        // SAFETY: they come from the list.
        unsafe { LIST.free(&out[..n]) };
    }
}

/// A turn of the pool on one CPU.
fn pool_turn(pool: &Pool<Checked>, times: usize, n: usize) {
    let mut cache = pool.cache().expect("a cache for each CPU");
    let mut out = [MaybeUninit::uninit(); MOST];
    for _ in 0..times {
        let (frames, _) = cache.alloc_bulk_raw(&mut out[..n]);
        assert_eq!(frames.len(), n, "the pool has frames for all CPUs");
        // SAFETY: they were just allocated.
        unsafe { cache.free_bulk_raw(frames) }.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Cycles from when all CPUs begin a turn until the last is done.
fn time(turn: impl FnOnce()) -> u64 {
    BARRIER.wait(PLAN.cpus());
    let start = cycles();
    turn();
    BARRIER.wait(PLAN.cpus());
    cycles() - start
}

fn median(mut all: [u64; ROUNDS]) -> u64 {
    all.sort_unstable();
    all[ROUNDS / 2]
}

/// Medians of the cycles for a bulk of `n` and back: of the pool, and of the list.
fn rounds(pool: &Pool<Checked>, n: usize) -> (u64, u64) {
    let times = PLAN.race();
    let (mut pools, mut lists) = ([0; ROUNDS], [0; ROUNDS]);
    for round in 0..ROUNDS {
        pools[round] = time(|| pool_turn(pool, times, n));
        lists[round] = time(|| list_turn(times, n));
    }
    (median(pools), median(lists))
}

/// Moves frames of the pool to the list, if that is empty, or back.
fn move_frames(pool: &Pool<Checked>) {
    let mut out = [0; MOST];
    let mut moved = 0;
    loop {
        let n = LIST.alloc(&mut out);
        for &frame in &out[..n] {
            let id = pool.id_at(frame).expect("a frame of the pool");
            // SAFETY: it was the list's, which has given it up.
            unsafe { pool.free_raw(id) }.unwrap_or_else(|error| panic!("{error}"));
        }
        moved += n;
        if n < MOST {
            break;
        }
    }
    if moved > 0 {
        return;
    }
    for _ in 0..FRAMES {
        let id: PageId = pool.alloc_raw().expect("a frame for the list");
        // SAFETY: the frame was just allocated.
        unsafe { LIST.free(&[id.index() as usize * FRAME]) };
    }
}

/// Runs the race on a CPU, together with all others. The first one says how it went. Returns the
/// cycles of the pool and of the list, with `MOST` frames a call.
pub fn run(cpu: usize, pool: &Pool<Checked>) -> (u64, u64) {
    if PLAN.race() == 0 {
        return (0, 0);
    }
    if cpu == 0 {
        move_frames(pool);
    }
    let mut last = (0, 0);
    for n in [1, MOST] {
        last = rounds(pool, n);
        let per_frame = |cycles: u64| cycles / (PLAN.race() * n) as u64;
        let (pool, list) = (per_frame(last.0), per_frame(last.1));
        if cpu == 0 {
            say!("{n} a call: {pool} cycles a frame, and {list} of a list behind a lock");
        }
    }
    if cpu == 0 {
        move_frames(pool);
    }
    last
}
