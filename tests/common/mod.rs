//! What the tests share: the modes to stamp a body over, pools in every build of the crate, and the calls of caches
//! and pools as one trait.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test crate uses a part of this")]

mod devices;
mod front;
mod random;

use std::alloc::Layout;
use std::mem::MaybeUninit;

pub use devices::DeviceFront;
pub use front::{Front, SharedFront};
pub use pagesheaf::*;
pub use random::Random;

/// Whether a mode's pages are claimed as they leave and return.
pub fn claims<M: Mode>() -> bool {
    M::HARDENING & hardening::CLAIM != 0
}

/// Whether a mode's free pages are poisoned.
pub fn poisons<M: Mode>() -> bool {
    M::HARDENING & hardening::POISON != 0
}

/// Whether a mode's freed pages wait before they are handed out again.
pub fn waits<M: Mode>() -> bool {
    M::HARDENING & (hardening::QUARANTINE | hardening::SHUFFLE) != 0
}

/// Stamps generic test bodies over one mode.
macro_rules! stamp {
    ($module:ident, $mode:ty, [$($body:ident),+ $(,)?]) => {
        mod $module {
            #[allow(unused_imports)]
            use crate::common::*;
            $(
                #[test]
                fn $body() {
                    super::super::$body::<$mode>();
                }
            )+
        }
    };
}

/// As `stamp`, of a mode that users choose and that combines what others do: left out where few modes are asked for,
/// and without `std` but for `cargo xtask test --full`, because no mode depends on it.
#[cfg(all(not(pagesheaf_few_modes), any(feature = "std", pagesheaf_full)))]
macro_rules! stamp_preset {
    ($($mode:tt)+) => {
        stamp!($($mode)+);
    };
}
#[cfg(not(all(not(pagesheaf_few_modes), any(feature = "std", pagesheaf_full))))]
macro_rules! stamp_preset {
    ($($mode:tt)+) => {};
}

/// As `stamp`, of a mode that is no preset: `cargo xtask test --full` has these.
#[cfg(pagesheaf_full)]
macro_rules! stamp_also {
    ($($mode:tt)+) => {
        stamp!($($mode)+);
    };
}
#[cfg(not(pagesheaf_full))]
macro_rules! stamp_also {
    ($($mode:tt)+) => {};
}

/// Stamps bodies over the distinct modes that do not check.
macro_rules! stamp_unchecking {
    ($($bodies:tt)+) => {
        stamp!(bare, Bare, [$($bodies)+]);
        stamp_also!(only_stats, Select<false, false, true, 0>, [$($bodies)+]);
        stamp_also!(only_refcount, Select<true, false, false, 0>, [$($bodies)+]);
        stamp!(no_checks, NoChecks, [$($bodies)+]);
    };
}

/// Stamps bodies over each hardening switch alone.
macro_rules! stamp_switches {
    ($($bodies:tt)+) => {
        stamp_preset!(claim, Select<false, true, true, { hardening::CLAIM }>, [$($bodies)+]);
        stamp_preset!(poison, Select<false, true, true, { hardening::POISON }>, [$($bodies)+]);
        stamp_preset!(quarantine, Select<false, true, true, { hardening::QUARANTINE }>, [$($bodies)+]);
        stamp_preset!(shuffle, Select<false, true, true, { hardening::SHUFFLE }>, [$($bodies)+]);
    };
}

/// Stamps bodies over the distinct modes with hardening: each switch alone, and all of them.
macro_rules! stamp_hardened {
    ($($bodies:tt)+) => {
        stamp_switches!($($bodies)+);
        stamp_also!(only_hardened, Select<false, true, false, { hardening::ALL }>, [$($bodies)+]);
        stamp_also!(hardened_stats, Select<false, true, true, { hardening::ALL }>, [$($bodies)+]);
        stamp_also!(hardened_refcount, Select<true, true, false, { hardening::ALL }>, [$($bodies)+]);
        stamp!(hardened, Hardened, [$($bodies)+]);
    };
}

/// Stamps bodies over the distinct modes that check.
macro_rules! stamp_checking {
    ($($bodies:tt)+) => {
        stamp_also!(only_checks, Select<false, true, false, 0>, [$($bodies)+]);
        stamp_preset!(no_refcount, NoRefcount, [$($bodies)+]);
        stamp_preset!(no_stats, NoStats, [$($bodies)+]);
        stamp!(checked, Checked, [$($bodies)+]);
        stamp!(compact, Compact, [$($bodies)+]);
        stamp_hardened!($($bodies)+);
    };
}

/// Stamps bodies over every distinct mode. What the features choose is one of them, in the builds that are tested.
macro_rules! every_mode {
    ($($bodies:tt)+) => {
        mod every_mode {
            stamp_unchecking!($($bodies)+);
            stamp_checking!($($bodies)+);
        }
    };
}

/// Stamps bodies over every distinct mode that counts references.
macro_rules! every_refcounted_mode {
    ($($bodies:tt)+) => {
        mod every_refcounted_mode {
            stamp_also!(only_refcount, Select<true, false, false, 0>, [$($bodies)+]);
            stamp!(no_checks, NoChecks, [$($bodies)+]);
            stamp_preset!(no_stats, NoStats, [$($bodies)+]);
            stamp!(checked, Checked, [$($bodies)+]);
            stamp_also!(claim, Select<true, true, true, { hardening::CLAIM }>, [$($bodies)+]);
            stamp_also!(poison, Select<true, true, true, { hardening::POISON }>, [$($bodies)+]);
            stamp_also!(quarantine, Select<true, true, true, { hardening::QUARANTINE }>, [$($bodies)+]);
            stamp_also!(shuffle, Select<true, true, true, { hardening::SHUFFLE }>, [$($bodies)+]);
            stamp_also!(hardened_refcount, Select<true, true, false, { hardening::ALL }>, [$($bodies)+]);
            stamp!(hardened, Hardened, [$($bodies)+]);
        }
    };
}

/// Stamps bodies over every distinct mode that checks.
macro_rules! every_checking_mode {
    ($($bodies:tt)+) => {
        mod every_checking_mode {
            stamp_checking!($($bodies)+);
        }
    };
}

/// Stamps bodies over modes whose pages are claimed as they leave and return.
macro_rules! every_claiming_mode {
    ($($bodies:tt)+) => {
        mod every_claiming_mode {
            stamp_preset!(claim, Select<false, true, true, { hardening::CLAIM }>, [$($bodies)+]);
            stamp_also!(only_hardened, Select<false, true, false, { hardening::ALL }>, [$($bodies)+]);
            stamp!(hardened, Hardened, [$($bodies)+]);
        }
    };
}

/// Stamps bodies over modes whose free pages are poisoned.
macro_rules! every_poisoning_mode {
    ($($bodies:tt)+) => {
        mod every_poisoning_mode {
            stamp_preset!(poison, Select<false, true, true, { hardening::POISON }>, [$($bodies)+]);
            stamp_also!(only_hardened, Select<false, true, false, { hardening::ALL }>, [$($bodies)+]);
            stamp!(hardened, Hardened, [$($bodies)+]);
        }
    };
}

/// Stamps bodies over the presets.
macro_rules! every_preset {
    ($($bodies:tt)+) => {
        mod every_preset {
            stamp!(bare, Bare, [$($bodies)+]);
            stamp_preset!(no_refcount, NoRefcount, [$($bodies)+]);
            stamp!(no_checks, NoChecks, [$($bodies)+]);
            stamp_preset!(no_stats, NoStats, [$($bodies)+]);
            stamp!(checked, Checked, [$($bodies)+]);
            stamp!(compact, Compact, [$($bodies)+]);
            stamp!(hardened, Hardened, [$($bodies)+]);
        }
    };
}

/// Turns bodies over a front into bodies over a mode: each runs on a cache, then on the pool, and afterwards the
/// pool must be whole. The pool has 200 pages of 256 bytes.
macro_rules! on_both_fronts {
    ($($(#[$doc:meta])* fn $body:ident<$m:ident: $bound:ident, $f:ident: $front:ident>($pool:ident, $it:ident) $code:block)+) => {
        $(
            $(#[$doc])*
            fn $body<$m: $bound>() {
                fn body<$m: $bound, $f: $front<$m>>($pool: &Pool<$m>, $it: &mut $f) $code
                let pool = crate::common::pool::<$m>(200);
                let mut cache = pool.cache().expect("a cache");
                body(&pool, &mut cache);
                drop(cache);
                assert_whole(pool);
                let pool = crate::common::pool::<$m>(200);
                body(&pool, &mut pool.clone());
                assert_whole(pool);
            }
        )+
    };
}

/// How often a test repeats what it does: less often where mutants are tried, each of which costs a run.
pub const fn often(times: usize) -> usize {
    if cfg!(pagesheaf_mutants) { times / 8 } else { times }
}

/// How often a test tries what may go wrong seldom: so often, or as it is told.
pub fn as_told(times: usize) -> usize {
    told().unwrap_or(often(times))
}

/// How often `PAGESHEAF_TRIES` tells tests to try, as `cargo xtask test --full` does.
pub fn told() -> Option<usize> {
    std::env::var("PAGESHEAF_TRIES").ok().map(|given| given.parse().expect("a number"))
}

/// A pool of `pages` pages of 256 bytes.
pub fn pool<M: Mode>(pages: usize) -> Pool<M> {
    build(pages, |builder| builder)
}

/// A pool of `pages` pages of 256 bytes, built as `how` says, in any build: without `std`, in leaked memory.
pub fn build<M: Mode>(pages: usize, how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    let builder = how(Pool::builder(pages).page_size(256).mode::<M>());
    if cfg!(feature = "std") {
        return builder.build().expect("a pool");
    }
    let region = leaked(Layout::from_size_align(pages * 256, 256).expect("a layout"));
    let metadata = metadata_for(&builder);
    // SAFETY: the region is leaked and zeroed: nobody else ever uses it.
    unsafe { builder.build_in(region.as_mut_ptr().cast(), metadata) }.expect("a pool")
}

/// Leaked memory that fits the builder's metadata.
pub fn metadata_for<M: Mode>(builder: &Builder<M>) -> &'static mut [MaybeUninit<u8>] {
    leaked(builder.metadata_layout().expect("a layout"))
}

/// Zeroed memory that nobody ever frees.
pub fn leaked(layout: Layout) -> &'static mut [MaybeUninit<u8>] {
    assert!(layout.size() > 0);
    // SAFETY: the layout has a size.
    let start = unsafe { std::alloc::alloc_zeroed(layout) };
    assert!(!start.is_null());
    // SAFETY: it was just allocated with this size, and is never freed.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), layout.size()) }
}

/// Asserts that the pool's numbers add up, by count and by statistics.
#[track_caller]
pub fn assert_adds_up<M: Mode>(pool: &Pool<M>) {
    let audit = pool.audit();
    assert!(audit.pages.adds_up(), "{audit}");
    assert!(matches!(audit.misplaced, None | Some(0)), "{audit}");
    if let Some(stats) = pool.stats() {
        assert_eq!(stats.pages, audit.pages, "{stats}");
    }
}

/// Asserts that every page is back, nothing went wrong, and the pool closes.
#[track_caller]
pub fn assert_whole<M: Mode>(pool: Pool<M>) {
    assert_adds_up(&pool);
    let pages = pool.audit().pages;
    assert_eq!((pages.out, pages.lent, pages.bad), (0, 0, 0), "{pages}");
    assert!(!pool.is_tainted(), "{pool}");
    pool.drain();
    pool.close().expect("every page is back");
}

/// The order of a block of 64 pages: the largest that lies in one word of the zone.
pub const ORDER_6: Order = match Order::new(6) {
    Some(order) => order,
    None => unreachable!(),
};

/// An order that is legal.
pub fn order(order: u8) -> Order {
    Order::new(order).expect("a legal order")
}

/// The pages of a block.
pub fn block_ids(first: PageId, order: Order) -> Vec<PageId> {
    (first.index()..first.index() + order.pages() as u32).map(PageId::new).collect()
}

/// A call that only lets a cache answer what it was asked for meanwhile.
pub fn next_call<M: Mode>(cache: &mut Cache<M>) {
    assert_eq!(
        cache.alloc_bulk(&mut PageBatch::<M>::new(), 0),
        BulkAlloc { allocated: 0, reason: None }
    );
}

/// The pages that are out.
pub fn out<M: Mode>(pool: &Pool<M>) -> u64 {
    pool.audit().pages.out
}

/// A text without what the feature `track` adds to it: what happened to a page, and, in lines of their own, who has it.
pub fn plain(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    let mut lines = text.lines().filter(|line| !line.starts_with("  ")).map(|line| {
        let Some((before, rest)) = line.split_once(" (its last events: ") else {
            return line.to_owned();
        };
        let (_, after) = rest.split_once(')').expect("the end of the events");
        format!("{before}{after}")
    });
    if cfg!(feature = "track") { lines.by_ref().collect::<Vec<_>>().join("\n") } else { text }
}

/// Whether ids are distinct.
pub fn distinct(ids: &[PageId]) -> bool {
    let set: std::collections::HashSet<_> = ids.iter().collect();
    set.len() == ids.len()
}

/// Fills a page with bytes that no other page has, and that differ along it.
pub fn mark(bytes: &mut [u8], seed: u32) {
    let (parts, _) = bytes.as_chunks_mut();
    let mut marks = marks(seed);
    for (at, part) in parts.iter_mut().enumerate() {
        marks[0] = at as u8;
        *part = marks;
    }
}

/// Whether a page has the bytes that [`mark`] wrote.
pub fn is_marked(bytes: &[u8], seed: u32) -> bool {
    let (parts, _) = bytes.as_chunks();
    let mut marks = marks(seed);
    parts.iter().enumerate().all(|(at, part)| {
        marks[0] = at as u8;
        *part == marks
    })
}

/// The bytes of a part of a page, but for the first, which says which part it is.
fn marks(seed: u32) -> [u8; 16] {
    let mixed = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(mixed) << 64 | u128::from(seed) << 8).to_le_bytes()
}

/// Room for raw ids.
pub fn no_ids<const N: usize>() -> [MaybeUninit<PageId>; N] {
    [const { MaybeUninit::uninit() }; N]
}
