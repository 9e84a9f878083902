//! A bulk page allocator and buffer pool whose safety you choose.
//!
//! A [`Pool`] has pages of one size: a fixed number, or as many as are online for now, up to its
//! capacity ([`Builder::initially`]). Threads allocate and free them in bulk, through a [`Cache`]
//! of their own or through the pool itself; no call waits for a lock. What happens to each page on
//! the way is the pool's [`Mode`]: reference counts, checks, statistics, hardening.
//!
#![cfg_attr(feature = "std", doc = "```")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use pagesheaf::{PageBatch, Pool};
//!
//! let pool = Pool::builder(1024).build()?;
//! let mut cache = pool.cache()?;
//! let mut batch = PageBatch::new();
//! let got = cache.alloc_bulk(&mut batch, 64);
//! assert_eq!((got.allocated, got.reason), (64, None));
//! batch[0].fill(7);
//! cache.free_bulk(&mut batch);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Owners
//!
//! [`Page`], [`PageBatch`], [`Block`] (neighbouring pages) and [`SharedPage`] (counted references)
//! own what they name: they are move-only, `Send` and without a lifetime, and a drop on any thread
//! frees, also after the pool's last handle is gone. So safe code can neither free a page twice nor
//! use one that is free, and freeing owned pages looks at no reference count. Pages without an owner
//! in Rust are [`PageId`]s: `alloc_bulk_raw`, `free_bulk_raw`, `alloc_block_raw`, `free_block_raw`.
//!
//! # Devices
//!
//! A page that a device has is *lent*: a frame in the UMEM of an AF_XDP (XDP) socket, a buffer of
//! io_uring, memory for DMA. A ring takes offsets from an iterator ([`Cache::lend_new`]) and gives
//! them back ([`Cache::reclaim_at`], [`Cache::free_lent`]). `docs` has guides.
//!
//! # Modes
//!
//! Every mode is compiled in every build. [`Pool::builder`] gives a pool of [`DefaultMode`], which
//! the Cargo features choose; [`Builder::mode`] names another, such as [`Bare`] or [`Hardened`],
//! and [`Select`] spells any. Safe code is sound in each of them: a mode decides which misuse of
//! the `unsafe` calls, and which corruption of memory, is detected. `features.md` says what each
//! choice costs and what it does not catch.
//!
//! With the feature `sanitizer-hooks`, in a program that runs under AddressSanitizer or valgrind,
//! these also find, in each mode, who reads or writes a page that is free.
//!
//! # Statics
//!
//! `static POOL: StaticPool = StaticPool::new();` is a pool that every function finds by its name.
//! It is built once, by [`StaticPool::init`] or, without a heap, [`StaticPool::init_with`], and
//! kept for ever; calls that come before say that it is not built. `docs/statics.md` shows both,
//! and traits of other crates that a static implements.
//!
//! # Results and errors
//!
//! A bulk allocation may come back short: [`BulkAlloc`] says how many pages are new, and
//! [`ShortReason`] why there are no more. Errors name the page, what was wrong and the mode; their
//! `Debug`, which `main` and `unwrap` print, has the same sentence. Pages found bad while they were
//! free are withheld, and [`Pool::bad_pages`] names them. Nothing panics on a bad page unless the
//! pool was built to ([`OnBadPage`]); a drop never does.
//!
//! Pools, caches and owners are `UnwindSafe` and `RefUnwindSafe` in every mode, so
//! `catch_unwind(|| pool.alloc())` needs no wrapper. No call runs its caller's code between two of
//! its own steps, and a panic for a bad page comes when all other pages have been moved and
//! counted.
//!
//! # Waiting
//!
//! No allocation waits, but for those that say so: `alloc_bulk_timeout`, whose thread sleeps, and
//! [`Pool::alloc_bulk_async`], whose task does, on any executor and without a heap. Both stand in
//! one line, are served in the order in which they came, and get all pages that they asked for. A
//! free only tells the first in line that pages have come; so it still works in a signal handler,
//! where [`Builder::defer_wakes`] keeps wakers out of it.
//!
//! # What the unsafe calls ask
//!
//! Owned pages need none of this. The *Safety* section of each call says it in full; this is the
//! whole at a glance.
//!
//! | call | sole owner | right pool | initialised | once | a checking mode notices |
//! |---|---|---|---|---|---|
//! | [`Page::from_raw`] | yes | yes | yes | yes | range, offline (panics) |
//! | [`Block::from_raw`] | yes | yes | yes | yes | range, offline (panics) |
//! | [`Cache::free_bulk_raw`], [`Cache::free_raw`] | yes, no references | yes | yes | yes | shared, free, lent, block, range |
//! | [`Cache::free_block_raw`] | yes | yes | yes | yes | free, order, pages, range |
//! | [`Pool::split_block_raw`] | yes | yes | no | yes | free, order, pages, range |
//! | [`Cache::retain_bulk`] | a reference | yes | no | no | free, lent, block, range |
//! | [`Cache::retain_many`] | a reference | yes | no | no | free, lent, block, range |
//! | [`Cache::release_many`] | so many references | yes | yes | yes | too few, free, lent, block, range |
//! | [`Cache::release_bulk`] | a reference | yes | yes | yes | free, lent, block, range |
//! | [`Cache::free_bulk_ignoring_refcounts`] | yes, others end | yes | yes | yes | free, lent, block, range |
//! | [`Cache::reclaim_bulk`], [`Pool::reclaim`] | yes, no device | yes | yes | yes | not lent, range |
//! | [`Cache::reclaim_at`], [`Cache::free_lent`] | yes, no device | yes | yes | yes | not lent, range |
//! | [`Pool::reclaim_all`] | of all lent pages, no device | its own | yes | no | nothing |
//! | [`CloseError::recover_forgotten`] | of all pages out, no drop goes on | its own | yes | no | other handles |
//! | [`Pool::after_fork`] | of the whole pool | its own | no | once a fork | nothing |
//! | [`Region::caller`] | of the memory | - | yes | one pool | size, alignment |
//! | [`Builder::build_in`] | of both memories | - | the pages | one pool | size, alignment |
//! | [`Builder::build_in_range`] | of the range | - | yes | one pool | size |
//! | [`Builder::build_in_ranges`] | of the ranges, the metadata | - | the pages | one pool | size, alignment, ranges |
//! | [`Pool::online`] | of the memory | yes | yes | until offline | range, online |
//!
//! - *Sole owner*: nobody else uses, frees or drops the page, now or later: no owner in Rust, no
//!   other who has its id, no device. *A reference*: the caller has one that was counted, by a raw
//!   call or by [`SharedPage`].
//! - *Right pool*: the page is of the pool that is called. No mode notices another pool's page
//!   whose number is in range.
//! - *Initialised*: every byte of the page has been written as a byte. A struct that is stored
//!   through a pointer leaves its padding uninitialised, and the next owner reads it in safe code.
//!   No mode notices.
//! - *Once*: each page that was given up, each reference, each page that was lent, is taken once;
//!   also within one call.
//! - *Notices*: modes with [`Mode::CHECKS`]. *Shared* is noticed by modes with [`Mode::REFCOUNT`],
//!   *range* by both. In checking modes a page that is offline is none that can be freed, and each
//!   call says so. Two calls that free one page at the same time are surely noticed with
//!   [`CLAIM`](hardening::CLAIM) only. Every mode looks at the range of a page that is to have an
//!   owner again, and whether it is offline, at other handles, and at the size and the alignment of
//!   memory.
//!
//! The calls of a [`Cache`] are those of a [`Pool`] too.
//!
//! # Reading the sources
//!
//! In this order, each of which knows only those before it:
//!
//! - `hint`, `fence`, `park`, `sync`: atomics, fences, sleep, and what else the models replace;
//! - `mode`, `plan`, `ticket`: what a mode does, which calls are to fail, until when pages wait;
//! - `page`, `error` and `io_error`: the state of a page, and what can be wrong;
//! - `metadata`, `zone`, `magazine`, `depot`, `slot`: where free pages are;
//! - `history`, `trail`, `clock`, `record`, `tracker`: who holds which page, with the feature
//!   `track`;
//! - `limits`, `sanitizer`, `heap`, `mapping`, `map`, `region`: memory of the system, and what tools
//!   are told of it;
//! - `line`: who waits for pages, in which order;
//! - `inner`: the core, which does what the calls ask for;
//! - `owned`, `boxed` and `io`, `handle`: owners of pages, and what keeps a core;
//! - `calls`, `cache`, `pool`: the calls, written once, and what they are called on;
//! - `wait`, `timeout`, `nodes`: the calls that wait; several pools with a mask.
//!
//! `xtask/src/tidy/layers.rs` has the list that is enforced. `DESIGN.md` explains the words, and
//! walks through one allocation and one free.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "std")]
extern crate std;

cfg_if::cfg_if! {
    if #[cfg(feature = "std")] {
        #[path = "heap/std.rs"]
        mod heap;
    } else {
        #[path = "heap/none.rs"]
        mod heap;
    }
}

cfg_if::cfg_if! {
    if #[cfg(not(feature = "std"))] {
        #[path = "hint/none.rs"]
        mod hint;
    } else if #[cfg(all(
        target_os = "linux",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(miri)
    ))] {
        #[path = "hint/pointer.rs"]
        mod hint;
    } else {
        #[path = "hint/thread.rs"]
        mod hint;
    }
}

cfg_if::cfg_if! {
    if #[cfg(not(feature = "std"))] {
        #[path = "fence/none.rs"]
        mod fence;
    } else if #[cfg(all(target_os = "linux", not(miri)))] {
        #[path = "fence/membarrier.rs"]
        mod fence;
    } else {
        #[path = "fence/full.rs"]
        mod fence;
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "fault-injection")] {
        #[path = "inject/on.rs"]
        mod injector;
    } else {
        #[path = "inject/none.rs"]
        mod injector;
    }
}

cfg_if::cfg_if! {
    if #[cfg(feature = "track")] {
        #[path = "track/on.rs"]
        mod tracker;
        #[path = "track/trail/on.rs"]
        mod trail;
    } else {
        #[path = "track/none.rs"]
        mod tracker;
        #[path = "track/trail/none.rs"]
        mod trail;
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(
        feature = "sanitizer-hooks",
        target_os = "linux",
        target_arch = "x86_64",
        not(miri)
    ))] {
        #[path = "sanitizer/on.rs"]
        mod sanitizer;
    } else {
        #[path = "sanitizer/none.rs"]
        mod sanitizer;
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(feature = "track", feature = "std"))] {
        #[path = "track/clock/std.rs"]
        mod clock;
    } else if #[cfg(feature = "track")] {
        #[path = "track/clock/calls.rs"]
        mod clock;
    }
}

cfg_if::cfg_if! {
    if #[cfg(not(feature = "std"))] {
        #[path = "sync/park/none.rs"]
        mod park;
    } else if #[cfg(all(target_os = "linux", not(miri)))] {
        #[path = "sync/park/futex.rs"]
        mod park;
    } else {
        #[path = "sync/park/condvar.rs"]
        mod park;
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(feature = "std", target_os = "linux"))] {
        #[path = "limits/linux.rs"]
        mod limits;
    } else if #[cfg(feature = "std")] {
        #[path = "limits/none.rs"]
        mod limits;
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(feature = "std", target_os = "linux"))] {
        #[path = "map/linux.rs"]
        mod map;
    } else {
        #[path = "map/none.rs"]
        mod map;
    }
}

#[cfg(feature = "std")]
#[path = "owned/boxed.rs"]
mod boxed;
mod cache;
mod calls;
mod depot;
mod error;
#[cfg(feature = "fault-injection")]
#[path = "inject/calls.rs"]
mod fault_calls;
mod handle;
#[cfg(feature = "std")]
#[path = "pool/helper.rs"]
mod helper;
#[cfg_attr(not(feature = "track"), allow(dead_code))]
#[path = "track/history.rs"]
mod history;
mod inner;
#[cfg(feature = "std")]
#[path = "owned/io.rs"]
mod io;
#[cfg(feature = "std")]
#[path = "error/io.rs"]
mod io_error;
mod line;
mod magazine;
mod mapping;
mod metadata;
mod mode;
#[cfg(any(feature = "__models", all(test, feature = "std")))]
#[doc(hidden)]
pub mod models;
mod nodes;
mod owned;
mod page;
#[cfg_attr(not(feature = "fault-injection"), allow(dead_code))]
#[path = "inject/plan.rs"]
mod plan;
mod pool;
#[cfg_attr(not(feature = "track"), allow(dead_code))]
#[path = "track/record.rs"]
mod record;
mod region;
mod slot;
mod sync;
mod ticket;
#[cfg(feature = "std")]
#[path = "wait/timeout.rs"]
mod timeout;
#[cfg(feature = "track")]
#[path = "track/calls.rs"]
mod track_calls;
mod wait;
mod zone;

pub use cache::{Cache, ParkedCache};
pub use calls::{FromBatch, Lender, Lending};
pub use error::{
    BadPage, BatchError, BuildError, BulkAlloc, CacheError, ExactError, FenceError, Filled,
    InitError, MemoryLimit, NotBuilt, PageError, PlaceError, PlaceReason, Pressure, RangeError,
    ShortReason, Taint, TaintReason, WaitError, WaitReason, Watermark,
};
#[cfg(feature = "std")]
pub use helper::Helper;
#[cfg(feature = "track")]
pub use history::{Age, Event, History};
pub use mapping::{Huge, HugePages, Mapping, RegionInfo, RegionKind};
pub use mode::{
    Bare, Checked, Compact, DefaultMode, Hardened, Mode, ModeFlags, NoChecks, NoRefcount, NoStats,
    Refcounted, Select, hardening,
};
pub use nodes::{NodeBatch, NodeError, NodeMask, NodePolicy, NodeSet, NodeStats, SharedNodeMask};
pub use owned::{
    Block, IntoBlocks, IntoIter, IntoPages, Iter, IterMut, Page, PageBatch, Prefilled, PushError,
    Retained, SharedPage,
};
pub use page::{Fault, IdError, NamesPage, Order, OrderError, PageId};
#[cfg(feature = "fault-injection")]
pub use plan::{CallKinds, FaultPlan, InjectedFault};
pub use pool::{
    AnyCache, AsymmetricFence, Audit, BuildReport, Builder, CacheBuilder, Calls, CloseError,
    Critical, Holder, HolderState, Maintained, NotPurged, OnBadPage, Pages, Pool, StaticPool,
    Stats, WentOffline,
};
pub use region::{PageRange, Region};
pub use ticket::{Fence, Ticket};
#[cfg(feature = "track")]
pub use tracker::Outstanding;

#[cfg(all(doctest, feature = "std", feature = "refcount"))]
mod guides;

/// ```compile_fail,E0432
/// use pagesheaf::models;
/// ```
#[cfg(all(doctest, not(feature = "__models")))]
struct PreventedModels;
