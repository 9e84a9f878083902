//! Caches, pools and drops in parallel: a page has one owner at a time, and in the end every page is back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::*;

/// Who owns which page, as the tests see it.
struct Oracle(Vec<AtomicBool>);

impl Oracle {
    fn new(pages: usize) -> Self {
        Oracle((0..pages).map(|_| AtomicBool::new(false)).collect())
    }

    /// Pages came out of the pool.
    fn took(&self, ids: &[PageId]) {
        for id in ids {
            let owned = self.0[id.index() as usize].swap(true, Ordering::Relaxed);
            assert!(!owned, "{id} has two owners");
        }
    }

    /// Pages are about to go back.
    fn gives(&self, ids: &[PageId]) {
        for id in ids {
            let owned = self.0[id.index() as usize].swap(false, Ordering::Relaxed);
            assert!(owned, "{id} has no owner");
        }
    }
}

type Batch<M> = PageBatch<M, 64>;

/// Allocates, checks, passes on and frees, at random.
fn churn<M: Mode>(
    front: &mut impl Front<M>,
    oracle: &Oracle,
    seed: u32,
    next: &mpsc::SyncSender<Batch<M>>,
    mail: &Mutex<mpsc::Receiver<Batch<M>>>,
) {
    let mut random = Random::new(seed.into());
    let mut held = Vec::new();
    for step in 0..400_u32 {
        let mut batch = Batch::empty();
        let want = random.below(65);
        let bulk = front.alloc_bulk(&mut batch, want);
        assert_eq!(bulk.allocated, batch.len());
        assert!(
            bulk.allocated == want
                || matches!(
                    bulk.reason,
                    Some(ShortReason::Exhausted | ShortReason::Cached | ShortReason::Busy)
                )
        );
        oracle.took(batch.ids());
        for at in 0..batch.len() {
            let tag = batch.ids()[at].index() ^ seed;
            batch[at][..4].copy_from_slice(&tag.to_le_bytes());
            batch[at][252..].copy_from_slice(&seed.to_le_bytes());
        }
        held.push((batch, seed));
        if let Some(mut batch) = held.pop_if(|_| random.below(3) == 0).map(|(batch, _)| batch) {
            for at in 0..batch.len() {
                batch[at][252..].copy_from_slice(&0_u32.to_le_bytes());
            }
            if let Err(mpsc::TrySendError::Full(batch) | mpsc::TrySendError::Disconnected(batch)) =
                next.try_send(batch)
            {
                held.push((batch, 0));
            }
        }
        if let Ok(Ok(batch)) = mail.try_lock().map(|mail| mail.try_recv()) {
            held.push((batch, 0));
        }
        while held.len() > random.below(6) {
            let (mut batch, last) = held.swap_remove(random.below(held.len()));
            assert!(batch.iter().all(|bytes| bytes[252..] == last.to_le_bytes()));
            oracle.gives(batch.ids());
            match step % 3 {
                0 => drop(batch),
                1 => batch.into_iter().for_each(|page| front.free(page)),
                _ => front.free_bulk(&mut batch),
            }
        }
        if step % 8 == 0
            && let Ok(block) = front.alloc_block(Order::new(step as u8 / 8 % 4).expect("legal"))
        {
            let first = block.id().index();
            let ids: Vec<_> =
                (first..first + block.order().pages() as u32).map(PageId::new).collect();
            oracle.took(&ids);
            oracle.gives(&ids);
            if step % 16 == 0 { front.free_block(block) } else { drop(block) }
        }
    }
    for (batch, _) in held {
        oracle.gives(batch.ids());
    }
}

/// Two threads with caches and two with the pool, who pass batches round.
fn churning<M: Mode>(pool: &Pool<M>) {
    let oracle = Oracle::new(pool.capacity());
    let (sends, mails): (Vec<_>, Vec<_>) =
        (0..4).map(|_| mpsc::sync_channel(2)).map(|(send, mail)| (send, Mutex::new(mail))).unzip();
    thread::scope(|scope| {
        for at in 0..4 {
            let (oracle, next, mail) = (&oracle, &sends[(at + 1) % 4], &mails[at]);
            scope.spawn(move || {
                let seed = at as u32 + 1;
                if at % 2 == 0 {
                    let mut cache = pool.cache().expect("a cache");
                    churn(&mut cache, oracle, seed, next, mail);
                } else {
                    churn(&mut pool.clone(), oracle, seed, next, mail);
                }
            });
        }
    });
    for mail in mails {
        for batch in mail.into_inner().expect("no panic").try_iter() {
            oracle.gives(batch.ids());
        }
    }
    assert!(oracle.0.iter().all(|owned| !owned.load(Ordering::Relaxed)));
}

fn a_page_has_one_owner_and_all_come_back<M: Mode>() {
    let pool = pool::<M>(1500);
    churning(&pool);
    assert_whole(pool);
}

fn an_exhausted_pool_loses_nothing<M: Mode>() {
    let pool = build::<M>(190, |builder| builder.magazine_capacity(8));
    churning(&pool);
    assert_whole(pool);
}

fn without_shared_slots_nothing_is_lost<M: Mode>() {
    let pool =
        build::<M>(500, |builder| builder.max_caches(2).shared_caches(0).magazine_capacity(3));
    churning(&pool);
    assert_whole(pool);
}

fn with_one_shared_slot_nothing_is_lost<M: Mode>() {
    let pool =
        build::<M>(500, |builder| builder.max_caches(2).shared_caches(1).magazine_capacity(16));
    churning(&pool);
    assert_whole(pool);
}

fn pages_in_idle_shared_slots_are_drained<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.shared_caches(8).magazine_capacity(8));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut batch = PageBatch::<M, 8>::empty();
                assert_eq!(pool.alloc_bulk(&mut batch, 8).allocated, 8);
                pool.free_bulk(&mut batch);
            });
        }
    });
    assert!(pool.audit().pages.cached > 0);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    let all = BulkAlloc { allocated: 100, reason: Some(ShortReason::Exhausted) };
    assert_eq!(cache.alloc_bulk(&mut batch, 150), all);
    drop(batch);
    drop(cache);
    assert!(pool.audit().pages.cached > 0);
    assert_eq!(pool.alloc_bulk(&mut PageBatch::<M>::new(), 150), all);
    assert_whole(pool);
}

fn pages_in_an_idle_cache_come_back_at_its_next_call<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.magazine_capacity(16));
    let mut idle = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(idle.alloc_bulk(&mut batch, 30).allocated, 30);
    let kept = batch.pop();
    idle.free_bulk(&mut batch);
    let cached = pool.audit().pages.cached as usize;
    assert!(cached > 0);
    let mut busy = pool.cache().expect("a cache");
    let bulk = busy.alloc_bulk(&mut batch, 100);
    assert_eq!(bulk.reason, Some(ShortReason::Cached));
    assert_eq!(bulk.allocated, 99 - pool.audit().pages.cached as usize);
    assert_eq!(pool.alloc().expect_err("the rest is cached"), ShortReason::Cached);
    let text = "the free pages are in other threads' caches (Pool::holders names them): try again after \
                their next call, or have those threads wait in Cache::idle";
    assert_eq!(ShortReason::Cached.to_string(), text);
    // The next call of the idle cache: all but the page of that call itself go to whoever wants them.
    idle.free(kept.expect("a page"));
    let rest = pool.audit().pages;
    assert!(rest.free as usize >= 99 - bulk.allocated, "{rest}");
    assert!(busy.alloc_bulk(&mut batch, 100).allocated >= 99 - bulk.allocated);
    drop(idle);
    drop(batch);
    assert_eq!(
        busy.alloc_bulk(&mut PageBatch::<M>::new(), 100),
        BulkAlloc { allocated: 100, reason: None }
    );
    drop(busy);
    assert_whole(pool);
}

fn whoever_finds_the_pool_dry_gets_pages_in_the_end<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.magazine_capacity(8));
    let (finished, got) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut cache = pool.cache().expect("a cache");
                let mut batch = PageBatch::<M>::new();
                let mut rounds = 0;
                // Goes on until everybody has had half of the pool at once, twenty times.
                while finished.load(Ordering::Relaxed) < 3 {
                    assert!(since.elapsed() < Duration::from_secs(30), "after {rounds} rounds");
                    if cache.alloc_bulk_exact(&mut batch, 32).is_ok() {
                        rounds += 1;
                        got.fetch_add(32, Ordering::Relaxed);
                        cache.free_bulk(&mut batch);
                        if rounds == 20 {
                            finished.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    thread::yield_now();
                }
            });
        }
    });
    assert!(got.into_inner() >= 3 * 20 * 32);
    assert_whole(pool);
}

fn pages_flow_from_one_thread_to_another<M: Mode>() {
    let pool = pool::<M>(300);
    let (send, mail) = mpsc::sync_channel::<Batch<M>>(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut cache = pool.cache().expect("a cache");
            let mut seed = 0;
            for mut batch in mail {
                for bytes in batch.iter() {
                    assert_eq!(bytes[..4], u32::to_le_bytes(seed));
                    seed += 1;
                }
                cache.free_bulk(&mut batch);
            }
            assert_eq!(seed, 20_000);
        });
        let mut cache = pool.cache().expect("a cache");
        let mut seed = 0;
        while seed < 20_000 {
            let mut batch = Batch::empty();
            let want = (20_000 - seed as usize).min(64);
            if cache.alloc_bulk(&mut batch, want).allocated == 0 {
                thread::yield_now();
                continue;
            }
            for bytes in batch.iter_mut() {
                bytes[..4].copy_from_slice(&u32::to_le_bytes(seed));
                seed += 1;
            }
            send.send(batch).expect("the other thread listens");
        }
        drop(send);
    });
    assert_whole(pool);
}

/// Every allocation empties a word of the zone, and every free fills it again: its summary bit must follow.
fn pages_put_back_while_their_word_is_emptied_are_found<M: Mode>() {
    let pool = build::<M>(192, |builder| builder.max_caches(1).shared_caches(0));
    let mut held: Vec<_> = (0..192).map(|_| pool.alloc().expect("a page")).collect();
    held.retain(|page| page.id().index() % 64 != 63);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    drop(pool.alloc());
                }
            });
        }
    });
    let mut rest = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut rest, 3), BulkAlloc { allocated: 3, reason: None });
    drop((held, rest));
    assert_whole(pool);
}

every_mode!(
    pages_put_back_while_their_word_is_emptied_are_found,
    a_page_has_one_owner_and_all_come_back,
    an_exhausted_pool_loses_nothing,
    without_shared_slots_nothing_is_lost,
    with_one_shared_slot_nothing_is_lost,
    pages_in_idle_shared_slots_are_drained,
    pages_in_an_idle_cache_come_back_at_its_next_call,
    whoever_finds_the_pool_dry_gets_pages_in_the_end,
    pages_flow_from_one_thread_to_another,
);
