//! The programs, ported in shape from the benchmarks that allocators are tried with.
//!
//! Threads meet only through the pool, through mailboxes with acquire and release, and by being joined.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use pagesheaf::{Cache, Mode, Page, PageBatch, Pool};

use crate::oracle::{lets_all_go, lets_go, took, took_from};
use crate::random::Random;

/// Pages to a bulk.
pub const BULK: usize = 32;
pub type BulkAlloc<M> = PageBatch<M, BULK>;

/// One case, while it runs.
pub struct Case<M: Mode> {
    pub pool: Pool<M>,
    pub stop: &'static AtomicBool,
    pub pages: &'static AtomicU64,
    pub short: &'static AtomicU64,
}

impl<M: Mode> Clone for Case<M> {
    fn clone(&self) -> Self {
        let Case { pool, stop, pages, short } = self;
        Case { pool: pool.clone(), stop, pages, short }
    }
}

impl<M: Mode> Case<M> {
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Acquire)
    }

    /// A cache if there is one left: with many threads some go through the pool.
    pub fn cache(&self) -> Option<Cache<M>> {
        self.pool.cache().ok()
    }

    pub fn alloc(&self, cache: &mut Option<Cache<M>>, owner: u32) -> Option<Page<M>> {
        let page = match cache {
            Some(cache) => cache.alloc(),
            None => self.pool.alloc(),
        };
        self.count(usize::from(page.is_ok()), page.is_err());
        let mut page = page.ok()?;
        took(page.id(), &mut page, owner);
        Some(page)
    }

    pub fn free(&self, cache: &mut Option<Cache<M>>, page: Page<M>) {
        lets_go(page.id(), &page);
        match cache {
            Some(cache) => cache.free(page),
            None => self.pool.free(page),
        }
    }

    pub fn alloc_bulk(
        &self,
        cache: &mut Option<Cache<M>>,
        bulk: &mut BulkAlloc<M>,
        n: usize,
        owner: u32,
    ) {
        let before = bulk.len();
        let got = match cache {
            Some(cache) => cache.alloc_bulk(bulk, n),
            None => self.pool.alloc_bulk(bulk, n),
        };
        assert_eq!(bulk.len(), before + got.allocated);
        self.count(got.allocated, got.reason.is_some());
        took_from(bulk, before, owner);
    }

    /// All or none of so many.
    fn alloc_exact(
        &self,
        cache: &mut Option<Cache<M>>,
        bulk: &mut BulkAlloc<M>,
        n: usize,
        owner: u32,
    ) -> bool {
        let got = match cache {
            Some(cache) => cache.alloc_bulk_exact(bulk, n),
            None => self.pool.alloc_bulk_exact(bulk, n),
        };
        assert_eq!(bulk.len(), if got.is_ok() { n } else { 0 });
        self.count(bulk.len(), got.is_err());
        took_from(bulk, 0, owner);
        got.is_ok()
    }

    pub fn free_bulk(&self, cache: &mut Option<Cache<M>>, bulk: &mut BulkAlloc<M>) {
        lets_all_go(bulk);
        match cache {
            Some(cache) => cache.free_bulk(bulk),
            None => self.pool.free_bulk(bulk),
        }
    }

    pub fn count(&self, pages: usize, short: bool) {
        self.pages.fetch_add(pages as u64, Ordering::Relaxed);
        self.short.fetch_add(u64::from(short), Ordering::Relaxed);
    }
}

/// Larson and Krishnan's server: each thread frees and allocates at random, then leaves what it holds to a new thread.
pub fn larson<M: Mode>(case: &Case<M>, seed: u64) {
    let mut held: Vec<Option<Page<M>>> = (0..64).map(|_| None).collect();
    let mut owner = seed as u32 + 1;
    while case.goes_on() {
        let case = case.clone();
        let life = thread::spawn(move || {
            let mut cache = case.cache();
            let mut random = Random::new(u64::from(owner));
            for _ in 0..2_000 {
                let slot = random.below(held.len());
                if let Some(page) = held[slot].take() {
                    case.free(&mut cache, page);
                }
                held[slot] = case.alloc(&mut cache, owner);
            }
            held
        });
        held = life.join().expect("no panic");
        owner += 100;
    }
    held.into_iter().flatten().for_each(|page| case.free(&mut None, page));
}

/// A place where one thread leaves a bulk for another.
struct Mailbox<M: Mode>(AtomicPtr<BulkAlloc<M>>);

impl<M: Mode> Mailbox<M> {
    /// Leaves it, or gives it back if the place is taken.
    fn leave(&self, bulk: Box<BulkAlloc<M>>) -> Option<Box<BulkAlloc<M>>> {
        let bulk = Box::into_raw(bulk);
        // Release: pairs with the Acquire in `take`.
        match self.0.compare_exchange(null_mut(), bulk, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => None,
            // SAFETY: it was a box until just now, and nobody has it.
            Err(_) => Some(unsafe { Box::from_raw(bulk) }),
        }
    }

    fn take(&self) -> Option<Box<BulkAlloc<M>>> {
        // Acquire: pairs with the Release in `leave`.
        let bulk = self.0.swap(null_mut(), Ordering::Acquire);
        // SAFETY: whoever swaps it out has it alone, and it was a box.
        (!bulk.is_null()).then(|| unsafe { Box::from_raw(bulk) })
    }
}

/// A few places.
struct Post<M: Mode>([Mailbox<M>; 16]);

impl<M: Mode> Post<M> {
    fn new() -> &'static Self {
        Box::leak(Box::new(Post([const { Mailbox(AtomicPtr::new(null_mut())) }; 16])))
    }

    /// Gives up the places, when no other thread has them.
    ///
    /// # Safety
    /// From `new`, once.
    unsafe fn end(&'static self, case: &Case<M>) {
        while let Some(mut bulk) = self.0.iter().find_map(Mailbox::take) {
            case.free_bulk(&mut None, &mut bulk);
        }
        // SAFETY: it was a box, and nobody else has it.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(self).cast_mut()) });
    }
}

/// xmalloc-test, after Lever and Boreham: half of the threads only allocate, the others only free.
pub fn xmalloc<M: Mode>(case: &Case<M>, threads: u64) {
    let post = Post::<M>::new();
    spawn(case, threads, move |case, seed| {
        let mut cache = case.cache();
        let mut random = Random::new(seed);
        while case.goes_on() {
            let place = &post.0[random.below(post.0.len())];
            if seed % 2 == 0 {
                let mut bulk = Box::<BulkAlloc<M>>::default();
                case.alloc_bulk(&mut cache, &mut bulk, 1 + random.below(BULK), seed as u32 + 1);
                if let Some(mut back) = place.leave(bulk) {
                    case.free_bulk(&mut cache, &mut back);
                    thread::yield_now();
                }
            } else if let Some(mut bulk) = place.take() {
                case.free_bulk(&mut cache, &mut bulk);
            } else {
                thread::yield_now();
            }
        }
    });
    // SAFETY: the threads have been joined.
    unsafe { post.end(case) };
}

/// As [`mstress`], and another thread ends one period of upkeep after the other.
pub fn upkeep<M: Mode>(case: &Case<M>, threads: u64) {
    let keeper = beside(case, |case| {
        while case.goes_on() {
            let _ = case.pool.maintain();
            thread::yield_now();
        }
    });
    mstress(case, threads);
    keeper.join().expect("no panic");
}

/// mimalloc's mstress: threads hold some, leave some to others, and die between phases.
pub fn mstress<M: Mode>(case: &Case<M>, threads: u64) {
    let post = Post::<M>::new();
    let mut phase = 0;
    while case.goes_on() {
        phase += 1;
        spawn(case, threads, move |case, seed| {
            let mut cache = case.cache();
            let mut random = Random::new(phase * 100 + seed);
            let mut kept: Vec<BulkAlloc<M>> = Vec::new();
            for _ in 0..200 {
                let place = &post.0[random.below(post.0.len())];
                match random.below(4) {
                    0 => {
                        let mut bulk = BulkAlloc::default();
                        case.alloc_bulk(
                            &mut cache,
                            &mut bulk,
                            random.below(BULK + 1),
                            seed as u32 + 1,
                        );
                        kept.push(bulk);
                    }
                    1 => {
                        let bulk = kept.pop().map(Box::new);
                        let back = bulk.and_then(|bulk| place.leave(bulk));
                        kept.extend(back.map(|bulk| *bulk));
                    }
                    2 => {
                        if let Some(mut bulk) = kept.pop() {
                            case.free_bulk(&mut cache, &mut bulk);
                        }
                    }
                    _ => kept.extend(place.take().map(|bulk| *bulk)),
                }
            }
            // What is left goes without a cache, as this thread does.
            for bulk in kept {
                lets_all_go(&bulk);
                drop(bulk);
            }
        });
    }
    // SAFETY: the threads have been joined.
    unsafe { post.end(case) };
}

/// Hoard's cache-thrash: small bulks, written again and again, then freed.
pub fn cache_thrash<M: Mode>(case: &Case<M>, seed: u64) {
    let mut cache = case.cache();
    let mut bulk = BulkAlloc::default();
    while case.goes_on() {
        case.alloc_bulk(&mut cache, &mut bulk, 1, seed as u32 + 1);
        for page in bulk.iter_mut() {
            page[8..64].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        }
        case.free_bulk(&mut cache, &mut bulk);
    }
}

/// More is wanted than there is, by everybody, all the time.
pub fn storm<M: Mode>(case: &Case<M>, seed: u64) {
    let mut cache = case.cache();
    let mut random = Random::new(seed);
    let mut held: Vec<BulkAlloc<M>> = Vec::new();
    while case.goes_on() {
        let mut bulk = BulkAlloc::default();
        case.alloc_bulk(&mut cache, &mut bulk, BULK, seed as u32 + 1);
        let dry = bulk.len() < BULK;
        held.push(bulk);
        if dry {
            for _ in 0..random.below(held.len() + 1) {
                let mut bulk = held.swap_remove(random.below(held.len()));
                case.free_bulk(&mut cache, &mut bulk);
            }
        }
    }
    held.iter_mut().for_each(|bulk| case.free_bulk(&mut cache, bulk));
}

/// Everybody wants one page of a few, or all of them or none, again and again, and keeps none. Each gets some.
pub fn turns<M: Mode>(case: &Case<M>, seed: u64) {
    let mut cache = case.cache();
    let mut random = Random::new(seed);
    let mut served = [0, 0];
    let mut waits = 0_u32;
    while case.goes_on() || served.contains(&0) {
        let all = random.below(2) == 0;
        let got = if all {
            let mut bulk = BulkAlloc::default();
            let got = case.alloc_exact(&mut cache, &mut bulk, BULK, seed as u32 + 1);
            case.free_bulk(&mut cache, &mut bulk);
            got
        } else {
            let page = case.alloc(&mut cache, seed as u32 + 1);
            page.map(|page| case.free(&mut cache, page)).is_some()
        };
        served[usize::from(all)] += u32::from(got);
        waits = if got { 0 } else { waits + 1 };
        assert!(waits < 10_000_000, "nothing in so many tries");
        if !got {
            thread::yield_now();
        }
    }
}

/// Runs a body on a thread beside. It is no scoped thread, of whose end ThreadSanitizer sees nothing.
pub fn beside<M: Mode>(
    case: &Case<M>,
    body: impl FnOnce(&Case<M>) + Send + 'static,
) -> JoinHandle<()> {
    let case = case.clone();
    thread::spawn(move || body(&case))
}

/// Runs a body on so many threads, to its end.
pub fn spawn<M: Mode>(
    case: &Case<M>,
    threads: u64,
    body: impl Fn(&Case<M>, u64) + Copy + Send + 'static,
) {
    let threads: Vec<_> = (0..threads)
        .map(|seed| {
            let case = case.clone();
            thread::spawn(move || body(&case, seed))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}
