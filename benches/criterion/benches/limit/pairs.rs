//! How near to a plain copy of ids a bulk allocator can come: a pair of copies, with what an allocator does besides
//! added part by part, and `Bare`.

use std::cell::Cell;
use std::hint::black_box;
use std::ptr;

use pagesheaf::{Bare, Cache, PageBatch};

use crate::common;
use crate::rounds::Rounds;

/// Ids on cache lines.
#[repr(align(64))]
pub struct Ids(pub [Cell<u32>; 256]);

impl Ids {
    pub fn new() -> Box<Self> {
        Box::new(Ids([const { Cell::new(0) }; 256]))
    }
}

/// What an allocator has in memory beside ids: of a magazine, of a batch, and two counters.
#[repr(align(128))]
struct Figures {
    /// The address above the magazine's last id.
    top: Cell<*const Cell<u32>>,
    held: Cell<usize>,
    asked: Cell<usize>,
    len: Cell<usize>,
    owner: Cell<usize>,
    counts: [Cell<usize>; 2],
}

/// Copies ids, by `memcpy`.
#[inline(always)]
pub fn copy(from: &[Cell<u32>], to: &[Cell<u32>]) {
    assert_eq!(from.len(), to.len());
    // SAFETY: the slices are equally long, and apart: one is in a magazine, the other in a bulk.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to.as_ptr().cast_mut(), from.len()) };
}

/// Takes `n` ids to a bulk and back, so many times, with as many `PARTS` of what an allocator does: 1 the lengths of
/// magazine and bulk, 2 also counters and the bulk's owner, 3 also the compares, 4 also the address above the last id.
#[inline(never)]
fn pairs<const PARTS: u32>(all: &Figures, ids: &Ids, bulk: &Ids, n: usize, times: usize) {
    let n = black_box(n);
    for _ in 0..times {
        // SAFETY: so many ids lie above or below the top, which is in the magazine.
        let above = |n: isize| unsafe { all.top.get().offset(n) };
        // SAFETY: as above.
        let slots = |first, n| unsafe { std::slice::from_raw_parts(first, n) };
        let mut first = 0;
        if PARTS > 2 {
            let fits = all.owner.get() == 1 && n <= 256 - all.len.get();
            assert!(fits && all.held.get() >= n + all.asked.get());
        }
        if PARTS > 0 {
            first = all.held.get() - n;
            all.held.set(first);
            all.len.set(n);
        }
        if PARTS > 1 {
            all.owner.set(1);
            all.counts[0].set(all.counts[0].get() + n);
        }
        if PARTS > 3 {
            all.top.set(above(-(n as isize)));
            copy(slots(all.top.get(), n), &bulk.0[..n]);
        } else {
            copy(&ids.0[first..first + n], &bulk.0[..n]);
        }
        black_box((all, bulk));
        let mut back = n;
        if PARTS > 2 {
            let fits = all.owner.get() == 1;
            assert!(fits && 256 - all.held.get() >= all.len.get() + all.asked.get());
        }
        if PARTS > 0 {
            back = all.len.replace(0);
            first = all.held.get();
            all.held.set(first + back);
        }
        if PARTS > 1 {
            all.counts[1].set(all.counts[1].get() + back);
        }
        if PARTS > 3 {
            let to = all.top.replace(above(back as isize));
            copy(&bulk.0[..back], slots(to, back));
        } else {
            copy(&bulk.0[..back], &ids.0[first..first + back]);
        }
    }
}

/// The allocator's own pairs, so many times. A function by itself: what stands around it must not change how it is
/// compiled.
#[inline(never)]
fn calls(cache: &mut Cache<Bare>, batch: &mut PageBatch<Bare>, n: usize, times: usize) {
    let n = black_box(n);
    (0..times).for_each(|_| common::pair(cache, batch, n));
}

/// Prints how long a page takes in pairs of bulks of several sizes.
pub fn print(rounds: &Rounds) {
    let (magazine, bulk) = (Ids::new(), Ids::new());
    let figure = || Cell::new(0);
    let all = Box::new(Figures {
        top: Cell::new(magazine.0.as_ptr_range().end),
        held: Cell::new(256),
        asked: figure(),
        len: figure(),
        owner: Cell::new(1),
        counts: [figure(), figure()],
    });
    let mut cache = common::pool::<Bare>().cache().expect("a cache");
    // Where one lies beside the cache's own memory counts: many have turns.
    let mut batches: [_; 16] = std::array::from_fn(|_| Box::new(PageBatch::new()));
    println!("pairs, n           copy   lengths  counters  compares   address      Bare");
    for n in [16, 32, 64, 128, 256] {
        rounds.print(
            n,
            &mut [
                &mut |_, count| pairs::<0>(&all, &magazine, &bulk, n, count),
                &mut |_, count| pairs::<1>(&all, &magazine, &bulk, n, count),
                &mut |_, count| pairs::<2>(&all, &magazine, &bulk, n, count),
                &mut |_, count| pairs::<3>(&all, &magazine, &bulk, n, count),
                &mut |_, count| pairs::<4>(&all, &magazine, &bulk, n, count),
                &mut |round, count| calls(&mut cache, &mut batches[round % 16], n, count),
            ],
        );
    }
}
