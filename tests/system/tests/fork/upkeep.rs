//! A fork while another thread sees to upkeep, and has pages offline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::child::{Verdict, fork};
use crate::common::*;
use crate::{FORKS, MAGAZINE, Stop, ensure, look};

/// Pages of a pool whose memory goes back and whose pages go offline.
const KEPT_UP: usize = 2000;

/// Sees to upkeep, and has pages offline for a moment, until told to stop.
fn keep_up<M: Mode>(pool: &Pool<M>, stop: &AtomicBool) {
    let mut random = Random::new(7);
    while !stop.load(Ordering::Relaxed) {
        let _ = pool.maintain();
        let start = random.below(KEPT_UP - 64) as u32;
        let _ = pool.offline(start..start + 64);
        for id in (start..start + 64).filter(|&id| pool.is_offline(PageId::new(id))) {
            // SAFETY: the pool has mapped the page, and this thread alone brings any back.
            unsafe { pool.online(id..id + 1) }.expect("it is offline");
        }
    }
}

/// Allocates zeros, writes to them, and frees them in no order, until told to stop.
fn want_zeros<M: Mode>(pool: &Pool<M>, stop: &AtomicBool) {
    let (mut random, mut pages) = (Random::new(8), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        for mut page in (0..random.below(100)).map_while(|_| pool.alloc_zeroed().ok()) {
            page.fill(7);
            pages.push(page);
        }
        while pages.len() > 50 {
            pages.swap_remove(random.below(pages.len()));
        }
        if random.below(4) == 0 {
            pool.drain();
        }
    }
}

/// What a child finds of a pool that another thread of its parent kept up.
fn kept_up<M: Mode>(pool: &Pool<M>, own: &Page<M>) -> Verdict {
    // SAFETY: the child's first call of this pool, by its one thread.
    unsafe { pool.after_fork(&mut []) };
    let before = look(pool)?;
    let mut pages = Vec::new();
    while let Ok(page) = pool.alloc_zeroed() {
        let id = page.id();
        ensure!(page.iter().all(|&byte| byte == 0), "{id} is not zero");
        ensure!(id != own.id() && !pool.is_offline(id), "{id} is not free");
        pages.push(page);
    }
    ensure!(pages.len() as u64 == before.free + before.cached, "{} of {before}", pages.len());
    drop(pages);
    for _ in 0..6 {
        let done = pool.maintain();
        ensure!(done.not_purged.is_none(), "{done:?}");
    }
    let after = look(pool)?;
    ensure!((after.out, after.lost) == (before.out, before.lost), "{before}, then {after}");
    ensure!(is_marked(own, 1), "the bytes of a held page changed");
    Ok(())
}

pub fn children_of_parents_in_upkeep_add_up<M: Mode>() {
    let pool = build::<M>(KEPT_UP, |builder| {
        let builder = builder.max_caches(2).shared_caches(2).magazine_capacity(MAGAZINE);
        builder.initially(KEPT_UP).region(Region::mapped().purge(true))
    });
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _finally = Stop(&stop);
        scope.spawn(|| keep_up(&pool, &stop));
        scope.spawn(|| want_zeros(&pool, &stop));
        for _ in 0..FORKS {
            let mut own = loop {
                if let Ok(page) = pool.alloc() {
                    break page;
                }
            };
            mark(&mut own, 1);
            thread::sleep(Duration::from_micros(300));
            fork(|| kept_up(&pool, &own));
        }
    });
    assert_whole(pool);
}
