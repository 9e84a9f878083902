//! Handles, pages and batches go on many tasks, in any order: the last of them frees the pool, once, and none earlier.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pagesheaf::{Cache, Mode, Page, Pool, StaticPool};

use super::builder;
use crate::front::Bulk;
use crate::random::Random;
use crate::tasks::{join, spawn, yield_now};

/// How many regions have ended. One pool is tried at a time.
static ENDS: AtomicUsize = AtomicUsize::new(0);

/// Something that keeps a pool.
#[allow(dead_code, reason = "they are held, and dropped")]
enum Keeps<M: Mode> {
    Handle(Pool<M>),
    Cache(Cache<M>),
    Page(Page<M>),
    Bulk(Box<Bulk<M>>),
}

fn one<M: Mode>(pool: &Pool<M>, random: &mut Random) -> Keeps<M> {
    match random.below(4) {
        0 => Keeps::Handle(pool.clone()),
        1 => match pool.cache() {
            Ok(mut cache) => {
                drop(cache.alloc());
                Keeps::Cache(cache)
            }
            Err(_) => Keeps::Handle(pool.clone()),
        },
        2 => pool.alloc().map_or_else(|_| Keeps::Handle(pool.clone()), Keeps::Page),
        _ => {
            let mut bulk = Bulk::empty();
            let _ = pool.alloc_bulk(&mut bulk, 1 + random.below(4));
            Keeps::Bulk(Box::new(bulk))
        }
    }
}

/// Whatever is last frees the pool.
pub fn closing<M: Mode>(mut random: Random) {
    let ends = ENDS.load(Ordering::SeqCst);
    let builder = builder::<M>(&mut random, 40).on_region_end(|_| {
        ENDS.fetch_add(1, Ordering::SeqCst);
    });
    let pool = builder.build().expect("a pool");
    let tasks = 2 + random.below(4);
    let all: Vec<_> = (0..3 * tasks).map(|_| one(&pool, &mut random)).collect();
    drop(pool);
    let all = Arc::new(Mutex::new(all));
    let left = Arc::new(AtomicUsize::new(3 * tasks));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (all, left, mut random) =
                (Arc::clone(&all), Arc::clone(&left), Random::new(random.next()));
            spawn(move || {
                for _ in 0..3 {
                    let one = {
                        let mut all = all.lock().expect("a lock");
                        let at = random.below(all.len());
                        all.swap_remove(at)
                    };
                    yield_now();
                    assert_eq!(ENDS.load(Ordering::SeqCst), ends, "the pool is gone too early");
                    // An empty batch keeps nothing: whoever goes is counted first.
                    left.fetch_sub(1, Ordering::SeqCst);
                    drop(one);
                    let gone = ENDS.load(Ordering::SeqCst) - ends;
                    assert!(gone == 0 || left.load(Ordering::SeqCst) == 0, "it is gone too early");
                }
            })
        })
        .collect();
    join(tasks);
    assert_eq!(ENDS.load(Ordering::SeqCst), ends + 1, "it is gone once");
}

/// A static is built by one of those who try, and whoever finds it finds the whole of it.
pub fn statics<M: Mode>(mut random: Random) {
    let of = Arc::new(StaticPool::<M>::new());
    let built = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..2 + random.below(3))
        .map(|_| {
            let (of, built) = (Arc::clone(&of), Arc::clone(&built));
            let mut random = Random::new(random.next());
            spawn(move || {
                let build = || {
                    assert_eq!(built.fetch_add(1, Ordering::SeqCst), 0, "it is built twice");
                    builder(&mut random, 20).build()
                };
                let _ = of.init_with(build);
                if let Ok(pool) = of.get() {
                    let mut page = pool.alloc().expect("there are more pages than tasks");
                    page.fill(7);
                    yield_now();
                }
            })
        })
        .collect();
    join(tasks);
    assert_eq!(built.load(Ordering::SeqCst), 1);
    let pages = of.get().expect("one has built it").audit().pages;
    assert!(pages.adds_up() && pages.out == 0);
}

/// Whoever reads a cache's name finds one that some cache had there.
pub fn names<M: Mode>(mut random: Random) {
    // All lie in one text, so that one that is torn can be read.
    const TEXT: &str = "receive_send_a_longer_one";
    let names = [&TEXT[..7], &TEXT[8..12], &TEXT[13..]];
    let pool = builder::<M>(&mut random, 20).max_caches(2).build().expect("a pool");
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let (pool, mut random) = (pool.clone(), Random::new(random.next()));
            spawn(move || {
                for _ in 0..4 {
                    let name = names[random.below(names.len())];
                    let Ok(cache) = pool.cache_named(name).build() else { continue };
                    assert_eq!(cache.name(), Some(name));
                }
            })
        })
        .collect();
    for slot in 0..8 {
        let name = pool.cache_name(slot % 2);
        assert!(name.is_none_or(|name| names.contains(&name)), "{name:?}");
        let mut holders = pool.holders().filter_map(|holder| holder.name);
        assert!(holders.all(|name| names.contains(&name)));
    }
    join(tasks);
    pool.close().expect("no cache is left");
}
