//! A child that goes on with the pool after `fork`, wherever the parent's other threads were.
//!
//! Each test forks many times while others allocate and free. They note which pages they own, so
//! that the child knows which pages nobody may give it.
#![cfg(all(feature = "std", target_os = "linux"))]

#[macro_use]
#[path = "../../common/mod.rs"]
mod common;
mod child;
#[path = "fork/upkeep.rs"]
mod upkeep;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use child::{Verdict, fork};
use common::*;
use upkeep::children_of_parents_in_upkeep_add_up;

const PAGES: usize = 400;

/// How many threads are at work beside the one that forks.
const WORKERS: usize = 3;

/// The most pages that one of them owns.
const MOST: usize = 32;

/// How often a test forks.
const FORKS: usize = 50;

/// What the forking thread owns.
const HELD: usize = 10;

/// Two caches for the forking thread and its child, beside those of the workers.
const CACHES: usize = WORKERS + 2;

const MAGAZINE: usize = 16;

/// Fails the child with a text.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}
pub(crate) use ensure;

/// What all threads see.
struct Scene<M: Mode> {
    pool: Pool<M>,
    /// For each page, whether a worker owns it, and is not inside a call with it.
    owned: Vec<AtomicBool>,
    stop: AtomicBool,
    /// Memory that children share with their parent.
    tally: &'static Tally,
}

/// What children found, all together.
#[derive(Default)]
struct Tally {
    lost: AtomicU64,
    /// Pages that were free in the end.
    free: AtomicU64,
}

impl Tally {
    fn shared() -> &'static Self {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, of nobody's memory.
        let memory =
            unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Self>(), access, kind, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED);
        // SAFETY: it is never unmapped, and its zeros are valid atomics.
        unsafe { &*memory.cast() }
    }
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool = build::<M>(PAGES, |builder| {
            builder.max_caches(CACHES).shared_caches(2).magazine_capacity(MAGAZINE)
        });
        let owned = (0..PAGES).map(|_| AtomicBool::new(false)).collect();
        Scene { pool, owned, stop: AtomicBool::new(false), tally: Tally::shared() }
    }

    fn set_owned(&self, ids: &[PageId], owned: bool) {
        for id in ids {
            self.owned[id.index() as usize].store(owned, Ordering::SeqCst);
        }
    }

    /// Allocates and frees in every way, until told to stop.
    fn work(&self, seed: u64) {
        let mut random = Random::new(seed);
        let mut batch = PageBatch::<M, MOST>::empty();
        let mut cache = self.pool.cache().expect("a cache");
        while !self.stop.load(Ordering::Relaxed) {
            let want = 1 + random.below(MOST);
            _ = match random.below(3) {
                0 => self.pool.alloc_bulk(&mut batch, want),
                _ => cache.alloc_bulk(&mut batch, want),
            };
            self.set_owned(batch.ids(), true);
            batch.iter_mut().for_each(|bytes| bytes[0] = seed as u8);
            self.set_owned(batch.ids(), false);
            match random.below(6) {
                0 => self.pool.free_bulk(&mut batch),
                1 => batch.clear(),
                2 => {
                    let batch = std::mem::replace(&mut batch, PageBatch::empty());
                    batch.into_iter().for_each(|page| cache.free(page));
                }
                3 => {
                    let mut out = no_ids::<MOST>();
                    let lent = cache.lend_bulk(&mut batch, &mut out);
                    // SAFETY: the pages were just lent, to no device.
                    unsafe { cache.reclaim_bulk(lent, &mut batch) }.expect("lent pages");
                }
                _ => cache.free_bulk(&mut batch),
            }
            if let (0, Ok(block)) =
                (random.below(8), cache.alloc_block(Order::new(2).expect("legal")))
            {
                drop(block);
            }
            if random.below(32) == 0 {
                drop(cache);
                self.pool.drain();
                cache = self.pool.cache().expect("a cache");
            }
        }
    }
}

/// How many pages a worker owns at the most, or has in hand.
const OUT: u64 = MOST as u64 + 4;

/// How many pages are lost with one worker at the most: those that it had in hand; where nobody
/// checks, also all that it had in its cache, in a shared cache and in a magazine on its way.
fn most_lost<M: Mode>() -> u64 {
    OUT + MAGAZINE as u64 * if M::CHECKS { 2 } else { 5 }
}

/// The pool's figures, which add up.
fn look<M: Mode>(pool: &Pool<M>) -> Result<Pages, String> {
    let audit = pool.audit();
    ensure!(audit.pages.adds_up() && matches!(audit.misplaced, None | Some(0)), "{audit}");
    if let Some(stats) = pool.stats() {
        ensure!(stats.pages == audit.pages && stats.faults == 0, "{stats}, but {audit}");
    }
    ensure!(audit.pages.bad == 0 && !pool.is_tainted(), "{pool}");
    Ok(audit.pages)
}

/// All pages that these caches can have, each with bytes of its own. None is anybody else's.
fn all_pages<M: Mode>(
    scene: &Scene<M>,
    caches: &mut [&mut Cache<M>],
    held: &PageBatch<M, HELD>,
) -> Result<Vec<Page<M>>, String> {
    let (mut pages, mut turn, mut dry) = (Vec::new(), 0, 0);
    // A cache that has pages which another wants gives them up at its next call.
    while dry < 2 * caches.len() {
        let cache = turn % caches.len();
        match caches[cache].alloc() {
            Ok(page) => (pages.push(page), dry = 0),
            Err(_) => ((), dry += 1),
        };
        turn += 1;
    }
    let ids: Vec<_> = pages.iter().map(Page::id).collect();
    ensure!(distinct(&ids), "a page twice");
    for id in ids {
        ensure!(!held.ids().contains(&id), "{id:?} is held");
        let owned = scene.owned[id.index() as usize].load(Ordering::SeqCst);
        ensure!(!owned, "{id:?} is owned");
    }
    for page in &mut pages {
        let id = page.id().index();
        mark(page, id);
    }
    for page in &pages {
        ensure!(is_marked(page, page.id().index()), "the bytes of {:?} changed", page.id());
    }
    Ok(pages)
}

/// Frees pages in three ways.
fn free_all<M: Mode>(pool: &Pool<M>, cache: &mut Cache<M>, pages: Vec<Page<M>>) {
    for page in pages {
        match page.id().index() % 3 {
            0 => cache.free(page),
            1 => pool.free(page),
            _ => drop(page),
        }
    }
}

/// A child that makes the pool whole first, and then uses all of it.
fn child<M: Mode>(
    scene: &Scene<M>,
    mut kept: Option<&mut Cache<M>>,
    held: &mut PageBatch<M, HELD>,
    workers: usize,
) -> Verdict {
    let pool = &scene.pool;
    match &mut kept {
        // SAFETY: the child's first call of this pool, by its one thread; of the parent's caches it uses this
        // one only.
        Some(cache) => unsafe { pool.after_fork(&mut [*cache]) },
        // SAFETY: as above.
        None => unsafe { pool.after_fork(&mut []) },
    }
    let before = look(pool)?;
    let most = workers as u64 * OUT + HELD as u64;
    ensure!((HELD as u64..=most).contains(&before.out), "out {most} at the most: {before}");
    let most = workers as u64 * most_lost::<M>();
    ensure!(before.lost <= most, "lost {most} at the most: {before}");
    scene.tally.lost.fetch_add(before.lost, Ordering::Relaxed);
    scene.tally.free.fetch_add(before.free, Ordering::Relaxed);

    let mut new: Vec<_> = std::iter::from_fn(|| pool.cache().ok()).collect();
    ensure!(new.len() + usize::from(kept.is_some()) == CACHES, "{} new caches", new.len());
    let mut caches: Vec<_> = new.iter_mut().chain(kept).collect();
    for _ in 0..3 {
        let pages = all_pages(scene, &mut caches, held)?;
        ensure!(pages.len() as u64 == before.free + before.cached, "{} of {before}", pages.len());
        free_all(pool, caches[0], pages);
        let after = look(pool)?;
        ensure!((after.out, after.lost) == (before.out, before.lost), "{before}, then {after}");
    }
    pool.drain();
    for at in 0..HELD {
        ensure!(is_marked(&held[at], held.ids()[at].index()), "the bytes of a held page changed");
    }
    held.clear();
    let after = look(pool)?;
    ensure!(after.out == before.out - HELD as u64, "{before}, then {after}");
    Ok(())
}

/// A child that does not make the pool whole.
fn careless<M: Mode>(
    scene: &Scene<M>,
    cache: &mut Cache<M>,
    held: &mut PageBatch<M, HELD>,
) -> Verdict {
    for _ in 0..3 {
        let mut pages = all_pages(scene, &mut [cache], held)?;
        pages.extend(std::iter::from_fn(|| scene.pool.alloc().ok()));
        ensure!(distinct(&pages.iter().map(Page::id).collect::<Vec<_>>()), "a page twice");
        free_all(&scene.pool, cache, pages);
    }
    held.clear();
    Ok(())
}

/// Forks while workers are at work, and finds the parent's pool whole.
fn forks<M: Mode>(
    workers: usize,
    times: usize,
    mut child: impl FnMut(&Scene<M>, &mut Cache<M>, &mut PageBatch<M, HELD>) -> Verdict,
) -> &'static Tally {
    let scene = Scene::<M>::new();
    thread::scope(|scope| {
        let scene = &scene;
        let _finally = Stop(&scene.stop);
        for seed in 0..workers {
            scope.spawn(move || scene.work(seed as u64));
        }
        let mut cache = scene.pool.cache().expect("a cache");
        for _ in 0..times {
            let mut held = PageBatch::<M, HELD>::empty();
            while held.len() < HELD {
                _ = cache.alloc_bulk(&mut held, HELD);
                thread::yield_now();
            }
            for at in 0..HELD {
                let id = held.ids()[at].index();
                mark(&mut held[at], id);
            }
            thread::sleep(Duration::from_micros(200));
            fork(|| child(scene, &mut cache, &mut held));
            assert!((0..HELD).all(|at| is_marked(&held[at], held.ids()[at].index())));
            cache.free_bulk(&mut held);
        }
    });
    let Scene { pool, tally, .. } = scene;
    assert_whole(pool);
    tally
}

/// Stops the workers, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn a_fork_of_one_thread_loses_nothing<M: Mode>() {
    let tally = forks::<M>(0, 3, |scene, cache, held| child(scene, Some(cache), held, 0));
    assert_eq!(tally.lost.load(Ordering::Relaxed), 0);
}

fn a_child_may_fork_again<M: Mode>() {
    forks::<M>(WORKERS, 3, |scene, cache, held| {
        // SAFETY: as in `child`.
        unsafe { scene.pool.after_fork(&mut [&mut *cache]) };
        fork(|| child(scene, Some(cache), held, WORKERS));
        Ok(())
    });
}

fn children_of_busy_parents_add_up<M: Mode>() {
    let tally =
        forks::<M>(WORKERS, FORKS, |scene, cache, held| child(scene, Some(cache), held, WORKERS));
    // Where nobody checks, what the workers had in their caches is lost.
    assert!(M::CHECKS || tally.lost.load(Ordering::Relaxed) > 0);
    assert!(tally.free.load(Ordering::Relaxed) > 0);
}

fn children_that_keep_no_cache_add_up<M: Mode>() {
    forks::<M>(WORKERS, FORKS, |scene, _, held| child(scene, None, held, WORKERS));
}

fn children_are_sound_without_the_call<M: Mode>() {
    forks::<M>(WORKERS, FORKS, careless);
}

mod presets {
    /// Stamps all bodies over one mode.
    macro_rules! all {
        ($module:ident, $mode:ident) => {
            stamp!(
                $module,
                $mode,
                [
                    a_fork_of_one_thread_loses_nothing,
                    a_child_may_fork_again,
                    children_of_busy_parents_add_up,
                    children_that_keep_no_cache_add_up,
                    children_are_sound_without_the_call,
                    children_of_parents_in_upkeep_add_up,
                ]
            );
        };
    }
    all!(bare, Bare);
    all!(checked, Checked);
    all!(compact, Compact);
    all!(hardened, Hardened);
}
