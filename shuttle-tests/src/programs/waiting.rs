//! Tasks and threads that wait in line, with a deadline and without, beside calls that do not wait. Nobody sleeps for
//! ever: who gets its pages gives them back, so shuttle's deadlock is a wake-up that was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pagesheaf::{Mode, Pool};

use super::{builder, built, is_whole};
use crate::front::{Bulk, Front, Task, through};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, poll, spawn, yield_now};

/// The most calls of a task. Few are enough, and show what a later call would make good.
const CALLS: usize = 8;

/// What the tasks of a pool have to do with each other.
struct Line<M: Mode> {
    pool: Pool<M>,
    owners: Arc<Owners>,
    /// The most that anybody asks for.
    most: usize,
    /// Calls may be critical.
    critical: bool,
    /// So many pages stay for critical calls, and so many pages those that are not have.
    reserve: usize,
    ordinary: AtomicUsize,
}

impl<M: Mode> Line<M> {
    /// An ordinary call has brought so many pages.
    fn count(&self, pages: usize) {
        let ordinary = self.ordinary.fetch_add(pages, Ordering::SeqCst) + pages;
        // Critical calls let others have what they have broken off, and given back into a cache.
        let kept = if self.critical { 0 } else { self.reserve };
        assert!(ordinary + kept <= self.pool.capacity(), "the reserve is broken: {}", self.pool);
    }

    /// Waits, holding nothing. Whether the pages came.
    fn waits(&self, task: &mut Task<'_, M>, bulk: &mut Bulk<M>, random: &mut Random) -> bool {
        let want = 1 + random.below(self.most);
        let soon = Duration::from_micros(random.below(300) as u64);
        let most = (random.below(3) == 0).then(|| 1 + random.below(3));
        let done = match random.below(6) {
            0 | 1 => {
                let never = Duration::MAX;
                through!(&mut task.front, |front| front.alloc_bulk_timeout(bulk, want, never))
                    .expect("it can be served");
                true
            }
            2 => through!(&mut task.front, |front| front
                .alloc_bulk_exact_timeout(bulk, want, soon))
            .is_ok(),
            3 => through!(&mut task.front, |front| front.alloc_bulk_timeout(bulk, want, soon))
                .is_ok(),
            _ => {
                let done = through!(&mut task.front, |front| poll(
                    front.alloc_bulk_async(bulk, want),
                    most
                ));
                done.is_some_and(|done| {
                    done.expect("it can be served");
                    true
                })
            }
        };
        assert!(!done || bulk.len() == want, "{} of {want}", bulk.len());
        self.count(bulk.len());
        done
    }

    /// Waits before all others, without its cache: that would keep what it holds from them, and from itself.
    fn waits_first(&self, task: &mut Task<'_, M>, bulk: &mut Bulk<M>, random: &mut Random) {
        through!(&mut task.front, |front| front.drain());
        let want = 1 + random.below(self.most);
        let critical = self.pool.critical();
        match random.below(2) {
            0 => critical.alloc_bulk_timeout(bulk, want, Duration::MAX),
            _ => poll(critical.alloc_bulk_async(bulk, want), None).expect("it has no end"),
        }
        .expect("it can be served");
    }

    fn works(&self, name: u32, seed: u64) {
        let mut random = Random::new(seed);
        let front = Front::open(&self.pool, random.below(3));
        let mut task = Task { front, owners: &self.owners, name };
        for _ in 0..1 + random.below(CALLS) {
            let mut bulk = Bulk::empty();
            let is_critical = self.critical && random.below(4) == 0;
            if is_critical {
                self.waits_first(&mut task, &mut bulk, &mut random);
            } else if random.below(4) == 0 {
                let want = 1 + random.below(self.most);
                let got = through!(&mut task.front, |front| front.alloc_bulk(&mut bulk, want));
                self.count(got.allocated);
            } else {
                self.waits(&mut task, &mut bulk, &mut random);
            }
            self.owners.took_from(&mut bulk, 0, name);
            if random.below(2) == 0 {
                yield_now();
            }
            if !is_critical {
                self.ordinary.fetch_sub(bulk.len(), Ordering::SeqCst);
            }
            match random.below(2) {
                0 => task.drop_bulk(&mut bulk),
                _ => task.free_bulk(&mut bulk),
            }
        }
    }
}

fn line<M: Mode>(mut random: Random, reserve: usize, critical: bool) {
    let pages = [6, 20, 60][random.below(3)];
    let builder = builder::<M>(&mut random, pages).critical_reserve(reserve);
    let (pool, owners) = built(builder);
    let most = (1 + random.below(pages - reserve)).min(Bulk::<M>::empty().capacity());
    let line = Line {
        pool: pool.clone(),
        owners: Arc::clone(&owners),
        most,
        critical,
        reserve,
        ordinary: AtomicUsize::new(0),
    };
    let line = Arc::new(line);
    let tasks = 2 + random.below(4) as u32;
    let tasks: Vec<_> = (1..=tasks)
        .map(|name| {
            let (line, seed) = (Arc::clone(&line), random.next());
            spawn(move || line.works(name, seed))
        })
        .collect();
    join(tasks);
    drop(line);
    is_whole(pool, &owners);
}

/// Who waits is served in the end, however many wait.
pub fn waiting<M: Mode>(random: Random) {
    line::<M>(random, 0, false);
}

/// The same, beside critical ones, who come first and may have what is kept for them.
pub fn critical<M: Mode>(mut random: Random) {
    let reserve = random.below(4);
    line::<M>(random, reserve, true);
}

/// The same, where a part of the pool is kept: it is there whatever the others do.
pub fn reserve<M: Mode>(mut random: Random) {
    let reserve = 1 + random.below(4);
    line::<M>(random, reserve, false);
}
