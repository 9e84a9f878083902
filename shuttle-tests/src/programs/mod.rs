//! The programs, a module for each group of mechanisms, and what is asked of every pool in the end.
//!
//! Each draws its pool and what its tasks do from the seed of an execution: so an execution is a schedule and a seed.

mod blocks;
mod closing;
mod devices;
mod faults;
mod mixed;
mod nodes;
mod reasons;
mod shared;
mod upkeep;
mod waiting;

use std::iter;
use std::sync::Arc;

use pagesheaf::{
    Bare, Builder, Checked, Compact, Hardened, Mode, NoChecks, NoRefcount, NoStats, Pool, Region,
    Select, ShortReason, hardening,
};

use crate::front::{BULK, Bulk};
use crate::owners::Owners;
use crate::random::Random;

/// Statistics and checks, with one switch of hardening.
type Only<const HARDENING: u8> = Select<false, true, true, HARDENING>;

/// One program in one mode.
pub struct Program {
    pub name: &'static str,
    pub mode: &'static str,
    pub body: fn(Random),
}

/// Stamps a program over modes.
macro_rules! stamp {
    ($programs:ident, $module:ident::$name:ident: $($label:ident = $mode:ty),+ $(,)?) => {$(
        $programs.push(Program {
            name: stringify!($name),
            mode: stringify!($label),
            body: $module::$name::<$mode>,
        });
    )+};
}

/// The presets, and switches alone.
macro_rules! in_all {
    ($programs:ident, $module:ident::$name:ident) => {
        stamp!($programs, $module::$name:
            bare = Bare, checked = Checked, no_refcount = NoRefcount, no_checks = NoChecks,
            no_stats = NoStats, compact = Compact, hardened = Hardened,
            claim_only = Only<{ hardening::CLAIM }>, poison_only = Only<{ hardening::POISON }>,
            quarantine_only = Only<{ hardening::QUARANTINE }>,
            shuffle_only = Only<{ hardening::SHUFFLE }>)
    };
}

/// All of them.
pub fn all() -> Vec<Program> {
    let mut programs = Vec::new();
    in_all!(programs, mixed::mixed);
    in_all!(programs, reasons::reasons);
    in_all!(programs, reasons::beside_blocks);
    in_all!(programs, reasons::hungry);
    in_all!(programs, upkeep::idle);
    in_all!(programs, upkeep::parked);
    in_all!(programs, upkeep::upkeep);
    in_all!(programs, waiting::waiting);
    in_all!(programs, waiting::critical);
    in_all!(programs, waiting::reserve);
    in_all!(programs, devices::lending);
    in_all!(programs, devices::fenced);
    in_all!(programs, blocks::blocks);
    in_all!(programs, nodes::nodes);
    in_all!(programs, closing::closing);
    stamp!(programs, closing::statics: bare = Bare, hardened = Hardened);
    stamp!(programs, closing::names: bare = Bare);
    stamp!(programs, shared::shared:
        checked = Checked, no_checks = NoChecks, no_stats = NoStats, hardened = Hardened);
    stamp!(programs, faults::doubles:
        hardened = Hardened, claim_only = Only<{ hardening::CLAIM }>);
    programs
}

/// A builder whose pool has so many pages, and its other sizes by chance: mostly those of a pool that is not told any.
fn builder<M: Mode>(random: &mut Random, pages: usize) -> Builder<M> {
    let builder = Pool::builder(pages).mode::<M>().page_size(256).region(Region::heap());
    let builder = builder.max_caches(1 + random.below(4));
    let builder = match random.below(4) {
        0 => builder.magazine_capacity(4 << random.below(3)),
        _ => builder,
    };
    let builder = match random.below(4) {
        few @ 0..3 => builder.shared_caches(few),
        _ => builder,
    };
    match random.below(2) {
        0 => builder.depots(1 + random.below(2)),
        _ => builder,
    }
}

/// A pool, and who has which of its pages.
fn built<M: Mode>(builder: Builder<M>) -> (Pool<M>, Arc<Owners>) {
    let pool = builder.build().expect("a pool");
    let owners = Owners::new(pool.capacity(), caches(&pool));
    (pool, owners)
}

/// How many caches the pool can have now.
fn caches<M: Mode>(pool: &Pool<M>) -> usize {
    let caches: Vec<_> = iter::from_fn(|| pool.cache().ok()).collect();
    caches.len()
}

/// At rest, with no other handle: the figures add up, nothing was found wrong, and every cache and every page can be
/// had, once.
#[track_caller]
fn is_whole<M: Mode>(pool: Pool<M>, owners: &Owners) {
    assert_eq!(owners.out(), 0);
    let audit = pool.audit();
    let pages = audit.pages;
    assert!(pages.adds_up(), "{audit}");
    assert_eq!((pages.out, pages.lent, pages.bad, pages.fenced, pages.promised), (0, 0, 0, 0, 0));
    assert_eq!((audit.misplaced.unwrap_or(0), audit.corrupt.unwrap_or(0)), (0, 0), "{audit}");
    assert!(!pool.is_tainted(), "{pool}");
    assert_eq!(caches(&pool), owners.caches, "{pool}");
    pool.drain();
    assert_eq!(pool.audit().pages.cached, 0, "{pool}");
    let mut all = Vec::new();
    loop {
        let mut bulk = Bulk::<M>::empty();
        let got = pool.critical().alloc_bulk(&mut bulk, BULK);
        owners.took_from(&mut bulk, 0, 1);
        all.push(bulk);
        match got.reason {
            None => {}
            Some(ShortReason::Exhausted) => break,
            Some(reason) => panic!("{reason}: {pool}"),
        }
    }
    let online = pages.capacity - pages.offline;
    assert_eq!(owners.out() as u64, online, "{pool}");
    all.iter().for_each(|bulk| owners.lets_all_go(bulk));
    drop(all);
    pool.close().expect("every page is back");
}
