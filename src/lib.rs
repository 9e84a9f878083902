//! A bulk page allocator whose safety you choose.
//!
//! Reading order: `mode`, `page`, `zone`, `depot`, `magazine`, `cache`, `inner`, `pool`, `owned`.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

cfg_if::cfg_if! {
    if #[cfg(feature = "std")] {
        #[path = "heap/std.rs"]
        mod heap;
        #[path = "hint/thread.rs"]
        mod hint;
    } else {
        #[path = "heap/none.rs"]
        mod heap;
        #[path = "hint/none.rs"]
        mod hint;
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

mod builder;
mod cache;
mod calls;
mod closing;
mod depot;
mod error;
mod inner;
mod magazine;
mod mode;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod models;
mod owned;
mod page;
mod pool;
mod region;
mod stats;
mod sync;
mod table;
mod zone;

pub use builder::{Builder, OnBadPage};
pub use closing::Leaked;
pub use error::{AllocError, BuildError, Bulk, CacheError, Fault, FreeError, Short};
pub use mode::{
    Bare, Checked, DefaultMode, Hardened, Mode, Modes, NoChecks, NoRefcount, NoStats, Refcounted,
    Select,
};
pub use owned::{Block, IntoIter, Page, PageBatch, PushError, SharedPage};
pub use page::{Order, PageId};
pub use pool::{Cache, Pool};
pub use region::{Huge, HugePages, Mapping, Region, RegionInfo, RegionKind};
pub use stats::{Audit, Calls, Pages, Stats};

#[cfg(all(doctest, feature = "std", feature = "refcount"))]
#[doc = include_str!("../README.md")]
struct Readme;
