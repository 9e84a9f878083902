//! Misuse that races: of two that give up the same thing, one is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagesheaf::{Mode, Order, PageId, Pool};

use super::builder;
use crate::random::Random;
use crate::tasks::{join, spawn};

/// So many tasks give up all.
const TASKS: usize = 3;

/// What is given up twice.
#[derive(Clone, Copy)]
enum Thing {
    Page,
    Lent,
    Block(Order),
}

/// The calls that went well for each.
type Wins = Arc<Vec<AtomicUsize>>;

fn gives_up<M: Mode>(pool: &Pool<M>, things: &[(Thing, PageId)], wins: &Wins, seed: u64) {
    let mut random = Random::new(seed);
    let mut order: Vec<_> = (0..things.len()).collect();
    // In the same order as the others, mostly, so that they meet.
    if random.below(4) == 0 {
        (1..order.len()).for_each(|at| order.swap(at, random.below(at + 1)));
    }
    for at in order {
        let (thing, id) = things[at];
        // SAFETY: nobody uses the pages, and none is allocated again before all have been tried; that others free them
        // as well is what the mode detects.
        let done = unsafe {
            match thing {
                Thing::Page => pool.free_raw(id).is_ok(),
                Thing::Lent => pool.reclaim(id).map(drop).is_ok(),
                Thing::Block(order) => pool.free_block_raw(id, order).is_ok(),
            }
        };
        wins[at].fetch_add(usize::from(done), Ordering::SeqCst);
    }
}

/// How often a pool has told that it is tainted. One pool is tried at a time.
static TOLD: AtomicUsize = AtomicUsize::new(0);

/// The names of the calls that refuse this.
fn calls(thing: Thing) -> &'static str {
    match thing {
        Thing::Page => "free",
        Thing::Lent => "reclaim",
        Thing::Block(_) => "free_block",
    }
}

/// Each thing is given up once, whoever tries, and the figures are those of that.
pub fn doubles<M: Mode>(mut random: Random) {
    TOLD.store(0, Ordering::SeqCst);
    let builder = builder::<M>(&mut random, 64).on_taint(|_| {
        TOLD.fetch_add(1, Ordering::SeqCst);
    });
    let pool = builder.build().expect("a pool");
    let things: Vec<_> = (0..6)
        .map(|_| match random.below(3) {
            0 => (Thing::Page, pool.alloc_raw().expect("a page")),
            1 => (Thing::Lent, pool.alloc().expect("a page").lend()),
            _ => {
                let order = Order::new(random.below(3) as u8).expect("a small order");
                (Thing::Block(order), pool.alloc_block_raw(order).expect("a block"))
            }
        })
        .collect();
    let wins: Wins = Arc::new(things.iter().map(|_| AtomicUsize::new(0)).collect());
    let things = Arc::new(things);
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (pool, things, wins) = (pool.clone(), Arc::clone(&things), Arc::clone(&wins));
            let seed = random.next();
            spawn(move || gives_up(&pool, &things, &wins, seed))
        })
        .collect();
    join(tasks);
    assert!(wins.iter().all(|wins| wins.load(Ordering::SeqCst) == 1), "{pool}: {wins:?}");
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.pages.out == 0 && audit.pages.lent == 0, "{audit}");
    let faults = pool.stats().map(|stats| stats.faults);
    assert!(pool.is_tainted() && faults.is_none_or(|faults| faults == 6 * (TASKS as u64 - 1)));
    assert_eq!(TOLD.load(Ordering::SeqCst), 1, "a taint is told once");
    let taint = pool.taint().expect("it is tainted");
    let (page, call) = (taint.page.expect("a page"), taint.call.expect("a call"));
    let is_of = |&(thing, id): &(Thing, PageId)| page == id && call.contains(calls(thing));
    assert!(things.iter().any(is_of), "{taint:?}");
}
